#include "frontend/graph/dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class DumpTest : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }
  Model make() {
    Tensor x = Input({4}, {.name = "x"});
    Tensor hidden = Dense(3, {.activation = "relu", .name = "hidden"})(x);
    Tensor kept = Dropout(0.5, {.name = "drop"})(hidden);
    return Model(x, Softmax({.name = "classes"})(kept * 2.0), {.name = "small"});
  }
};

TEST_F(DumpTest, CallsAsTextAndJson) {
  Model model = make();
  EXPECT_EQ(model.dump(Stage::kCalls),
            "model small(x: f32[?,4]) {\n"
            "  hidden = Dense(x) : f32[?,3]\n"
            "  drop = Dropout(hidden) : f32[?,3]\n"
            "  multiply = Multiply(drop) : f32[?,3]\n"
            "  classes = Softmax(multiply) : f32[?,3]\n"
            "  return classes\n"
            "}\n");
  json calls = json::parse(model.dump(Stage::kCalls, {.format = "json"}));
  EXPECT_EQ(calls["model"], "small");
  EXPECT_EQ(calls["inputs"], json::parse(R"([{"name": "x", "type": "f32[?,4]"}])"));
  EXPECT_EQ(calls["calls"][3],
            json::parse(R"({"key": "classes", "class": "Softmax", "inputs": ["multiply"], "types": ["f32[?,3]"]})"));
  EXPECT_EQ(calls["outputs"], json::parse(R"([{"name": "classes", "value": "classes"}])"));
}

TEST_F(DumpTest, GraphsAsJsonAndDot) {
  Model model = make();
  json graph = json::parse(model.dump(Stage::kGraph, {.format = "json"}));
  EXPECT_EQ(graph["inputs"][0]["name"], "x");
  EXPECT_EQ(graph["nodes"][0]["op"], "variable");
  EXPECT_EQ(graph["nodes"][0]["name"], "hidden/kernel");
  json fused = json::parse(model.dump(Stage::kFused, {.format = "json"}));
  bool has_group = false;
  for (const json& node : fused["nodes"]) has_group |= node.contains("bodies");
  EXPECT_TRUE(has_group);

  std::string dot = model.dump(Stage::kFused, {.format = "dot"});
  EXPECT_THAT(dot, HasSubstr("digraph"));
  EXPECT_THAT(dot, HasSubstr("subgraph cluster_1"));
  EXPECT_THAT(dot, HasSubstr("hidden/kernel"));
  EXPECT_THAT(model.dump(Stage::kCalls, {.format = "dot"}), HasSubstr("Softmax"));
}

TEST_F(DumpTest, ProgramsAsJson) {
  json program = json::parse(make().dump(Stage::kProgram, {.format = "json"}));
  ASSERT_FALSE(program["run"].empty());
  const json& last = program["run"].back();
  EXPECT_THAT(last["step"].get<std::string>(), HasSubstr("kernel "));
  EXPECT_EQ(last["layer"], "classes");
  int result = last["results"][0];
  EXPECT_EQ(program["buffers"][result]["space"], "result");
  EXPECT_EQ(program["results"], json::parse(R"([{"name": "classes", "buffer": )" + std::to_string(result) + "}]"));
}

TEST_F(DumpTest, ModesAndBatches) {
  Model model = make();
  EXPECT_THAT(model.dump(Stage::kGraph), Not(HasSubstr("dropout")));
  EXPECT_THAT(model.dump(Stage::kGraph, {.mode = "train"}), HasSubstr("dropout"));
  EXPECT_THAT(model.dump(Stage::kGraph), HasSubstr("f32[N,4]"));
  EXPECT_THAT(model.dump(Stage::kGraph, {.batch = 7}), HasSubstr("f32[7,4]"));
}

class StepDumpTest : public DumpTest {
 protected:
  Model compiled() {
    Tensor x = Input({4}, {.name = "x"});
    Tensor hidden = Dense(3, {.activation = "relu", .name = "hidden"})(x);
    Model model(x, Dense(2, {.name = "logits"})(hidden), {.name = "small"});
    model.compile({.optimizer = Adam(1e-3),
                   .loss = SparseCategoricalCrossentropy({.from_logits = true}),
                   .metrics = {"accuracy"}});
    return model;
  }
};

TEST_F(StepDumpTest, ACompiledModelShowsItsWholeStep) {
  const std::string graph = compiled().dump(Stage::kGraph, {.mode = "train"});
  for (const char* part :
       {"%target:logits: i32[N]", "%adam:learning_rate: f32[]", "gradient(", "# loss/logits", "# metrics/accuracy",
        "# adam/hidden/kernel", "variable \"adam/hidden_kernel_momentum\"", "as \"loss\"", "update "}) {
    EXPECT_THAT(graph, HasSubstr(part));
  }
  EXPECT_THAT(graph, Not(HasSubstr("not compiled")));
}

TEST_F(StepDumpTest, EveryStageKnowsTheLayerAndItsRole) {
  Model model = compiled();
  EXPECT_THAT(model.dump(Stage::kFused, {.mode = "train"}), HasSubstr("# hidden backward"));
  const std::string program = model.dump(Stage::kProgram, {.mode = "train"});
  EXPECT_THAT(program, HasSubstr("# hidden backward"));
  EXPECT_THAT(program, HasSubstr("\"adam/hidden_kernel_velocity\""));
  EXPECT_THAT(program, HasSubstr("in place"));
  for (Stage stage : {Stage::kLoop, Stage::kLlvm, Stage::kAsm}) {
    EXPECT_GT(model.dump(stage, {.mode = "train"}).size(), model.dump(stage).size());
  }
}

TEST_F(StepDumpTest, AsJsonAndDot) {
  Model model = compiled();
  json fused = json::parse(model.dump(Stage::kFused, {.mode = "train", .format = "json"}));
  bool has_backward = false;
  for (const json& node : fused["nodes"]) {
    has_backward |= node.value("layer", "") == "hidden" && node.value("role", "") == "backward";
  }
  EXPECT_TRUE(has_backward);
  json program = json::parse(model.dump(Stage::kProgram, {.mode = "train", .format = "json"}));
  EXPECT_FALSE(program.contains("note"));
  EXPECT_GT(program["run"].size(), 3u);
  EXPECT_THAT(model.dump(Stage::kGraph, {.mode = "train", .format = "dot"}), HasSubstr("gradient"));
}

TEST_F(StepDumpTest, TheBatchIsTheTargetsToo) {
  EXPECT_THAT(compiled().dump(Stage::kGraph, {.mode = "train", .batch = 7}), HasSubstr("%target:logits: i32[7]"));
}

// The text is the step: it reads back, and training goes on unmoved by the look at it.
TEST_F(StepDumpTest, ReadsBackAndChangesNothing) {
  Model looked_at = compiled(), other = compiled();
  other.set_weights(looked_at.get_weights());
  const std::string graph = looked_at.dump(Stage::kGraph, {.mode = "train"});
  absl::StatusOr<std::unique_ptr<ir::Graph>> again = ir::parse_graph(graph);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(ir::print(**again), graph);
  Tensor x = ones({4, 4}), y = zeros({4}).to(kInt32);
  EXPECT_EQ(looked_at.train_on_batch(x, y)["loss"], other.train_on_batch(x, y)["loss"]);
  EXPECT_EQ(looked_at.optimizer().iterations(), 1);
}

TEST_F(StepDumpTest, AModelThatIsNotCompiledSaysSo) {
  constexpr const char* kNote = "small is not compiled: its forward pass in training mode, without loss and update";
  Model model = make();
  EXPECT_THAT(model.dump(Stage::kGraph, {.mode = "train"}), ::testing::StartsWith(std::string("# ") + kNote + "\n"));
  EXPECT_THAT(model.dump(Stage::kLlvm, {.mode = "train"}), ::testing::StartsWith(std::string("; ") + kNote + "\n"));
  EXPECT_EQ(json::parse(model.dump(Stage::kProgram, {.mode = "train", .format = "json"}))["note"], kNote);
  EXPECT_TRUE(ir::parse_graph(model.dump(Stage::kFused, {.mode = "train"})).ok());
}

TEST_F(DumpTest, Targets) {
  Model model = make();
  EXPECT_THAT(model.dump(Stage::kFused), HasSubstr("onednn.matmul"));
  EXPECT_THAT(model.dump(Stage::kFused, {.target = "cuda:sm_90"}), Not(HasSubstr("onednn")));
  EXPECT_THAT(model.dump(Stage::kLoop, {.target = "cuda:sm_90"}), HasSubstr("block"));
  EXPECT_THAT(model.dump(Stage::kPtx, {.target = "cuda:sm_90"}), HasSubstr(".target sm_90"));
  EXPECT_THAT(model.dump(Stage::kPtx), HasSubstr(".target sm_80"));
}

TEST_F(DumpTest, WhatDoesNotGoTogetherErrors) {
  Model model = make();
  auto error = [&](Stage stage, DumpOptions options) { return error_of([&] { model.dump(stage, options); }); };
  EXPECT_EQ(error(Stage::kGraph, {.mode = "test"}), "dump: expected the mode infer or train, received \"test\".");
  EXPECT_EQ(error(Stage::kGraph, {.batch = 0}), "dump: expected a batch of at least 1, received \"0\".");
  EXPECT_EQ(error(Stage::kGraph, {.format = "yaml"}),
            "dump: expected the format text, dot or json, received \"yaml\".");
  EXPECT_EQ(error(Stage::kAsm, {.format = "json"}),
            "dump: expected the format text for the stage asm, received \"json\". As json there are calls, graph, "
            "fused, program.");
  EXPECT_EQ(error(Stage::kProgram, {.format = "dot"}),
            "dump: expected the format text for the stage program, received \"dot\". As dot there are calls, graph, "
            "fused.");
  EXPECT_EQ(error(Stage::kProgram, {.target = "cuda:sm_90"}),
            "dump: expected the target cpu for the stage program, received \"cuda:sm_90\". Of a GPU there are calls, "
            "graph, fused, loop, ptx.");
  EXPECT_EQ(error(Stage::kLoop, {.target = "tpu"}),
            "dump: expected the target cpu, cuda:sm_80 or cuda:sm_90, received \"tpu\".");
  EXPECT_EQ(error_of([] { internal::stage_named("grpah"); }),
            "dump: expected one of the stages calls, graph, fused, loop, llvm, asm, ptx, program, received \"grpah\".");
}

}  // namespace
}  // namespace mica
