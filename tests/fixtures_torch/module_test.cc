// PyTorch's training runs: each network of fixtures/torch/modules with PyTorch's weights. Its state has PyTorch's
// names, its text is what PyTorch prints, and what it computes is what PyTorch computes: first gradients, losses, the
// state of net and optimizer after training, the loss in evaluation and what hooks see of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "frontend/files/npz.h"
#include "frontend/graph/value.h"
#include "tests/fixtures_torch/fixture_root.h"
#include "tests/fixtures_torch/module_nets.h"
#include "tests/fixtures_torch/module_training.h"

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
    for (auto part : {&TrainingRun::steps, &TrainingRun::final_state, &TrainingRun::evaluation}) {
      std::string differs = (this->*part)(training);
      if (!differs.empty()) return differs;
    }
    return {};
  }

 private:
  std::string steps(const TrainingCase& training) {
    const TensorDict wanted = read_float32(folder_ + "/trace.npz");
    Optimizer optimizer = optimizer_of(description_, training.net);
    std::function<void(double)> schedule = scheduler_of(description_, optimizer);
    const std::int64_t accumulate = description_.at("accumulate"), count = description_.at("steps");
    std::vector<double> losses;
    for (std::int64_t t = 0; t < count; ++t) {
      training.net.train();
      if (t % accumulate == 0) optimizer.zero_grad();
      Tensor loss = training.loss(training.net, batch(t));
      loss.backward();
      losses.push_back(loss.item());
      if (std::string differs = t == 0 ? first_gradients(training) : ""; !differs.empty()) return differs;
      clip(training);
      if (t % accumulate == accumulate - 1) optimizer.step();
      schedule(losses.back());
    }
    std::string differs = difference("losses", tensor(losses, {count}), wanted["loss"], loss_tolerance_);
    return differs.empty() ? optimizer_state(training, optimizer) : differs;
  }

  // What the optimizer keeps of each parameter: all that PyTorch's keeps, and no more.
  std::string optimizer_state(const TrainingCase& training, const Optimizer& optimizer) const {
    const std::string path = folder_ + "/optimizer_state.npz";
    const TensorDict wanted = std::filesystem::exists(path) ? read_float32(path) : TensorDict();
    const auto parameters = training.net.named_parameters();
    std::size_t kept = 0;
    for (const auto& [key, value] : optimizer.state_dict()) {
      std::vector<std::string> parts = absl::StrSplit(key, absl::MaxSplits('.', 2));  // state.<parameter>.<name>
      if (parts[0] != "state") continue;
      std::string name = absl::StrCat(parameters.at(std::stoul(parts[1])).first, "/", parts[2]);
      if (!wanted.contains(name)) return "optimizer state " + name + ": PyTorch keeps none";
      std::string differs = difference("optimizer state " + name, value, wanted[name], state_tolerance_);
      if (!differs.empty()) return differs;
      ++kept;
    }
    return kept == wanted.size() ? "" : absl::StrCat("optimizer state: ", kept, " values, expected ", wanted.size());
  }

  TensorDict batch(std::int64_t step) const {
    TensorDict data = read_float32(folder_ + "/data.npz");
    if (description_.at("batch").is_null()) return data;
    std::int64_t size = description_.at("batch"), all = data.begin()->second.size(0), first = step * size % all;
    TensorDict rows;
    for (const auto& [name, values] : data) rows.set(name, values[Slice(first, first + size)]);
    return rows;
  }

  std::string first_gradients(const TrainingCase& training) const {
    const TensorDict wanted = read_float32(folder_ + "/grads_step0.npz");
    for (const auto& [name, parameter] : training.net.named_parameters()) {
      if (wanted.contains(name) != parameter.grad().defined()) return "gradient of " + name + ": one too many or few";
      if (!wanted.contains(name)) continue;  // a frozen one
      std::string differs = difference("gradient of " + name, parameter.grad(), wanted[name], state_tolerance_);
      if (!differs.empty()) return differs;
    }
    return {};
  }

  void clip(const TrainingCase& training) const {
    if (!description_.at("clip_norm").is_null())
      clip_grad_norm_(training.net.parameters(), description_.at("clip_norm"));
    if (!description_.at("clip_value").is_null()) {
      clip_grad_value_(training.net.parameters(), description_.at("clip_value"));
    }
  }

  std::string final_state(const TrainingCase& training) {
    const TensorDict got = training.net.state_dict(), wanted = read_float32(folder_ + "/final.npz");
    if (got.size() != wanted.size()) return "another number of values in the state";
    for (const auto& [name, value] : wanted) {
      std::string differs = difference("final " + name, got[name], value, state_tolerance_);
      if (!differs.empty()) return differs;
    }
    return {};
  }

  // The loss over all data after training, in evaluation mode, and what hooks see of it.
  std::string evaluation(const TrainingCase& training) {
    training.net.eval();
    std::map<std::string, Tensor> seen;
    std::vector<HookHandle> handles;
    for (const auto& [name, layer] : training.net.named_modules()) {
      const json& hooks = description_.at("hooks");
      if (std::find(hooks.begin(), hooks.end(), name) == hooks.end()) continue;
      handles.push_back(
          layer.register_forward_hook([&seen, key = name](const Layer&, const Tensor& output) { seen[key] = output; }));
    }
    Tensor loss = training.loss(training.net, read_float32(folder_ + "/data.npz"));
    std::string differs = difference("loss in evaluation", loss.detach(),
                                     full({}, description_.at("eval_loss").get<double>()), loss_tolerance_);
    for (HookHandle& handle : handles) handle.remove();
    if (!differs.empty() || description_.at("hooks").empty()) return differs;
    for (const auto& [name, value] : read_float32(folder_ + "/activations.npz")) {
      if (!seen.count(name)) return "no activation of " + name;
      differs = difference("activation of " + name, seen.at(name), value, state_tolerance_);
      if (!differs.empty()) return differs;
    }
    return {};
  }

  std::string folder_;
  json description_;
  double loss_tolerance_, state_tolerance_;
};

TEST(TorchModuleFixtures, TrainingIsThatOfPyTorch) {
  const std::string folder = fixture_root() + "/torch/modules";
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
    passed += differs.empty();
    EXPECT_TRUE(differs.empty()) << name << ": " << differs;
  }
  std::cout << "torch modules: " << passed << " of " << names.size() << std::endl;
}

}  // namespace
}  // namespace mica::torch_fixtures
