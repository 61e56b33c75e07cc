// Layer as PyTorch sees it: modules, parameters and buffers by dotted names, and their state.
#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/layer_state.h"

namespace mica {

using internal::state_of;

namespace internal {

const std::string& LayerState::name_of_weight(std::size_t i) const {
  auto alias = aliases.find(i);
  return alias == aliases.end() ? weights[i].cell()->name : alias->second;
}

void LayerState::set_weight(std::string_view weight_name, const Variable& weight) {
  std::size_t at = 0;
  while (at < weights.size() && name_of_weight(at) != weight_name) ++at;
  if (at == weights.size()) {
    weights.push_back(weight);
  } else {
    weights[at] = weight;
  }
  aliases.erase(at);
  if (weight.cell()->name != weight_name) aliases[at] = weight_name;
}

Variable LayerState::find_weight(std::string_view weight_name) const {
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (name_of_weight(i) == weight_name) return weights[i];
  }
  return {};
}

void LayerState::remove_weight(std::string_view weight_name) {
  std::vector<std::pair<std::string, Variable>> kept;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (name_of_weight(i) != weight_name) kept.emplace_back(name_of_weight(i), weights[i]);
  }
  weights.clear();
  aliases.clear();
  for (const auto& [own_name, weight] : kept) set_weight(own_name, weight);
}

}  // namespace internal

namespace {

using NamedLayers = std::vector<std::pair<std::string, Layer>>;
using NamedWeights = std::vector<std::pair<std::string, Variable>>;

// The layer and everything below it with its dotted name.
void visit(const Layer& layer, const std::string& prefix, const std::function<bool(const Layer&)>& wanted,
           NamedLayers& out) {
  if (!wanted(layer)) return;
  out.emplace_back(prefix, layer);
  for (const auto& [name, sublayer] : state_of(layer).sublayers) {
    visit(sublayer, prefix.empty() ? name : absl::StrCat(prefix, ".", name), wanted, out);
  }
}

enum class Kind { kParameter, kBuffer };

void append_weights(const std::string& path, const Layer& layer, Kind kind, NamedWeights& out) {
  const internal::LayerState& state = state_of(layer);
  for (std::size_t i = 0; i < state.weights.size(); ++i) {
    if (state.weights[i].cell()->is_buffer != (kind == Kind::kBuffer)) continue;
    const std::string& name = state.name_of_weight(i);
    out.emplace_back(path.empty() ? name : absl::StrCat(path, ".", name), state.weights[i]);
  }
}

// Each Variable once, under its first name.
NamedWeights named_weights(const Layer& root, Kind kind) {
  NamedWeights all;
  for (const auto& [path, layer] : root.named_modules()) append_weights(path, layer, kind, all);
  NamedWeights distinct;
  for (auto& item : all) {
    auto is_it = [&](const auto& other) { return other.second.cell() == item.second.cell(); };
    if (std::none_of(distinct.begin(), distinct.end(), is_it)) distinct.push_back(std::move(item));
  }
  return distinct;
}

// A layer under each of its names.
NamedLayers layers_of(const Layer& root) {
  NamedLayers layers;
  visit(root, "", [](const Layer&) { return true; }, layers);
  return layers;
}

template <class Item>
Item named(const Layer& root, std::string_view name, const std::vector<std::pair<std::string, Item>>& items) {
  std::vector<std::string> names;
  for (const auto& [known, item] : items) {
    if (known == name) return item;
    names.push_back(known);
  }
  throw Error({.where = root.name(),
               .expected = absl::StrCat("one of ", internal::join_quoted(names)),
               .received = absl::StrCat("\"", std::string(name), "\""),
               .hint = {}});
}

Variable weight_named(const Layer& root, std::string_view name, Kind kind) {
  NamedWeights weights;
  for (const auto& [path, layer] : layers_of(root)) append_weights(path, layer, kind, weights);
  return named(root, name, weights);
}

}  // namespace

Parameters Layer::parameters() const {
  Parameters all;
  for (const auto& [name, parameter] : named_parameters()) all.push_back(parameter);
  return all;
}
Parameters Layer::buffers() const {
  Parameters all;
  for (const auto& [name, buffer] : named_buffers()) all.push_back(buffer);
  return all;
}
std::vector<Layer> Layer::children() const {
  std::vector<Layer> all;
  for (const auto& [name, child] : named_children()) all.push_back(child);
  return all;
}
NamedLayers Layer::named_children() const { return state_of(*this).sublayers; }
std::vector<Layer> Layer::modules() const {
  std::vector<Layer> all;
  for (const auto& [name, module] : named_modules()) all.push_back(module);
  return all;
}
NamedLayers Layer::named_modules() const {
  NamedLayers all;
  auto is_new = [&](const Layer& layer) {
    return std::none_of(all.begin(), all.end(), [&](const auto& item) { return item.second.same_as(layer); });
  };
  visit(*this, "", is_new, all);
  return all;
}
Layer Layer::get_submodule(std::string_view name) const { return named(*this, name, layers_of(*this)); }
Variable Layer::get_parameter(std::string_view name) const { return weight_named(*this, name, Kind::kParameter); }
Variable Layer::get_buffer(std::string_view name) const { return weight_named(*this, name, Kind::kBuffer); }
NamedWeights Layer::named_parameters() const { return named_weights(*this, Kind::kParameter); }
NamedWeights Layer::named_buffers() const { return named_weights(*this, Kind::kBuffer); }

const Layer& Layer::apply_to_modules(const std::function<void(const Layer&)>& fn) const {
  for (const Layer& child : children()) child.apply_to_modules(fn);
  fn(*this);
  return *this;
}

}  // namespace mica
