// What compile() makes of losses and metrics, and what a step reports of them.
#include "frontend/training/step.h"

#include <gtest/gtest.h>

#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

Model one_output() {
  Tensor x = Input({2}, {.name = "x"});
  return Model(x, Dense(1, {.kernel_initializer = "ones", .name = "out"})(x));
}

Model two_outputs() {
  Tensor x = Input({2}, {.name = "x"});
  return Model({x}, {{"a", Dense(1, {.kernel_initializer = "ones", .name = "a"})(x)},
                     {"b", Dense(1, {.kernel_initializer = "ones", .name = "b"})(x)}});
}

const Tensor& rows() {
  static const Tensor all = tensor({{1.0, 0.0}, {2.0, 0.0}, {3.0, 0.0}});
  return all;
}
Tensor zeros_of(std::int64_t columns) { return zeros({3, columns}); }

TEST(Logs, NamesAreNumberedAsKerasDoes) {
  Model model = one_output();
  model.compile({.loss = "mse", .metrics = {"mae", "mae", "mae"}, .weighted_metrics = {"mae", "mae", "mse"}});
  EXPECT_EQ(model.evaluate(rows(), zeros_of(1), {.verbose = 0}).keys(),
            (std::vector<std::string>{"loss", "mae", "mae_1", "mae_2", "mse", "weighted_mae", "weighted_mae_1"}));
}

TEST(Logs, OutputsPrefixTheirMetrics) {
  Model model = two_outputs();
  model.compile({.loss = {{"a", "mse"}, {"b", "mae"}},
                 .metrics = {{"a", {"mae"}}},
                 .weighted_metrics = {{"a", {"mae"}}, {"b", {"mse"}}}});
  EXPECT_EQ(model.evaluate(rows(), {{"a", zeros_of(1)}, {"b", zeros_of(1)}}, {.verbose = 0}).keys(),
            (std::vector<std::string>{"a_loss", "a_mae", "a_weighted_mae", "b_loss", "b_mse", "loss"}));
}

TEST(Logs, OneTrainedOutputHasNoLossOfItsOwn) {
  Model model = two_outputs();
  model.compile({.loss = {{"a", "mse"}}});
  EXPECT_EQ(model.evaluate(rows(), {{"a", zeros_of(1)}, {"b", zeros_of(1)}}, {.verbose = 0}).keys(),
            (std::vector<std::string>{"loss"}));
}

// Losses are means over rows, whatever the batches are; predictions are 1, 2, 3.
TEST(Logs, BatchesOfDifferentSizesCountByTheirRows) {
  Model model = one_output();
  model.compile({.loss = "mae", .metrics = {"mse"}});
  Logs logs = model.evaluate(rows(), zeros_of(1), {.batch_size = 2, .verbose = 0});
  EXPECT_NEAR(logs["loss"], 2, 1e-6);
  EXPECT_NEAR(logs["mse"], 14.0 / 3, 1e-6);
}

TEST(Logs, AMetricOfSeveralNumbersHasOneEntryEach) {
  Model model = one_output();
  model.compile(
      {.loss = "mse", .metrics = {Metric("TruePositives", {{"thresholds", std::vector<double>{0.25, 0.75}}})}});
  Logs logs = model.evaluate(tensor({{0.5, 0.0}, {1.0, 0.0}}), ones({2, 1}), {.verbose = 0});
  EXPECT_EQ(logs["true_positives[0]"], 2);
  EXPECT_EQ(logs["true_positives[1]"], 1);
}

// A state of one's own: the largest error of an epoch, kept inside the step's Program.
class LargestError : public CustomMetric {
 public:
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight) override {
    Tensor error = (y_true - y_pred).abs();
    if (sample_weight.defined()) error = error * sample_weight.unsqueeze(-1);
    largest.assign(maximum(largest, error.amax()));
  }
  Tensor result() const override { return largest * 10; }
  Variable largest = add_variable({}, "largest");
};

TEST(CustomMetrics, KeepTheirStateOverTheBatchesOfAnEpoch) {
  Model model = one_output();
  auto metric = make<LargestError>();
  model.compile({.loss = "mse", .metrics = {metric}});
  EXPECT_EQ(model.evaluate(rows(), zeros_of(1), {.batch_size = 1, .verbose = 0})["largest_error"], 30);
  EXPECT_EQ(metric->largest.item(), 3);
  Tensor small = rows() * 0.5;
  EXPECT_EQ(model.evaluate(small, zeros_of(1), {.batch_size = 2, .verbose = 0})["largest_error"], 15) << "reset before";
  model.compile({.optimizer = SGD(0.0), .loss = "mse", .weighted_metrics = {metric}});
  History history = model.fit(rows(), zeros_of(1),
                              {.batch_size = 2, .epochs = 2, .verbose = 0, .sample_weight = tensor({1.0, 4.0, 0.0})});
  EXPECT_EQ(history["largest_error"], (std::vector<double>{80, 80}));
}

TEST(CustomMetrics, WorkByHand) {
  auto metric = make<LargestError>();
  metric.update_state(tensor({1.0, 2.0}), tensor({1.5, 2.0}));
  EXPECT_EQ(metric.result().item(), 5);
  metric.reset_state();
  EXPECT_EQ(metric.result().item(), 0);
}

// The mask of a prediction reaches loss and metrics: two of the four steps count.
TEST(Masks, OfThePredictionReachLossAndMetrics) {
  Tensor x = Input({2}, {.dtype = kInt32, .name = "x"});
  Tensor h = Embedding(3, 1, {.embeddings_initializer = "ones", .mask_zero = true})(x);
  Model model(x, Dense(1, {.kernel_initializer = "ones"})(h));
  model.compile({.loss = "mse", .metrics = {"mae"}});
  Logs logs =
      model.evaluate(tensor({{1, 0}, {2, 0}}).to(kInt32), tensor({{{0.0}, {9.0}}, {{3.0}, {9.0}}}), {.verbose = 0});
  EXPECT_NEAR(logs["loss"], 2.5, 1e-6);
  EXPECT_NEAR(logs["mae"], 1.5, 1e-6);
}

TEST(Losses, ThatAreNotReducedDoNotTrain) {
  Model model = one_output();
  model.compile({.loss = MeanSquaredError({.reduction = "none"})});
  EXPECT_EQ(
      error_of([&] { model.train_on_batch(rows(), zeros_of(1)); }),
      "out: expected a loss that is reduced to one number, received f32[?]. reduction = \"none\" is for losses that "
      "are called by hand.");
}

TEST(Losses, CrossentropyChoosesByTheTargets) {
  Tensor x = Input({2}, {.name = "x"});
  Model model(x, Dense(3, {.activation = "softmax"})(x));
  model.compile({.loss = "crossentropy", .metrics = {"accuracy"}});
  Tensor labels = tensor({0, 2, 1});
  double sparse = model.evaluate(rows(), labels, {.verbose = 0})["loss"];
  EXPECT_NEAR(model.evaluate(rows(), F::one_hot(labels, 3).to(kFloat32), {.verbose = 0})["loss"], sparse, 1e-6);
}

}  // namespace
}  // namespace mica
