// Metrics against real Keras in float64: the result after each batch, with weights and masks.
#include "frontend/graph/trace.h"
#include "frontend/mica/model.h"
#include "frontend/training/metrics/metric.h"
#include "tests/frontend/training/training_fixtures.h"
#include "tests/support/error_of.h"

namespace mica::internal {
namespace {

const TrainingFixtures& fixtures() {
  static const TrainingFixtures all("metrics");
  return all;
}

class KerasMetric : public testing::TestWithParam<std::size_t> {};

TEST_P(KerasMetric, GivesWhatKerasGives) {
  const Config& fixture = fixtures().cases[GetParam()];
  SCOPED_TRACE(fixture.to_json());
  Metric metric(fixture.get<std::string>("class"), fixture.at("config").object());
  std::vector<double> got;
  for (const Config::Value& batch : fixture.at("batches").list()) {
    auto array = [&](std::size_t i) { return fixtures().input(batch.list()[i]); };
    Tensor prediction = array(1).defined() ? array(1) * 1 : Tensor();
    if (array(3).defined()) prediction.node()->mask = array(3).node();
    metric.update_state(array(0), prediction, array(2));
    for (double value : metric.result().to_vector<double>()) got.push_back(value);
  }
  expect_near(got, fixtures().result(GetParam(), "results").to_vector<double>(), fixture.get<double>("float32_drift"));
}

INSTANTIATE_TEST_SUITE_P(All, KerasMetric, testing::Range(std::size_t{0}, fixtures().cases.size()),
                         [](const auto& which) {
                           return fixtures().cases[which.param].template get<std::string>("class") + "_" +
                                  std::to_string(which.param);
                         });

TEST(Metrics, AreMadeAgainFromWhatFilesSay) {
  for (const Config& fixture : fixtures().cases) {
    Metric metric(fixture.get<std::string>("class"), fixture.at("config").object());
    const Described& described = metric.impl().described;
    EXPECT_EQ(make_metric(described).impl().described.config.to_json(), described.config.to_json());
  }
}

TEST(Metrics, NamesAreClassesInSnakeCaseAndAliases) {
  for (const char* name : {"auc", "AUC", "mse", "MAE", "bce", "top_k_categorical_accuracy", "true_positives",
                           "r2_score", "root_mean_squared_error", "kl_divergence", "log_cosh_error", "f1_score"}) {
    EXPECT_EQ(Metric(name).name(), name);
  }
  EXPECT_NE(error_of([] { Metric("acuracy"); }).find("binary_accuracy"), std::string::npos);
}

TEST(Metrics, AutomaticNamesDiffer) {
  clear_session();
  EXPECT_EQ(metrics::AUC().name(), "auc");
  EXPECT_EQ(metrics::AUC().name(), "auc_1");
  EXPECT_EQ(metrics::AUC({.name = "area"}).name(), "area");
  EXPECT_EQ(metrics::LogCoshError().name(), "logcosh");
}

TEST(Metrics, ResetForgetsWhatWasSeen) {
  metrics::MeanSquaredError metric;
  Tensor t = tensor({{1.0}, {2.0}}), p = tensor({{2.0}, {4.0}});
  metric.update_state(t, p);
  EXPECT_EQ(metric.result().item(), 2.5);
  EXPECT_EQ(metric.variables().size(), 2u);
  metric.reset_state();
  EXPECT_EQ(metric.result().item(), 0);
  metric.update_state(t, t);
  EXPECT_EQ(metric.result().item(), 0);
}

// A loss object reduces each batch to a number, whose mean over the batches it is; a function is a mean over samples.
TEST(Metrics, LossesAsMetrics) {
  Metric object = Metric(MeanSquaredError()), function = Metric(Loss("mse"));
  for (const Metric& metric : {object, function}) {
    metric.update_state(tensor({{0.0}, {0.0}}), tensor({{1.0}, {1.0}}));
    metric.update_state(tensor({{0.0}}), tensor({{2.0}}));
  }
  EXPECT_EQ(object.result().item(), 2.5);
  EXPECT_EQ(function.result().item(), 2);
}

// Predictions that are no numbers exceed no threshold: a run that diverged still reports.
TEST(Metrics, NoNumbersExceedNoThreshold) {
  metrics::AUC auc;
  auc.update_state(tensor({1.0, 0.0}), tensor({1.0, 0.0}) / 0.0 * 0.0);
  EXPECT_EQ(auc.result().item(), 0.5);
}

TEST(Metrics, LabelsOutOfRangeAreErrors) {
  metrics::SparseTopKCategoricalAccuracy metric({.k = 1});
  std::string error = error_of([&] { metric.update_state(tensor({0, 7}), tensor({{0.5, 0.5}, {0.5, 0.5}})); });
  EXPECT_NE(error.find("labels"), std::string::npos) << error;
  EXPECT_NE(error.find("7"), std::string::npos) << error;
  metric.update_state(tensor({1}), tensor({{0.25, 0.75}}));
  EXPECT_EQ(metric.result().item(), 1) << "what failed was not seen";
}

// What Keras' metrics keep lies outside of the Program.
TEST(Metrics, OfATraceNeedCompile) {
  Trace trace;
  Tensor x = trace.input({kFloat32, {ir::Dim(2)}}, "x");
  EXPECT_NE(error_of([&] { metrics::MeanSquaredError().update_state(x, x); }).find("compile()"), std::string::npos);
}

TEST(Metrics, OptionsAreWrittenAsKerasDoes) {
  auto config = [](const Metric& metric) { return metric.impl().described.config.to_json(); };
  EXPECT_EQ(config(metrics::MeanIoU(3, {.name = "m"})),
            R"({"name":"m","dtype":"int32","num_classes":3,"ignore_class":null,"sparse_y_true":true,)"
            R"("sparse_y_pred":true,"axis":-1})");
  EXPECT_EQ(config(metrics::AUC({.name = "a"})),
            R"({"name":"a","dtype":"float32","num_thresholds":200,"curve":"ROC","summation_method":"interpolation",)"
            R"("multi_label":false,"num_labels":null,"label_weights":null,"from_logits":false})");
  EXPECT_EQ(config(metrics::F1Score()), R"({"name":"f1_score","dtype":"float32","average":null,"threshold":null})");
  EXPECT_EQ(config(Metric("Precision", {{"name", "p"}, {"top_k", 2}})),
            R"({"name":"p","dtype":"float32","top_k":2,"class_id":null,"thresholds":null})");
}

TEST(Metrics, WrongOptionsAreErrors) {
  EXPECT_EQ(error_of([] { metrics::Precision({.threshold = 1.5}); }),
            "Precision: expected thresholds from 0 to 1, received 1.5.");
  EXPECT_EQ(error_of([] { metrics::AUC({.curve = "ROCK"}); }),
            "AUC: expected curve ROC, PR or PRGAIN, received \"ROCK\".");
  EXPECT_EQ(error_of([] { metrics::IoU(2, {2}); }), "IoU: expected target_class_ids from 0 to 1, received 2.");
  EXPECT_EQ(error_of([] { metrics::PrecisionAtRecall(1.5); }),
            "PrecisionAtRecall: expected recall from 0 to 1, received 1.5.");
}

}  // namespace
}  // namespace mica::internal
