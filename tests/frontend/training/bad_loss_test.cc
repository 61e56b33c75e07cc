// What a training says that cannot go on: losses and gradients that are no finite numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class BadLossTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    manual_seed(1);
  }
  // y = w·x, w = 1.
  static Model linear() {
    Tensor x = Input({1}, {.name = "x"});
    Tensor y = Dense(1, {.use_bias = false, .kernel_initializer = "ones", .name = "y"})(x);
    Model model({x}, {y}, {.name = "line"});
    model.compile({.optimizer = SGD(0.1), .loss = "mse"});
    return model;
  }
  // The square root of w·x, whose gradient is infinite where x is 0 while the loss stays finite.
  static Model rooted() {
    Tensor x = Input({1}, {.name = "x"});
    Tensor z = Dense(1, {.kernel_initializer = "ones", .bias_initializer = "zeros", .name = "z"})(x);
    Model model({x}, {ops::sqrt(z)}, {.name = "roots"});
    model.compile({.optimizer = SGD(0.1), .loss = "mse"});
    return model;
  }
};

TEST_F(BadLossTest, NamesOutputBatchEpochAndTheRowOfTheData) {
  const Tensor x = tensor({{1.0}, {2.0}, {3.0}, {kNaN}});
  EXPECT_EQ(error_of([&] { linear().fit(x, ones({4, 1}), {.batch_size = 2, .verbose = 0, .shuffle = false}); }),
            "y: expected a finite loss, received nan in batch 1 of epoch 1. The data has nan in row 3 of input \"x\".");
}

TEST_F(BadLossTest, NamesTheOutputAmongSeveral) {
  Tensor x = Input({1}, {.name = "x"});
  Model model({x}, {Dense(1, {.name = "good"})(x), Dense(1, {.name = "bad"})(x)}, {.name = "two"});
  model.compile({.optimizer = SGD(0.1), .loss = "mse"});
  const Tensor bad = tensor({{1.0}, {std::numeric_limits<double>::infinity()}});
  EXPECT_EQ(error_of([&] { model.fit(ones({2, 1}), {ones({2, 1}), bad}, {.verbose = 0, .shuffle = false}); }),
            "bad: expected a finite loss, received inf in batch 0 of epoch 1. The data has inf in row 1 of targets of "
            "\"bad\".");
}

TEST_F(BadLossTest, NamesTheVariableOfTheGradient) {
  const Model model = rooted();
  const std::string error = error_of([&] {
    model.fit(zeros({2, 1}), ones({2, 1}), {.verbose = 0, .callbacks = {TerminateOnNaN({.gradients = true})}});
  });
  EXPECT_EQ(error,
            "z/kernel: expected a finite gradient, received nan or infinity in batch 0 of epoch 1. The loss is finite "
            "and no weight was changed. Lower the learning rate or clip the values that lead to it: log(0), sqrt(0) "
            "and 0/0 have no finite gradient.");
  EXPECT_EQ(model.get_layer("z").weight("kernel").item<float>(), 1.0f);
  EXPECT_EQ(model.get_layer("z").weight("bias").item<float>(), 0.0f);
}

TEST_F(BadLossTest, CheckedStepsTrainAsOthersDo) {
  const Tensor x = tensor({{1.0}, {2.0}, {3.0}, {4.0}}), y = tensor({{2.0}, {3.0}, {5.0}, {9.0}});
  const auto trained = [&](std::vector<Callback> callbacks) {
    const Model model = linear();
    model.fit(x, y, {.batch_size = 2, .epochs = 3, .verbose = 0, .callbacks = callbacks, .shuffle = false});
    return model.weights()[0].item<float>();
  };
  EXPECT_EQ(trained({TerminateOnNaN({.gradients = true})}), trained({}));
}

TEST_F(BadLossTest, TerminateOnNaNEndsQuietlyOrWithAnError) {
  const Tensor x = tensor({{1.0}, {kNaN}});
  const FitOptions options{.batch_size = 1, .epochs = 3, .verbose = 0, .shuffle = false};
  FitOptions quiet = options, loud = options;
  quiet.callbacks = {TerminateOnNaN()};
  loud.callbacks = {TerminateOnNaN({.raise_error = true})};
  EXPECT_EQ(linear().fit(x, ones({2, 1}), quiet).epochs(), 1u);
  EXPECT_NE(error_of([&] { linear().fit(x, ones({2, 1}), loud); }), "");
}

}  // namespace
}  // namespace mica
