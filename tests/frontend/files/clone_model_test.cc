// clone(), clone_model(): what real Keras 3.15 makes of the same models (names, layers, options), and the same values
// from the same weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples/models/ensemble.h"
#include "examples/models/shared_embedding.h"
#include "examples/models/ticket.h"
#include "examples/models/toy_resnet.h"
#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;

class CloneModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    manual_seed(5);
  }
};

std::vector<std::string> names_of(const std::vector<Layer>& layers) {
  std::vector<std::string> names;
  for (const Layer& layer : layers) names.push_back(layer.name());
  return names;
}

std::vector<std::string> paths_of(const Model& model) {
  std::vector<std::string> paths;
  for (const Variable& weight : model.weights()) paths.push_back(weight.path());
  return paths;
}

double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().amax().item(); }

// A layer that is called twice, an operation, and a model inside.
Model nested() {
  Tensor x = Input({4}, {.name = "x"});
  Dense shared(4, {.name = "shared"});
  Tensor entering = Input({4});
  Model inner(entering, Dense(3, {.name = "deep"})(entering), {.name = "inner"});
  Tensor once = shared(x);
  return Model(x, Dense(2, {.name = "out"})(inner(once + shared(once))), {.name = "nested"});
}

TEST_F(CloneModelTest, TheStructureIsTheSameAndTheWeightsAreOthers) {
  const Model model = nested(), clone = model.clone();
  EXPECT_EQ(clone.name(), "nested");
  EXPECT_EQ(names_of(clone.layers()), names_of(model.layers()));
  EXPECT_EQ(paths_of(clone), paths_of(model));
  EXPECT_EQ(clone.output_names(), model.output_names());
  EXPECT_EQ(clone.summary(), model.summary());
  EXPECT_FALSE(clone.get_layer("shared").same_as(model.get_layer("shared")));
  const Variable kernel = model.get_layer("shared").weight("kernel"),
                 other = clone.get_layer("shared").weight("kernel");
  EXPECT_GT(difference(kernel, other), 0.01) << "initialised afresh";
  Variable(other).assign(zeros({4, 4}));
  EXPECT_GT(kernel.abs().amax().item(), 0.01) << "nothing is shared";
  EXPECT_EQ(model.get_layer("shared").num_calls(), 2) << "the model itself is called by nobody";
}

TEST_F(CloneModelTest, TheSameWeightsGiveTheSameValues) {
  const std::pair<Model, Inputs> cases[] = {
      {nested(), rand({3, 4})},
      {examples::ticket(), {{"title", ones({2, 7})}, {"body", ones({2, 15})}, {"tags", rand({2, 12})}}},
      {examples::shared_embedding(), {{"text_a", ones({2, 6})}, {"text_b", ones({2, 9})}}},
      {examples::toy_resnet(0), rand({2, 32, 32, 3})},
      {examples::ensemble(), rand({2, 128})}};
  for (const auto& [model, inputs] : cases) {
    const Model clone = model.clone();
    clone.set_weights(model.get_weights());
    const Tensors got = clone.predict_all(inputs), want = model.predict_all(inputs);
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(difference(got[i], want[i]), 0) << model.name();
    EXPECT_EQ(clone.dump(Stage::kCalls), model.dump(Stage::kCalls));
    EXPECT_EQ(clone.input_names(), model.input_names());
  }
}

TEST_F(CloneModelTest, OperationsKeepTheirNames) {
  Tensor x = Input({4}, {.name = "x"});
  const Model model(x, tanh(zeros_like(x) + x * 2.0) + randn_like(x), {.name = "noisy"});
  const Model clone = model.clone();
  EXPECT_EQ(clone.dump(Stage::kCalls), model.dump(Stage::kCalls));
  manual_seed(1);
  const Tensor want = model.predict(ones({2, 4}));
  manual_seed(1);
  EXPECT_EQ(difference(clone.predict(ones({2, 4})), want), 0);
}

TEST_F(CloneModelTest, WhatWasCompiledIsCompiledWithoutItsState) {
  const Model model = nested();
  model.compile({.optimizer = Adam(0.02), .loss = "mse", .metrics = {"mae"}});
  model.train_on_batch(ones({2, 4}), zeros({2, 2}));
  const Model clone = model.clone();
  EXPECT_EQ(model.optimizer().iterations(), 1);
  EXPECT_EQ(clone.optimizer().iterations(), 0);
  EXPECT_NEAR(clone.optimizer().lr(), 0.02, 1e-9);
  const Logs logs = clone.train_on_batch(ones({2, 4}), zeros({2, 2}));
  EXPECT_TRUE(logs.contains("mae"));
  EXPECT_EQ(model.optimizer().iterations(), 1);
}

TEST_F(CloneModelTest, FrozenLayersStayFrozen) {
  const Model model = nested();
  model.get_layer("shared").set_trainable(false);
  const Model clone = model.clone();
  EXPECT_FALSE(clone.get_layer("shared").trainable());
  EXPECT_EQ(clone.trainable_weights().size(), model.trainable_weights().size());
}

TEST_F(CloneModelTest, InputTensors) {
  const Model model = nested();
  Tensor y = Input({4}, {.name = "y"});
  EXPECT_THAT(clone_model(model, {.input_tensors = y}).input_names(), ElementsAre("y"));
  EXPECT_EQ(
      error_of([&] { clone_model(model, {.input_tensors = ones({2, 4})}); }),
      "nested: expected input_tensors that are symbolic, received an array, f32[2,4]. Give it Input({…}), and call "
      "the clone on arrays.");
}

TEST_F(CloneModelTest, LayersByAFunction) {
  std::vector<std::string> asked;
  auto wider = [&](const Layer& layer) -> Layer {
    asked.push_back(layer.name());
    return layer.name() == "shared" ? Dense(4, {.activation = "relu", .name = "rectified"}) : layer;
  };
  const Model model = nested(), clone = clone_model(model, {.clone_function = wider});
  EXPECT_THAT(asked, ElementsAre("shared", "inner", "out"));
  EXPECT_TRUE(clone.get_layer("out").same_as(model.get_layer("out")));
  EXPECT_EQ(clone.get_layer("rectified").num_calls(), 2);
  asked.clear();
  const Model recursive = clone_model(model, {.clone_function = wider, .recursive = true});
  EXPECT_THAT(asked, ElementsAre("shared", "deep", "out"));
  EXPECT_FALSE(recursive.get_layer("inner").same_as(model.get_layer("inner")));
}

TEST_F(CloneModelTest, Chains) {
  Sequential chain({Dense(3, {.name = "first"}), Dense(2, {.name = "second"})}, {.name = "chain"});
  EXPECT_FALSE(chain.clone().built()) << "its input is not known";
  chain(ones({2, 5}));
  const Model clone = chain.clone();
  EXPECT_TRUE(clone.built());
  EXPECT_EQ(clone.name(), "chain");
  EXPECT_EQ(paths_of(clone), paths_of(chain));
  clone.set_weights(chain.get_weights());
  EXPECT_EQ(difference(clone.predict(ones({3, 5})), chain.predict(ones({3, 5}))), 0);
  const Model wider = clone_model(chain, {.input_tensors = Input({7})});
  EXPECT_EQ(wider.get_layer("first").weight("kernel").shape(), Shape({7, 3})) << "built on another shape";
  chain.set_trainable(false);
  EXPECT_FALSE(chain.clone().trainable());
}

TEST_F(CloneModelTest, AFunctionCannotBeToldByItsOptions) {
  Tensor x = Input({4});
  const Model model(x, Layer([](const Tensor& y) { return sin(y); })(x));
  EXPECT_NE(error_of([&] { model.clone(); }).find("which holds a function"), std::string::npos);
  auto same = [](const Layer& layer) { return layer; };
  const Model clone = clone_model(model, {.clone_function = same});
  EXPECT_EQ(difference(clone.predict(ones({2, 4})), model.predict(ones({2, 4}))), 0);
}

}  // namespace
}  // namespace mica
