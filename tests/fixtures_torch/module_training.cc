#include "tests/fixtures_torch/module_training.h"

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace mica::torch_fixtures {
namespace {

using nlohmann::json;

template <class Options>
void read_betas(const json& o, Options& options) {
  if (o.contains("betas")) options.betas = {o.at("betas")[0].get<double>(), o.at("betas")[1].get<double>()};
}

// Options of an Adam of any kind.
template <class Options>
Options adam_options(const json& o) {
  Options options;
  options.lr = o.value("lr", options.lr);
  options.eps = o.value("eps", options.eps);
  options.weight_decay = o.value("weight_decay", options.weight_decay);
  read_betas(o, options);
  return options;
}

optim::SGDOptions sgd_options(const json& o) {
  return {.lr = o.value("lr", 1e-3),
          .momentum = o.value("momentum", 0.0),
          .dampening = o.value("dampening", 0.0),
          .weight_decay = o.value("weight_decay", 0.0),
          .nesterov = o.value("nesterov", false)};
}

Parameters below(const Layer& net, const std::string& prefix) {
  Parameters found;
  for (const auto& [name, parameter] : net.named_parameters()) {
    if (name.rfind(prefix, 0) == 0) found.push_back(parameter);
  }
  return found;
}

}  // namespace

Optimizer optimizer_of(const json& description, const Layer& net) {
  const json& o = description.at("optimizer");
  const std::string name = o.at("name");
  if (description.at("name") == "frozen_and_groups") {
    for (Variable parameter : below(net, "linear_1.")) parameter.requires_grad_(false);
    return optim::SGD(
        {{.params = below(net, "linear_2.")}, {.params = below(net, "linear_out."), .lr = 0.01, .weight_decay = 0.1}},
        sgd_options(o));
  }
  Parameters all = net.parameters();
  if (name == "SGD") return optim::SGD(all, sgd_options(o));
  if (name == "Adam") {
    auto options = adam_options<optim::AdamOptions>(o);
    options.amsgrad = o.value("amsgrad", false);
    return optim::Adam(all, options);
  }
  if (name == "AdamW") return optim::AdamW(all, adam_options<optim::AdamWOptions>(o));
  if (name == "NAdam") return optim::NAdam(all, adam_options<optim::NAdamOptions>(o));
  if (name == "RAdam") return optim::RAdam(all, adam_options<optim::AdamOptions>(o));
  if (name == "Adamax") return optim::Adamax(all, adam_options<optim::AdamaxOptions>(o));
  if (name == "RMSprop") {
    return optim::RMSprop(all, {.lr = o.value("lr", 1e-2),
                                .alpha = o.value("alpha", 0.99),
                                .momentum = o.value("momentum", 0.0),
                                .centered = o.value("centered", false)});
  }
  if (name == "Adagrad") {
    return optim::Adagrad(all, {.lr = o.value("lr", 1e-2),
                                .lr_decay = o.value("lr_decay", 0.0),
                                .initial_accumulator_value = o.value("initial_accumulator_value", 0.0)});
  }
  if (name == "Adadelta") return optim::Adadelta(all, {.lr = o.value("lr", 1.0), .rho = o.value("rho", 0.9)});
  throw std::runtime_error("no optimizer " + name);
}

std::function<void(double)> scheduler_of(const json& description, const Optimizer& optimizer) {
  namespace schedules = optim::lr_scheduler;
  const json& s = description.at("scheduler");
  if (s.is_null()) return [](double) {};
  const std::string name = s.at("name");
  auto stepping = [](const schedules::LRScheduler& scheduler) { return [scheduler](double) { scheduler.step(); }; };
  if (name == "StepLR") return stepping(schedules::StepLR(optimizer, s.at("step_size"), s.at("gamma")));
  if (name == "MultiStepLR") {
    return stepping(
        schedules::MultiStepLR(optimizer, s.at("milestones").get<std::vector<std::int64_t>>(), s.at("gamma")));
  }
  if (name == "LinearLR") {
    return stepping(schedules::LinearLR(
        optimizer, {.start_factor = s.at("start_factor"), .total_iters = s.at("total_iters").get<std::int64_t>()}));
  }
  if (name == "CosineAnnealingLR") {
    return stepping(schedules::CosineAnnealingLR(optimizer, s.at("T_max"), s.at("eta_min")));
  }
  if (name == "OneCycleLR") {
    return stepping(schedules::OneCycleLR(optimizer, s.at("max_lr"), {.total_steps = s.at("total_steps")}));
  }
  if (name == "ReduceLROnPlateau") {
    schedules::ReduceLROnPlateau plateau(optimizer, {.factor = s.at("factor"), .patience = s.at("patience")});
    return [plateau](double loss) { plateau.step(loss); };
  }
  throw std::runtime_error("no scheduler " + name);
}

}  // namespace mica::torch_fixtures
