// SwapEMAWeights against real Keras, on tests/fixtures/streams/averages.npz.
#include <gtest/gtest.h>

#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

class AveragesTest : public ::testing::TestWithParam<bool> {
 protected:
  static Model model(const Tensor& kernel, bool use_ema = true) {
    clear_session();
    Tensor x = Input({3}, {.name = "x"});
    const Model model({x}, {Dense(1, {.name = "y"})(x)});
    model.get_layer("y").set_weights({kernel, zeros({1})});
    model.compile({.optimizer = SGD(0.1, {.use_ema = use_ema, .ema_momentum = 0.8}), .loss = "mse"});
    return model;
  }
  static void expect_near(const std::vector<double>& got, const Tensor& want, const char* what) {
    const std::vector<double> wanted = want.to_vector<double>();
    ASSERT_EQ(got.size(), wanted.size()) << what;
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], wanted[i], 2e-6) << what << " at " << i;
  }
};

TEST_P(AveragesTest, EvaluationsSeeThemAsInKeras) {
  const TensorDict expected = load_npz(MICA_SOURCE_DIR "/tests/fixtures/streams/averages.npz");
  const std::string key = GetParam() ? "epoch/" : "test/";
  const Tensor x = expected["x"], y = expected["y"];
  const Model trained = model(expected["kernel"]);
  const auto kernel = [&] { return trained.get_layer("y").weight("kernel").to_vector<double>(); };
  std::vector<double> seen;
  const Callback look = LambdaCallback({.on_epoch_end = [&](int, Logs&) {
    for (double number : kernel()) seen.push_back(number);
  }});
  const History history = trained.fit(x, y,
                                      {.batch_size = 4,
                                       .epochs = 3,
                                       .verbose = 0,
                                       .callbacks = {SwapEMAWeights(GetParam()), look},
                                       .validation_data = {x, y},
                                       .shuffle = false});
  expect_near(history["loss"], expected[key + "loss"], "loss");
  expect_near(history["val_loss"], expected[key + "val_loss"], "val_loss");
  expect_near(seen, expected[key + "seen"], "at the ends of epochs");
  expect_near(kernel(), expected[key + "final"], "at the end");
  const Tensor predicted = trained.predict(x, {.callbacks = {SwapEMAWeights()}});
  expect_near(predicted.to_vector<double>(), expected[key + "predicted"], "predicted");
}

INSTANTIATE_TEST_SUITE_P(SwapOnEpoch, AveragesTest, ::testing::Bool());

TEST(SwapEMAWeightsTest, NeedsAverages) {
  clear_session();
  Tensor x = Input({3}, {.name = "x"});
  const Model plain({x}, {Dense(1)(x)});
  plain.compile({.optimizer = SGD(0.1), .loss = "mse"});
  EXPECT_EQ(
      error_of([&] {
        plain.fit(ones({4, 3}), ones({4, 1}),
                  {.verbose = 0, .callbacks = {SwapEMAWeights()}, .validation_data = {ones({4, 3}), ones({4, 1})}});
      }),
      "sgd: expected an optimizer that keeps averages of the weights, received use_ema = false. Make it with them: "
      "SGD(rate, {.use_ema = true}).");
}

}  // namespace
}  // namespace mica
