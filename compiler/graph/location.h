// The location of a node: the path of its layer, and what the node does for the layer where that is not its forward
// pass: "encoder/conv1", "encoder/conv1 backward", "encoder/conv1 recomputed". Dumps, profiles and memory reports show
// it whole; errors name the layer alone.
#pragma once
#include <string>
#include <string_view>

namespace mica::ir {

enum class Role {
  kForward,
  kBackward,    // part of a gradient
  kRecomputed,  // a value of the forward pass, computed once more where it is needed
};

// The location with another role; one without a layer stays empty.
std::string with_role(std::string_view location, Role role);
Role role_of(std::string_view location);
// "encoder/conv1" of all three.
std::string_view layer_of(std::string_view location);
// "", "backward", "recomputed".
std::string_view name_of(Role role);

}  // namespace mica::ir
