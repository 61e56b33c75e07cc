// PyTorch's training runs: each network of fixtures/torch/modules with PyTorch's weights. Its state has PyTorch's
// names, its text is what PyTorch prints, its first loss and gradients and its loss in evaluation after training are
// PyTorch's.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "frontend/files/npz.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/trace.h"
#include "tests/fixtures_torch/gradients.h"
#include "tests/fixtures_torch/module_nets.h"

namespace mica::torch_fixtures {
namespace {

using nlohmann::json;

TensorDict read_float32(const std::string& path) {
  absl::StatusOr<files::NamedArrays> arrays = files::read_npz(path);
  if (!arrays.ok()) throw std::runtime_error(std::string(arrays.status().message()));
  TensorDict tensors;
  for (const auto& [name, array] : *arrays) {
    rt::Array value = array.dtype() == kFloat64 ? array.cast(kFloat32) : array;
    tensors.set(name, Tensor::of(internal::make_computed(value)));
  }
  return tensors;
}

TensorDict rows(const TensorDict& data, std::int64_t count) {
  TensorDict batch;
  for (const auto& [name, tensor] : data) batch.set(name, tensor[Slice(0, count)]);
  return batch;
}

std::string difference(std::string_view what, const Tensor& got, const Tensor& want, double tolerance) {
  std::string name(what);
  if (got.shape() != want.shape()) return absl::StrCat(name, ": shape ", got.shape().to_string());
  std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    bool near = std::fabs(a[i] - b[i]) <= tolerance * (1 + std::fabs(b[i]));
    if (!near) return absl::StrCat(name, ": element ", i, " is ", a[i], ", expected ", b[i]);
  }
  return {};
}

class TrainingRun {
 public:
  explicit TrainingRun(const std::string& folder) : folder_(folder) {
    std::ifstream file(folder + "/case.json");
    description_ = json::parse(file);
    loss_tolerance_ = description_.at("tolerance_float32").at("loss");
    state_tolerance_ = description_.at("tolerance_float32").at("params");
  }

  // What differs, or nothing.
  std::string differs(const TrainingCase& training) {
    std::ostringstream text;
    text << training.net;
    if (text.str() != description_.at("repr").get<std::string>()) return "printed: " + text.str();
    training.net.load_state_dict(read_float32(folder_ + "/init.npz"));
    std::string first = first_step(training);
    return first.empty() ? evaluation(training) : first;
  }

 private:
  // Loss and gradients of the first batch, in training mode.
  std::string first_step(const TrainingCase& training) {
    TensorDict data = read_float32(folder_ + "/data.npz");
    if (!description_.at("batch").is_null()) data = rows(data, description_.at("batch"));
    TensorDict wanted = read_float32(folder_ + "/grads_step0.npz"), trace = read_float32(folder_ + "/trace.npz");
    std::vector<std::pair<std::string, Variable>> parameters = training.net.named_parameters();
    internal::Trace step({.name = "step", .training = true});
    Tensor loss = training.loss(training.net, data);
    Tensors wrt;
    for (const auto& [name, parameter] : parameters) wrt.push_back(parameter);
    Tensors gradients = gradients_in_trace({loss}, {ones_like(loss)}, wrt);
    step.output(loss, "loss");
    for (std::size_t i = 0; i < wrt.size(); ++i) step.output(gradients[i], parameters[i].first);
    step.graph().sort_and_sweep();
    std::vector<rt::Array> results = internal::Executable(step.finish()).run({});
    auto result = [&](std::size_t i) { return Tensor::of(internal::make_computed(results[i])); };
    std::string differs = difference("loss", result(0), trace["loss"][0], loss_tolerance_);
    for (std::size_t i = 0; i < parameters.size() && differs.empty(); ++i) {
      const std::string& name = parameters[i].first;
      if (!wanted.contains(name)) continue;  // a frozen one
      differs = difference("gradient of " + name, result(i + 1), wanted[name], state_tolerance_);
    }
    return differs;
  }

  // The loss over all data with the state after PyTorch's training, in evaluation mode.
  std::string evaluation(const TrainingCase& training) {
    training.net.load_state_dict(read_float32(folder_ + "/final.npz"));
    training.net.eval();
    internal::Trace trace({.name = "evaluation"});
    trace.output(training.loss(training.net, read_float32(folder_ + "/data.npz")), "loss");
    Tensor loss = Tensor::of(internal::make_computed(internal::Executable(trace.finish()).run({})[0]));
    return difference("loss in evaluation", loss, full({}, description_.at("eval_loss").get<double>()),
                      loss_tolerance_);
  }

  std::string folder_;
  json description_;
  double loss_tolerance_, state_tolerance_;
};

TEST(TorchModuleFixtures, FirstStepAndEvaluationAreThoseOfPyTorch) {
  const std::string folder = std::string(MICA_FIXTURES) + "/torch/modules";
  std::ifstream file(folder + "/cases.json");
  if (!file) GTEST_SKIP() << "NOT TESTED: no fixtures at " << folder;
  const json names = json::parse(file).at("cases");
  std::size_t passed = 0;
  for (const std::string name : names) {
    auto it = training_cases().find(name);
    std::string differs = "no network for it";
    try {
      if (it != training_cases().end()) differs = TrainingRun(folder + "/" + name).differs(it->second());
    } catch (const std::exception& error) {
      differs = error.what();
    }
    EXPECT_TRUE(differs.empty()) << name << ": " << differs;
    passed += differs.empty();
  }
  std::cout << "torch modules: " << passed << " of " << names.size() << std::endl;
  EXPECT_EQ(passed, names.size());
}

}  // namespace
}  // namespace mica::torch_fixtures
