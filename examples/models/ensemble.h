// Three models that vote, averaged in one graph.
#pragma once
#include <mica/mica.h>

#include <string>

namespace examples {

inline mica::Model member(int number) {
  using namespace mica;
  std::string n = std::to_string(number);
  Tensor features = Input({128}, {.name = "features_" + n});
  Tensor x = Dense(8, {.activation = "tanh", .name = "hidden_" + n})(features);
  return Model(features, Dense(1, {.name = "vote_" + n})(x), {.name = "member_" + n});
}

inline mica::Model ensemble() {
  using namespace mica;
  Tensor features = Input({128}, {.name = "features"});
  Tensors votes = {member(1)(features), member(2)(features), member(3)(features)};
  return Model(features, Average({.name = "average"})(votes), {.name = "ensemble"});
}

}  // namespace examples
