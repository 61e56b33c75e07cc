#include "frontend/graph/scope.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/trace.h"

namespace mica::internal {
namespace {
thread_local LayerScope* innermost = nullptr;
}  // namespace

LayerScope::LayerScope(const CustomLayer& layer, std::string_view step, const CallArguments& arguments)
    : layer_(layer), arguments_(arguments), outer_(innermost) {
  path_ = outer_ ? absl::StrCat(outer_->path_, "/", std::string(step)) : std::string(step);
  inherited_ = arguments.training ? arguments.training : outer_ ? outer_->inherited_ : std::nullopt;
  const Trace* trace = Trace::current();
  const LayerState& state = state_of(layer);
  training_ = inherited_   ? *inherited_
              : trace      ? trace->training()
              : state.mode ? *state.mode
                           : false;  // Keras' layers infer
  innermost = this;
}

LayerScope::~LayerScope() { innermost = outer_; }

ScopeSuspension::ScopeSuspension() : suspended_(innermost) { innermost = nullptr; }
ScopeSuspension::~ScopeSuspension() { innermost = suspended_; }

const LayerScope* LayerScope::current() { return innermost; }

const std::string& LayerScope::current_path() {
  static const std::string* none = new std::string();
  return innermost ? innermost->path_ : *none;
}

}  // namespace mica::internal
