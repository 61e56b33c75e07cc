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

using Stages = std::vector<std::pair<const char*, compiler::Stage>>;

struct Golden {
  const char* name;
  Model (*make)();
  const char* mode;
  Stages stages;
};

// A model whose first layer is computed once more for its gradient by request, and a part of whose normalisation by the
// fuser's choice.
Model checkpointed() {
  clear_session();
  Tensor x = Input({64}, {.name = "x"});
  Tensor h = utils::checkpoint(Dense(256, {.activation = "tanh", .name = "first"}), x);
  h = relu(BatchNormalization({.name = "norm"})(h));
  Model model(x, Dense(10, {.name = "logits"})(h), {.name = "checkpointed"});
  model.compile({.optimizer = SGD(0.1), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  return model;
}

const Stages kAllStages = {{"graph", compiler::Stage::kGraph},
                           {"fused", compiler::Stage::kFused},
                           {"loop", compiler::Stage::kLoop},
                           {"program", compiler::Stage::kProgram}};
const Stages kNoLoops = {
    {"graph", compiler::Stage::kGraph}, {"fused", compiler::Stage::kFused}, {"program", compiler::Stage::kProgram}};

const Golden kModels[] = {{"digits", [] { return examples::digits(); }, "infer", kAllStages},
                          {"ticket", [] { return examples::ticket(); }, "infer", kAllStages},
                          {"checkpointed", checkpointed, "train", kNoLoops}};

class GoldenTest : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenTest, DumpsAreAsCommitted) {
  // The graph's text alone makes the rest, for one CPU level: dumps are the same on every machine.
  absl::StatusOr<std::unique_ptr<ir::Graph>> graph =
      ir::parse_graph(GetParam().make().dump(mica::Stage::kGraph, {.mode = GetParam().mode}));
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
