// The optimizers and schedulers of fixtures/torch/modules, as their case.json describes them.
#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "mica/mica.h"

namespace mica::torch_fixtures {

// Over the parameters; of the case "frozen_and_groups" over two groups.
Optimizer optimizer_of(const nlohmann::json& description, const Layer& net);

// What a scheduler does after a step whose loss is given.
std::function<void(double loss)> scheduler_of(const nlohmann::json& description, const Optimizer& optimizer);

}  // namespace mica::torch_fixtures
