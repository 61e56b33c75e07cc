// Layers and functions that are computed once more for the gradient against real Keras' (tests/fixtures/README.md).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "frontend/mica/mica.h"

namespace mica {
namespace {

class Gated : public CustomLayer {
 public:
  explicit Gated(std::int64_t units) : dense_(add_layer("dense", Dense(units, {.name = "dense"}))) {
    set_name("gated");
  }
  using CustomLayer::call;
  Tensor call(const Tensor& x) override {
    return remat([this](const Tensor& y) { return tanh(dense_(y)) * y; })(x);
  }

 private:
  Layer dense_;
};

Model rematerialised() {
  clear_session();
  Tensor x = Input({12}, {.name = "x"});
  Tensor h;
  {
    RematScope scope;
    h = LayerNormalization({.name = "norm"})(Dense(24, {.activation = "gelu", .name = "first"})(x));
  }
  {
    RematScope scope("activations");
    h = Dense(24, {.activation = "silu", .name = "second"})(h);
  }
  {
    RematScope scope("list_of_layers", {.layer_names = {"third"}});
    h = Dense(24, {.activation = "tanh", .name = "third"})(h);
    h = Dense(24, {.activation = "tanh", .name = "fourth"})(h);
  }
  {
    RematScope scope("larger_than", {.output_size_threshold = 20});
    h = Dense(32, {.activation = "tanh", .name = "wide"})(h);
    h = Dense(2, {.activation = "tanh", .name = "narrow"})(h);
  }
  Model model(x, Dense(3, {.name = "out"})(make<Gated>(2)(h)), {.name = "remat"});
  model.compile({.optimizer = Adam(0.01), .loss = "mse"});
  return model;
}

const std::string kFixture = std::string(MICA_SOURCE_DIR) + "/tests/fixtures/remat/remat";

nlohmann::json description() {
  nlohmann::json read;
  std::ifstream(kFixture + ".json") >> read;
  return read;
}

TEST(KerasRemat, TheSameCallsAreRegions) {
  const std::string text = rematerialised().dump(Stage::kGraph, {.mode = "train"});
  int regions = 0;
  for (std::size_t at = text.find(" = checkpoint("); at != std::string::npos; at = text.find(" = checkpoint(", at + 1))
    ++regions;
  EXPECT_EQ(regions, description()["regions"].get<int>()) << text;
}

TEST(KerasRemat, StepsLeadToTheWeightsOfKeras) {
  const nlohmann::json meta = description();
  const TensorDict arrays = load_npz(kFixture + ".npz");
  const Model model = rematerialised();
  for (Variable& weight : model.weights()) weight.assign(arrays.at("weights/" + weight.path()));
  const std::vector<double> losses = arrays.at("losses").to_vector<double>();
  const std::int64_t batch = meta["batch_size"];
  for (std::size_t step = 0; step < losses.size(); ++step) {
    const std::int64_t begin = static_cast<std::int64_t>(step) * batch;
    const Logs logs =
        model.train_on_batch(arrays.at("x").narrow(0, begin, batch), arrays.at("y").narrow(0, begin, batch));
    EXPECT_NEAR(logs["loss"], losses[step], 1e-5 * (1 + std::abs(losses[step]))) << "step " << step;
  }
  int compared = 0;
  for (const Variable& weight : model.weights()) {
    const double tolerance = std::max(2e-5, 2 * meta["float32_drift"][weight.path()].get<double>());
    const Tensor want = arrays.at("final/" + weight.path());
    EXPECT_LE((weight.to(kFloat64) - want).abs().amax().item(), tolerance) << weight.path();
    ++compared;
  }
  EXPECT_EQ(compared, static_cast<int>(meta["float32_drift"].size()));
}

}  // namespace
}  // namespace mica
