// What fit() says of data that does not fit the model, and which data it asks for.
#include <gtest/gtest.h>

#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

class DataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    manual_seed(1);
  }
  static Model classifier() {
    Tensor x = Input({2}, {.name = "x"});
    Model model({x}, {Dense(3, {.name = "kind"})(x)}, {.name = "kinds"});
    model.compile({.optimizer = SGD(0.1), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
    return model;
  }
  static FitOptions quiet() { return {.batch_size = 2, .verbose = 0, .shuffle = false}; }
};

TEST_F(DataTest, LengthsThatDiffer) {
  const Model model = classifier();
  EXPECT_EQ(error_of([&] { model.fit(ones({4, 2}), zeros({3}, {.dtype = kInt32}), quiet()); }),
            "kinds: expected targets of \"kind\" with 4 rows, as many as x, received 3 rows.");
  FitOptions weighted = quiet();
  weighted.sample_weight = ones({5});
  EXPECT_EQ(error_of([&] { model.fit(ones({4, 2}), zeros({4}, {.dtype = kInt32}), weighted); }),
            "kinds: expected sample_weight with 4 rows, as many as x, received 5 rows.");
  EXPECT_EQ(error_of([&] { model.fit(zeros({0, 2}), zeros({0}, {.dtype = kInt32}), quiet()); }),
            "kinds: expected at least one row of data, received none.");
}

TEST_F(DataTest, LabelsOutOfRange) {
  EXPECT_EQ(error_of([&] { classifier().fit(ones({4, 2}), tensor({0, 1, 2, 3}), quiet()); }),
            "kind: expected labels from 0 to 2, received 3 in row 3, batch 1. The prediction has one value for each "
            "class.");
}

TEST_F(DataTest, BatchesOfASourceAreCounted) {
  const Model model = classifier();
  const auto batches_with = [](const Batch& second) {
    return std::vector<Batch>{{ones({2, 2}), zeros({2}, {.dtype = kInt32}), {}}, second};
  };
  EXPECT_EQ(error_of([&] { model.fit(batches_with({ones({2, 2}), zeros({1}, {.dtype = kInt32}), {}}), quiet()); }),
            "kinds: expected targets of \"kind\" with 2 rows, as many as x, received 1 rows in batch 1 of the source.");
  const std::string shape =
      error_of([&] { model.fit(batches_with({ones({2, 5}), zeros({2}, {.dtype = kInt32}), {}}), quiet()); });
  EXPECT_NE(shape.find("received f32[2,5] in batch 1 of the source"), std::string::npos) << shape;
}

TEST_F(DataTest, OutputsThatAreComparedWithNothingNeedNoTargets) {
  Tensor x = Input({2}, {.name = "x"});
  Tensor hidden = Dense(4, {.name = "hidden"})(x);
  Model model({x}, {hidden, Dense(1, {.name = "y"})(hidden)}, {.name = "both"});
  model.compile({.optimizer = SGD(0.1), .loss = {{"y", "mse"}}});
  const Tensor rows = ones({4, 2}), targets = ones({4, 1});
  const double first = model.fit(rows, {{"y", targets}}, quiet())["loss"][0];
  EXPECT_LT(model.fit(rows, targets, quiet())["loss"][0], first);
  EXPECT_LT(model.evaluate(rows, {zeros({4, 4}), targets}, {.verbose = 0})["loss"], first);
  EXPECT_EQ(error_of([&] { model.fit(rows, {{"hidden", zeros({4, 4})}}, quiet()); }),
            "both: expected a tensor for \"y\", received none.");
}

// y - w·x, weighed by hand: the sum of weight · error².
class OwnLoss : public CustomModel {
 public:
  OwnLoss() : dense_(add_layer("dense", Dense(1, {.use_bias = false, .kernel_initializer = "ones"}))) {}
  using CustomLayer::call;
  Tensors call(const Tensors& x) override { return {dense_(x[0])}; }
  Logs train_step(const Tensors& x, const Tensors& y) override {
    const Tensor loss = compute_loss(y, {self()(x[0])}, sample_weights());
    Logs logs;
    logs.set("own", loss);
    return logs;
  }

 private:
  Layer dense_;
};

TEST_F(DataTest, AStepOfOnesOwnSeesSampleWeights) {
  const auto model = make<OwnLoss>();
  model.compile({.optimizer = SGD(0.1), .loss = "mse"});
  const Tensor x = tensor({{1.0}, {2.0}}), y = tensor({{0.0}, {5.0}});
  // Errors 1 and -3: (2·1 + 0.5·9) / 2.
  const Logs weighted = model.train_on_batch(x, y, {.sample_weight = tensor({2.0, 0.5})});
  EXPECT_NEAR(weighted["own"], 3.25, 1e-6);
  const Logs plain = model.train_on_batch(x, y);
  EXPECT_NEAR(plain["own"], 5, 1e-6);
}

}  // namespace
}  // namespace mica
