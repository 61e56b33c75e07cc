// Losses against real Keras in float64: values and gradients by the prediction, with weights and masks.
#include "frontend/graph/execute.h"
#include "frontend/graph/trace.h"
#include "frontend/training/losses/loss.h"
#include "tests/frontend/training/training_fixtures.h"
#include "tests/support/error_of.h"

namespace mica::internal {
namespace {

const TrainingFixtures& fixtures() {
  static const TrainingFixtures all("losses");
  return all;
}

// The loss of a batch of any size, and the gradient of its sum.
class LossProgram {
 public:
  LossProgram(const Loss& loss, const Config& fixture) : fixture_(fixture) {
    Tensor y = input("y"), p = input("p"), weight = input("weight"), mask = input("mask");
    Tensor prediction = p * 1;
    if (mask.defined()) prediction.node()->mask = mask.node();
    Tensor value = loss(y, prediction, weight);
    trace_.output(value, "value");
    trace_.output(trace_.gradients(value.dim() == 0 ? value : value.sum(), {p})[0], "gradient");
  }
  std::vector<std::vector<double>> run() {
    std::vector<std::vector<double>> results;
    for (const rt::Array& array : Executable(trace_.finish()).run(arrays_)) {
      results.emplace_back();
      for (std::int64_t i = 0; i < array.numel(); ++i) results.back().push_back(array.at(i));
    }
    return results;
  }

 private:
  Tensor input(const char* role) {
    Tensor array = fixtures().input(fixture_.at(role));
    if (!array.defined()) return {};
    ir::TensorType type = type_of(array);
    type.dims[0] = ir::Dim::symbol("N");
    arrays_.push_back(compute(array.node()));
    return trace_.input(type, role);
  }
  const Config& fixture_;
  Trace trace_{{.training = true}};
  std::vector<rt::Array> arrays_;
};

class KerasLoss : public testing::TestWithParam<std::size_t> {};

TEST_P(KerasLoss, GivesWhatKerasGives) {
  const Config& fixture = fixtures().cases[GetParam()];
  SCOPED_TRACE(fixture.to_json());
  Loss loss(fixture.get<std::string>("class"), fixture.at("config").object());
  std::vector<double> drift = fixture.get<std::vector<double>>("float32_drift");
  std::vector<std::vector<double>> got = LossProgram(loss, fixture).run();
  expect_near(got[0], fixtures().result(GetParam(), "value").to_vector<double>(), drift[0]);
  expect_near(got[1], fixtures().result(GetParam(), "gradient").to_vector<double>(), drift[1]);
}

INSTANTIATE_TEST_SUITE_P(All, KerasLoss, testing::Range(std::size_t{0}, fixtures().cases.size()),
                         [](const auto& which) {
                           return fixtures().cases[which.param].template get<std::string>("class") + "_" +
                                  std::to_string(which.param);
                         });

TEST(Losses, AreMadeAgainFromWhatFilesSay) {
  for (const Config& fixture : fixtures().cases) {
    Loss loss(fixture.get<std::string>("class"), fixture.at("config").object());
    const Described& described = loss.impl().described;
    EXPECT_EQ(make_loss(described).impl().described.config.to_json(), described.config.to_json());
  }
}

TEST(Losses, NamesAndAliasesAreTheSameFunctions) {
  Tensor t = tensor({{0.5, 1.0}, {2.0, 0.25}}), p = tensor({{0.25, 2.0}, {1.0, 0.5}});
  for (const auto& [alias, name] :
       std::vector<std::pair<const char*, const char*>>{{"mse", "mean_squared_error"},
                                                        {"MSE", "MeanSquaredError"},
                                                        {"mae", "MeanAbsoluteError"},
                                                        {"MAPE", "mean_absolute_percentage_error"},
                                                        {"msle", "MeanSquaredLogarithmicError"},
                                                        {"kld", "kl_divergence"},
                                                        {"bce", "binary_crossentropy"},
                                                        {"huber", "Huber"}}) {
    EXPECT_EQ(Loss(alias)(t, p).item(), Loss(name)(t, p).item()) << alias;
  }
}

TEST(Losses, CrossentropyTakesItsKindFromTheShapes) {
  Tensor one = tensor({{0.25}, {0.75}}), three = tensor({{0.25, 0.5, 0.25}, {0.5, 0.25, 0.25}});
  Tensor bits = tensor({{0.0}, {1.0}}), labels = tensor({1, 0}), onehot = tensor({{0.0, 1.0, 0.0}, {1.0, 0.0, 0.0}});
  Loss loss("crossentropy");
  EXPECT_EQ(loss(bits, one).item(), Loss("binary_crossentropy")(bits, one).item());
  EXPECT_EQ(loss(labels, three).item(), Loss("sparse_categorical_crossentropy")(labels, three).item());
  EXPECT_EQ(loss(onehot, three).item(), Loss("categorical_crossentropy")(onehot, three).item());
}

// Predictions in half precision: a mean of many of them would not fit.
TEST(Losses, AreComputedInFloat32) {
  Tensor t = zeros({40000, 2}), p = full({40000, 2}, 3.0).to(kFloat16);
  Tensor loss = Loss("mse")(t, p), sum = MeanSquaredError({.reduction = "sum"})(t, p);
  EXPECT_EQ(loss.dtype(), kFloat32);
  EXPECT_EQ(loss.item(), 9);
  EXPECT_EQ(sum.item(), 360000);
}

TEST(Losses, AFunctionIsReducedAndWeighted) {
  Loss loss([](const Tensor& t, const Tensor& p) { return (t - p).abs().mean(-1); });
  Tensor t = tensor({{1.0, 2.0}, {3.0, 4.0}}), p = tensor({{0.0, 0.0}, {0.0, 0.0}});
  EXPECT_EQ(loss(t, p).item(), 2.5);
  EXPECT_EQ(loss(t, p, tensor({2.0, 0.0})).item(), 1.5);
}

TEST(Losses, OptionsAreWrittenAsKerasDoes) {
  auto config = [](const Loss& loss) { return loss.impl().described.config.to_json(); };
  EXPECT_EQ(config(Dice()), R"({"name":"dice","reduction":"sum_over_batch_size","axis":null})");
  EXPECT_EQ(config(Circle(80, 0.4, {.reduction = "sum"})),
            R"({"name":"circle","reduction":"sum","gamma":80.0,"margin":0.4,"remove_diagonal":true})");
  EXPECT_EQ(config(Tversky(0.25, 0.75, {.name = "t"})),
            R"({"name":"t","reduction":"sum_over_batch_size","alpha":0.25,"beta":0.75,"axis":null})");
}

TEST(Losses, WrongOptionsAreErrors) {
  EXPECT_EQ(error_of([] { MeanSquaredError({.reduction = "total"}); }),
            "MeanSquaredError: expected reduction to be one of sum_over_batch_size, sum, mean, "
            "mean_with_sample_weight, none, received \"total\".");
  EXPECT_EQ(error_of([] { BinaryCrossentropy({.label_smoothing = 1.5}); }),
            "BinaryCrossentropy: expected label_smoothing between 0 and 1, received 1.5.");
  EXPECT_EQ(error_of([] { CategoricalGeneralizedCrossEntropy(1.0); }),
            "CategoricalGeneralizedCrossEntropy: expected q between 0 and 1, received 1.");
  EXPECT_NE(error_of([] { Loss("Huber", {{"detla", 2.0}}); }).find("detla"), std::string::npos);
  EXPECT_NE(error_of([] { Loss("mean_sqared_error"); }).find("mean_squared_error"), std::string::npos);
}

}  // namespace
}  // namespace mica::internal
