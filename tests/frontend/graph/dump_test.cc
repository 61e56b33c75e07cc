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
