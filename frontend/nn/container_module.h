// ContainerModule: a module whose submodules are a list or a dictionary.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/nn/builtin_module.h"

namespace mica::internal {

class ContainerModule : public BuiltinModule {
 public:
  explicit ContainerModule(const char* class_name) : BuiltinModule(class_name) {}

  const std::vector<std::pair<std::string, Layer>>& children() const { return state_of(*this).sublayers; }
  void append(const Layer& module) { add(absl::StrCat(children().size()), module); }
  // Puts a module under a name, in the place of one that has it.
  void add(std::string_view name, const Layer& module) {
    for (auto& [own, layer] : state_of(*this).sublayers) {
      if (own != name) continue;
      state_of(module);
      layer = module;
      return;
    }
    register_module(name, module);
  }
};

}  // namespace mica::internal
