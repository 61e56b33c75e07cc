#include "compiler/graph/location.h"

#include "absl/strings/str_cat.h"

namespace mica::ir {
namespace {

// The blank and the name behind it; names of layers may have blanks themselves.
std::string suffix_of(Role role) { return absl::StrCat(" ", std::string(name_of(role))); }

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::kBackward:
      return "backward";
    case Role::kRecomputed:
      return "recomputed";
    case Role::kForward:
      break;
  }
  return "";
}

Role role_of(std::string_view location) {
  for (Role role : {Role::kBackward, Role::kRecomputed}) {
    if (location.ends_with(suffix_of(role))) return role;
  }
  return Role::kForward;
}

std::string_view layer_of(std::string_view location) {
  const Role role = role_of(location);
  if (role != Role::kForward) location.remove_suffix(suffix_of(role).size());
  return location;
}

std::string with_role(std::string_view location, Role role) {
  std::string layer(layer_of(location));
  return layer.empty() || role == Role::kForward ? layer : layer + suffix_of(role);
}

}  // namespace mica::ir
