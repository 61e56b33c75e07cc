// Learning to learn with explicit weights: an update inside an update, whose gradient goes through the inner one.
// Losses, first gradients and final weights are PyTorch's: tests/fixtures/meta.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "mica/mica.h"
#include "tests/support/tensors_near.h"

namespace mica {
namespace {

constexpr int kTasks = 3;
constexpr double kOuterRate = 0.1;

struct MetaCase {
  std::string name;
  std::function<Tensor(const Tensor& x, const Tensors& weights)> net;
  std::function<Tensor(const Tensor& prediction, const Tensor& target)> loss;
  int inner_steps;
  double inner_rate;
};

MetaCase dense_regression() {
  return {"dense_regression",
          [](const Tensor& x, const Tensors& w) { return F::linear(F::tanh(F::linear(x, w[0], w[1])), w[2], w[3]); },
          [](const Tensor& prediction, const Tensor& target) { return F::mse_loss(prediction, target); }, 2, 0.1};
}

MetaCase conv_classification() {
  return {"conv_classification",
          [](const Tensor& x, const Tensors& w) {
            Tensor h = F::conv2d(x, w[0], w[1], {.padding = 1});
            h = F::silu(F::group_norm(h, 2, {.weight = w[2], .bias = w[3]}));
            return F::linear(F::avg_pool2d(h, 2).flatten(1), w[4], w[5]);
          },
          [](const Tensor& prediction, const Tensor& target) { return F::cross_entropy(prediction, target); }, 3, 0.2};
}

class MetaLearning : public testing::TestWithParam<MetaCase (*)()> {
 protected:
  const MetaCase case_ = GetParam()();
  const TensorDict arrays_ = load_npz(MICA_SOURCE_DIR "/tests/fixtures/meta/arrays.npz");
  const double tolerance_ =
      nlohmann::json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/meta/cases.json"))["meta"][case_.name];

  Tensor array(const std::string& key) const {
    Tensor value = arrays_[case_.name + "/" + key];
    return value.dtype() == kFloat64 ? value.to(kFloat32) : value;
  }
  Tensor loss_of(int task, const std::string& part, const Tensors& weights) const {
    const std::string key = "." + std::to_string(task) + "." + part;
    return case_.loss(case_.net(array("x" + key), weights), array("y" + key));
  }
  // The loss on the queries after some updates on the support of each task.
  Tensor outer_loss(const Tensors& weights) const {
    Tensor total = zeros({});
    for (int task = 0; task < kTasks; ++task) {
      Tensors fast = weights;
      for (int step = 0; step < case_.inner_steps; ++step) {
        Tensors gradients = grad(loss_of(task, "support", fast), fast);
        for (std::size_t i = 0; i < fast.size(); ++i) fast[i] = fast[i] - gradients[i] * case_.inner_rate;
      }
      total = total + loss_of(task, "query", fast);
    }
    return total;
  }
};

TEST_P(MetaLearning, EqualsPyTorch) {
  Parameters weights;
  while (arrays_.contains(case_.name + "/weight." + std::to_string(weights.size()))) {
    weights.emplace_back(array("weight." + std::to_string(weights.size())));
  }
  const std::vector<double> losses = arrays_[case_.name + "/losses"].to_vector<double>();
  for (std::size_t step = 0; step < losses.size(); ++step) {
    Tensor loss = outer_loss(Tensors(std::vector<Tensor>(weights.begin(), weights.end())));
    Tensors gradients = grad(loss, weights);
    EXPECT_NEAR(loss.item(), losses[step], tolerance_ * (1 + losses[step])) << "step " << step;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const std::string number = std::to_string(i);
      if (step == 0) expect_near(gradients[i], array("grad." + number), tolerance_, "gradient " + number);
      weights[i].assign((weights[i] - gradients[i] * kOuterRate).detach());
    }
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    expect_near(weights[i], array("final." + std::to_string(i)), tolerance_, "weight " + std::to_string(i));
  }
}

INSTANTIATE_TEST_SUITE_P(PyTorch, MetaLearning, testing::Values(dense_regression, conv_classification),
                         [](const auto& each) { return each.param().name; });

}  // namespace
}  // namespace mica
