// The networks of fixtures/torch/modules in C++, and the losses they are trained with.
#pragma once
#include <functional>
#include <map>
#include <string>

#include "mica/mica.h"

namespace mica::torch_fixtures {

struct TrainingCase {
  Layer net;
  std::function<Tensor(const Layer& net, const TensorDict& data)> loss;
};

// By the name of the case.
const std::map<std::string, std::function<TrainingCase()>>& training_cases();

}  // namespace mica::torch_fixtures
