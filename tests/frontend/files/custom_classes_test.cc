// Metrics, losses and optimizers of one's own in files.
#include "frontend/files/custom_classes.h"

#include <gtest/gtest.h>

#include "frontend/mica/mica.h"
#include "tests/frontend/files/file_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

// The largest error that was seen, times a factor.
class LargestError : public CustomMetric {
 public:
  explicit LargestError(double factor) : factor_(factor), largest_(add_variable({}, "largest")) { set_name("worst"); }
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor&) override {
    largest_.assign(maximum(largest_, (y_true - y_pred).abs().max() * factor_));
  }
  Tensor result() const override { return largest_; }
  Config config() const override { return {{"factor", factor_}}; }
  static Ref<LargestError> from_config(const Config& config) {
    return make<LargestError>(config.get<double>("factor"));
  }

 private:
  double factor_;
  Variable largest_;
};

// The gradient, and a share of the one before.
class Heavy : public CustomOptimizer {
 public:
  Heavy(LearningRate rate, double share, OptimizerOptions options = {})
      : CustomOptimizer(std::move(rate), std::move(options)), share_(share) {}
  std::vector<std::string> slot_names() const override { return {"before"}; }
  void update_step(const Tensor& gradient, Variable variable, Parameters slots, const Tensor& learning_rate,
                   const Tensor&) override {
    variable.assign(variable - learning_rate * (gradient + slots[0] * share_));
    slots[0].assign(gradient);
  }
  Config config() const override { return {{"share", share_}}; }
  static Ref<Heavy> from_config(const Config& config) { return make<Heavy>(0.5, config.get<double>("share")); }

 private:
  double share_;
};

class CustomClassesTest : public files::TempFolder {
 protected:
  static Model line() {
    clear_session();
    Tensor x = Input({1}, {.name = "x"});
    return Model({x}, {Dense(1, {.use_bias = false, .kernel_initializer = "ones", .name = "y"})(x)}, {.name = "line"});
  }
  Model again(const Model& model) {
    model.save(path("m.keras"));
    return load_model(path("m.keras"));
  }
};

TEST_F(CustomClassesTest, AClassThatIsNotRegisteredIsAnError) {
  const Model model = line();
  model.compile({.optimizer = SGD(0.1), .loss = "mse", .metrics = {make<LargestError>(1.0)}});
  EXPECT_EQ(error_of([&] { model.save(path("m.keras")); }),
            "save: expected losses, metrics and optimizers that files can name, received the class LargestError. "
            "Register it before: register_metric<LargestError>(\"package>LargestError\").");
}

TEST_F(CustomClassesTest, ARegisteredModelTrainsOn) {
  register_metric<LargestError>("tests>LargestError");
  register_metric("tests>bias", [](const Tensor& y, const Tensor& p) { return p - y; });
  register_loss("tests>absolute", [](const Tensor& y, const Tensor& p) { return (y - p).abs(); });
  register_optimizer<Heavy>("tests>Heavy");
  const Model model = line();
  const auto metric = make<LargestError>(10.0);
  model.compile({.optimizer = make<Heavy>(0.1, 0.5, OptimizerOptions{.clipvalue = 0.75, .name = "heavy"}),
                 .loss = "tests>absolute",
                 .metrics = {metric, "tests>bias"}});
  // The gradient of |0 - 2w| is 2, clipped to 0.75: w = 1 - 0.1·0.75, then w - 0.1·(0.75 + 0.5·0.75).
  const Tensor x = tensor({{2.0}}), y = tensor({{0.0}});
  const Logs first = model.train_on_batch(x, y);
  EXPECT_FLOAT_EQ(static_cast<float>(first["worst"]), 20);
  EXPECT_FLOAT_EQ(static_cast<float>(first["tests>bias"]), 2);
  EXPECT_FLOAT_EQ(model.weights()[0].item<float>(), 0.925f);

  const Model loaded = again(model);
  for (const Model& each : {model, loaded}) {
    const Logs logs = each.train_on_batch(x, y);
    EXPECT_FLOAT_EQ(static_cast<float>(logs["worst"]), 18.5);
    EXPECT_FLOAT_EQ(static_cast<float>(logs["loss"]), 1.85f);
    EXPECT_FLOAT_EQ(each.weights()[0].item<float>(), 0.8125f);
    EXPECT_EQ(each.optimizer().iterations(), 2);
  }
  EXPECT_EQ(loaded.optimizer().variables()[2].path(), "heavy/y_kernel_before");
}

}  // namespace
}  // namespace mica
