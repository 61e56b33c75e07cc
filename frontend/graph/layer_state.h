// LayerState: what the library keeps of a layer, beside what its class does.
#pragma once
#include <any>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "frontend/graph/hooks.h"
#include "frontend/graph/value.h"
#include "frontend/graph/variable.h"
#include "frontend/mica/layer.h"

namespace mica::internal {

struct ModelState;  // model_state.h
struct RematMode;   // region.h

struct LayerState {
  std::string name;
  bool trainable = true;
  std::optional<bool> mode;  // the last train() or eval()
  bool built = false;
  std::vector<Shape> build_shapes;
  Parameters weights;  // own ones, in order of creation
  std::vector<std::pair<std::string, Layer>> sublayers;
  std::vector<std::weak_ptr<Call>> calls;  // symbolic ones, in order
  Tensors losses;                          // add_loss outside of traces, of the last call
  TensorFn activity_regularizer;
  std::shared_ptr<const RematMode> remat;  // of the RematScope that it was made in, or null
  LayerHooks hooks;
  // What a layer does with masks (Keras: supports_masking, and a `mask` argument of call).
  bool passes_masks = false, takes_mask = false;
  // Keras' names of the tensors that `call` takes one by one (query, value, key); empty: one tensor, or one list.
  std::vector<std::string> arguments;
  // One's own layers must declare the layers they call; built-in ones and models hold theirs otherwise.
  bool declares_sublayers = true;
  std::unique_ptr<ModelState> model;           // of models
  std::map<std::size_t, std::string> aliases;  // names of weights that are called otherwise elsewhere

  LayerState();
  ~LayerState();
  // Weight i as state_dict names it.
  const std::string& name_of_weight(std::size_t i) const;
  // Puts a weight, another layer's perhaps, under a name, in the place of one that has it.
  void set_weight(std::string_view weight_name, const Variable& weight);
  Variable find_weight(std::string_view weight_name) const;  // undefined where there is none
  void remove_weight(std::string_view weight_name);
  // Living symbolic calls, in order.
  std::vector<CallRef> living_calls() const;
  static LayerState& of(const CustomLayer& layer);
};

inline LayerState& state_of(const CustomLayer& layer) { return LayerState::of(layer); }
LayerState& state_of(const Layer& layer);  // Error for an empty handle

// Gives the layer its automatic name, unless it has one. Error for a name with "/" in it.
void ensure_named(const CustomLayer& layer);
// Own weights, then those of the sublayers, in Keras' order; a Variable that is met twice is listed once.
Parameters all_weights(const CustomLayer& layer);
Parameters all_weights(const CustomLayer& layer, bool trainable);
// While it lives, weights made on this thread have a value that takes no memory: a file gives them theirs.
class PlaceholderWeights {
 public:
  PlaceholderWeights();
  ~PlaceholderWeights();
  PlaceholderWeights(const PlaceholderWeights&) = delete;
  PlaceholderWeights& operator=(const PlaceholderWeights&) = delete;
};

// Weights and sublayers again as they were before a call that failed.
class BuildGuard {
 public:
  explicit BuildGuard(const CustomLayer& layer);
  ~BuildGuard();
  void commit() { committed_ = true; }

 private:
  LayerState& state_;
  bool built_, committed_ = false;
  std::size_t weights_;
};

}  // namespace mica::internal
