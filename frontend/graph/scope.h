// LayerScope: the layer calls that are running on this thread, innermost last. It gives nodes their path, layers their
// training mode, mask and initial state, and errors their place.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "frontend/graph/value.h"

namespace mica::internal {

class LayerScope {
 public:
  // `step` is the layer's name, with ":1" for its second call in a model.
  LayerScope(const CustomLayer& layer, std::string_view step, const CallArguments& arguments);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;

  static const LayerScope* current();
  // "encoder/conv1"; empty outside of layers.
  static const std::string& current_path();

  const CustomLayer& layer() const { return layer_; }
  const std::string& path() const { return path_; }
  const CallArguments& arguments() const { return arguments_; }
  bool training() const { return training_; }

 private:
  const CustomLayer& layer_;
  const CallArguments& arguments_;
  LayerScope* outer_;
  std::string path_;
  std::optional<bool> inherited_;  // said by this call or an enclosing one
  bool training_;
};

// While it lives, calls on this thread are in no layer: a model that is made during a call names its layers as always.
class ScopeSuspension {
 public:
  ScopeSuspension();
  ~ScopeSuspension();
  ScopeSuspension(const ScopeSuspension&) = delete;
  ScopeSuspension& operator=(const ScopeSuspension&) = delete;

 private:
  LayerScope* suspended_;
};

}  // namespace mica::internal
