// The dumps of two models as files: a change of generated code shows its diff. UPDATE_GOLDEN=1 rewrites them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "compiler/compile.h"
#include "examples/models/digits.h"
#include "examples/models/ticket.h"

namespace mica {
namespace {

struct Golden {
  const char* name;
  Model (*make)();
};
const Golden kModels[] = {{"digits", [] { return examples::digits(); }}, {"ticket", [] { return examples::ticket(); }}};
const std::pair<const char*, compiler::Stage> kStages[] = {{"graph", compiler::Stage::kGraph},
                                                           {"fused", compiler::Stage::kFused},
                                                           {"loop", compiler::Stage::kLoop},
                                                           {"program", compiler::Stage::kProgram}};

class GoldenTest : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenTest, DumpsAreAsCommitted) {
  // The graph's text alone makes the rest, for one CPU level: dumps are the same on every machine.
  absl::StatusOr<std::unique_ptr<ir::Graph>> graph = ir::parse_graph(GetParam().make().dump(mica::Stage::kGraph));
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  compiler::CompiledModel model(*std::move(graph), {.target = loop::parse_target("x86-64-v3")});
  for (const auto& [stage_name, stage] : kStages) {
    std::string path = std::string(MICA_SOURCE_DIR) + "/tests/golden/" + GetParam().name + "." + stage_name + ".txt";
    std::string text = model.dump(stage);
    if (std::getenv("UPDATE_GOLDEN")) std::ofstream(path) << text;
    std::ostringstream committed;
    committed << std::ifstream(path).rdbuf();
    EXPECT_EQ(text, committed.str()) << path << "; UPDATE_GOLDEN=1 rewrites it";
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTest, ::testing::ValuesIn(kModels),
                         [](const auto& golden) { return std::string(golden.param.name); });

}  // namespace
}  // namespace mica
