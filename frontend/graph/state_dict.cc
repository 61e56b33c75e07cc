// state_dict() and load_state_dict(): what modules hold by dotted names, and the hooks around both.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/layer_state.h"

namespace mica {
namespace internal {
namespace {

using Names = std::vector<std::string>;

// A layer's own parameters, then its buffers.
std::vector<std::pair<std::string, Variable>> own_weights(const LayerState& state) {
  std::vector<std::pair<std::string, Variable>> own;
  for (bool buffers : {false, true}) {
    for (std::size_t i = 0; i < state.weights.size(); ++i) {
      if (state.weights[i].cell()->is_buffer == buffers) own.emplace_back(state.name_of_weight(i), state.weights[i]);
    }
  }
  return own;
}

// A layer or Variable under each of its names, each layer's before those of the layers below it.
void save(const Layer& layer, const std::string& prefix, TensorDict& saved) {
  const LayerState& state = state_of(layer);
  for (const auto& [id, hook] : state.hooks.state_dict_pre.all()) hook(layer, prefix);
  for (const auto& [name, weight] : own_weights(state)) {
    const bool has_value = !weight.cell()->is_uninitialized();
    saved.set(absl::StrCat(prefix, name), has_value ? Tensor::of(weight.cell()->value()) : Tensor());
  }
  for (const auto& [name, child] : state.sublayers) save(child, absl::StrCat(prefix, name, "."), saved);
  for (const auto& [id, hook] : state.hooks.state_dict_post.all()) hook(layer, saved, prefix);
}

std::string size_text(const Shape& shape) { return absl::StrCat("torch.Size([", absl::StrJoin(shape, ", "), "])"); }

TensorDict items_below(const TensorDict& state, const std::string& prefix) {
  TensorDict below;
  for (const auto& [key, value] : state) {
    if (absl::StartsWith(key, prefix)) below.set(key, value);
  }
  return below;
}

// Loads layer by layer; what it has assigned is as before unless commit() was called.
class StateLoader {
 public:
  explicit StateLoader(bool strict) : strict_(strict) {}
  ~StateLoader() {
    while (!assigned_.empty()) {
      auto& [cell, before] = assigned_.back();
      before.defined() ? cell->bind(before) : cell->uninitialize();
      assigned_.pop_back();
    }
  }
  StateLoader(const StateLoader&) = delete;
  StateLoader& operator=(const StateLoader&) = delete;

  void load(const Layer& layer, TensorDict state, const std::string& prefix) {
    const LayerState& own = state_of(layer);
    for (const auto& [id, hook] : own.hooks.load_state_dict_pre.all()) {
      hook(layer, state, prefix, strict_, keys_.missing_keys, keys_.unexpected_keys, errors_);
    }
    for (const auto& [name, weight] : own_weights(own)) take(absl::StrCat(prefix, name), weight, state);
    note_unexpected(own, state, prefix);
    for (const auto& [name, child] : own.sublayers) {
      const std::string below = absl::StrCat(prefix, name, ".");
      load(child, items_below(state, below), below);
    }
    for (const auto& [id, hook] : own.hooks.load_state_dict_post.all()) hook(layer, keys_);
  }

  // What is wrong, as PyTorch says it; empty: nothing.
  Names complaints() const {
    Names all;
    if (strict_ && !keys_.missing_keys.empty()) {
      all.push_back(absl::StrCat("Missing key(s) in state_dict: ", join_quoted(keys_.missing_keys), "."));
    }
    if (strict_ && !keys_.unexpected_keys.empty()) {
      all.push_back(absl::StrCat("Unexpected key(s) in state_dict: ", join_quoted(keys_.unexpected_keys), "."));
    }
    all.insert(all.end(), errors_.begin(), errors_.end());
    return all;
  }
  bool are_keys_wrong() const { return strict_ && !(keys_.missing_keys.empty() && keys_.unexpected_keys.empty()); }
  void commit() { assigned_.clear(); }
  const IncompatibleKeys& keys() const { return keys_; }

 private:
  void take(const std::string& key, const Variable& weight, const TensorDict& state) {
    if (!state.contains(key)) {
      keys_.missing_keys.push_back(key);
      return;
    }
    const Tensor& value = state[key];
    const CellRef& cell = weight.cell();
    if (!value.defined()) {
      if (!cell->is_uninitialized()) errors_.push_back(absl::StrCat("uninitialized value for ", key, "."));
      return;
    }
    if (cell->is_uninitialized()) {
      assigned_.emplace_back(cell, Tensor());
      cell->initialize(value);
      return;
    }
    if (value.shape() != weight.shape()) {
      errors_.push_back(absl::StrCat("size mismatch for ", key, ": copying a param with shape ",
                                     size_text(value.shape()), " from checkpoint, the shape in current model is ",
                                     size_text(weight.shape()), "."));
      return;
    }
    assigned_.emplace_back(cell, Tensor::of(cell->value()));
    cell->bind(value);
  }

  // Keys below the prefix that are neither a weight of the layer nor below a layer of it.
  void note_unexpected(const LayerState& own, const TensorDict& state, const std::string& prefix) {
    const auto weights = own_weights(own);
    auto has = [](const auto& items, const std::string& wanted) {
      return std::any_of(items.begin(), items.end(), [&](const auto& item) { return item.first == wanted; });
    };
    for (const auto& [key, value] : state) {
      if (!absl::StartsWith(key, prefix)) continue;
      const std::string name = key.substr(prefix.size());
      const std::size_t dot = name.find('.');
      if (has(weights, name) || (dot != std::string::npos && has(own.sublayers, name.substr(0, dot)))) continue;
      keys_.unexpected_keys.push_back(key);
    }
  }

  bool strict_;
  IncompatibleKeys keys_;
  Names errors_;
  std::vector<std::pair<CellRef, Tensor>> assigned_;  // what it held before; undefined: nothing
};

}  // namespace
}  // namespace internal

TensorDict Layer::state_dict(const std::string& prefix) const {
  TensorDict state;
  internal::save(*this, prefix, state);
  return state;
}

IncompatibleKeys Layer::load_state_dict(const TensorDict& state, bool strict) const {
  internal::StateLoader loader(strict);
  loader.load(*this, state, "");
  const std::vector<std::string> complaints = loader.complaints();
  if (!complaints.empty()) {
    throw Error(
        {.where = name(),
         .expected = "the keys and shapes of its own state",
         .received =
             absl::StrCat("Error(s) in loading state_dict for ", class_name(), ": ", absl::StrJoin(complaints, " ")),
         .hint = loader.are_keys_wrong() ? "load_state_dict(state, false) takes what fits and returns the rest." : ""});
  }
  loader.commit();
  return loader.keys();
}

}  // namespace mica
