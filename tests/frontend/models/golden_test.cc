// The dumps of two models, and of a training step, as files: a change of generated code shows its diff. UPDATE_GOLDEN=1
// rewrites them.
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
  const char* mode;
  std::vector<std::pair<const char*, compiler::Stage>> stages;
};

const std::vector<std::pair<const char*, compiler::Stage>> kAllStages = {{"graph", compiler::Stage::kGraph},
                                                                         {"fused", compiler::Stage::kFused},
                                                                         {"loop", compiler::Stage::kLoop},
                                                                         {"program", compiler::Stage::kProgram}};

// A training step whose first layers are computed once more for their gradient.
Model checkpointed() {
  clear_session();
  Tensor x = Input({64}, {.name = "x"});
  Tensor entering = Input({64});
  Tensor inner = Dense(64, {.activation = "tanh", .name = "first"})(entering);
  inner = Dense(64, {.activation = "tanh", .name = "second"})(inner);
  Dense logits(10, {.name = "logits"});
  RematScope scope;
  Model block(entering, inner, {.name = "block"});
  Model model(x, logits(block(x)), {.name = "checkpointed"});
  model.compile({.optimizer = SGD(0.1), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  return model;
}

const Golden kModels[] = {{"digits", [] { return examples::digits(); }, "infer", kAllStages},
                          {"ticket", [] { return examples::ticket(); }, "infer", kAllStages},
                          {"checkpointed",
                           checkpointed,
                           "train",
                           {{"graph", compiler::Stage::kGraph}, {"program", compiler::Stage::kProgram}}}};

class GoldenTest : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenTest, DumpsAreAsCommitted) {
  // The graph's text alone makes the rest, for one CPU level: dumps are the same on every machine.
  const std::string source = GetParam().make().dump(mica::Stage::kGraph, {.mode = GetParam().mode});
  absl::StatusOr<std::unique_ptr<ir::Graph>> graph = ir::parse_graph(source);
  ASSERT_TRUE(graph.ok()) << graph.status().message();
  compiler::CompiledModel model(*std::move(graph), {.target = loop::parse_target("x86-64-v3")});
  for (const auto& [stage_name, stage] : GetParam().stages) {
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
