// CustomLayer: the base of every layer, built in or one's own, and the state behind it.
#include <algorithm>
#include <typeinfo>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/naming.h"
#include "frontend/graph/region.h"
#include "frontend/graph/scope.h"
#include "frontend/graph/trace.h"

namespace mica {
namespace internal {

LayerState::LayerState() : remat(current_remat_mode()) {}
LayerState::~LayerState() = default;

LayerState& LayerState::of(const CustomLayer& layer) { return *layer.state_; }

LayerState& state_of(const Layer& layer) {
  if (layer.impl()) return LayerState::of(*layer.impl());
  throw Error({.where = "Layer",
               .expected = "a layer",
               .received = "an empty handle",
               .hint = "A default-constructed Layer holds nothing; assign a layer to it first."});
}

std::vector<CallRef> LayerState::living_calls() const {
  std::vector<CallRef> living;
  for (const std::weak_ptr<Call>& call : calls) {
    if (CallRef alive = call.lock()) living.push_back(std::move(alive));
  }
  return living;
}

void ensure_named(const CustomLayer& layer) {
  LayerState& state = state_of(layer);
  if (state.name.empty()) state.name = unique_name(snake_case(layer.class_name()));
  if (state.name.find('/') != std::string::npos) {
    std::string name = std::exchange(state.name, "");
    throw Error({.where = layer.class_name(),
                 .expected = "a name without \"/\"",
                 .received = absl::StrCat("\"", name, "\""),
                 .hint = "The slash separates the layers of a path."});
  }
}

namespace {

// Depth first, without visiting a layer twice.
void collect_weights(const CustomLayer& layer, bool frozen, std::optional<bool> wanted,
                     std::unordered_set<const VariableCell*>& seen, Parameters& out) {
  const LayerState& state = state_of(layer);
  frozen |= !state.trainable;
  for (bool trainable : {true, false}) {
    for (const Variable& weight : state.weights) {
      if (weight.trainable() != trainable || (wanted && *wanted != (trainable && !frozen))) continue;
      if (seen.insert(weight.cell().get()).second) out.push_back(weight);
    }
  }
  for (const auto& [name, sublayer] : state.sublayers) collect_weights(*sublayer.impl(), frozen, wanted, seen, out);
}

}  // namespace

Parameters all_weights(const CustomLayer& layer) {
  Parameters all;
  std::unordered_set<const VariableCell*> seen;
  collect_weights(layer, false, std::nullopt, seen, all);
  return all;
}

Parameters all_weights(const CustomLayer& layer, bool trainable) {
  Parameters some;
  std::unordered_set<const VariableCell*> seen;
  collect_weights(layer, false, trainable, seen, some);
  return some;
}

namespace {

thread_local int placeholder_scopes = 0;

// A pending zero of the shape; nobody computes it.
Tensor placeholder(const Shape& shape, DType dtype) {
  ir::Dims dims;
  for (std::int64_t dim : shape) dims.emplace_back(dim);
  return apply("broadcast_to", {Tensor::of(make_literal(0, dtype))}, {{"shape", std::move(dims)}});
}

}  // namespace

PlaceholderWeights::PlaceholderWeights() { ++placeholder_scopes; }
PlaceholderWeights::~PlaceholderWeights() { --placeholder_scopes; }

BuildGuard::BuildGuard(const CustomLayer& layer)
    : state_(state_of(layer)), built_(state_.built), weights_(state_.weights.size()) {}

BuildGuard::~BuildGuard() {
  if (committed_ || built_) return;
  state_.built = false;
  state_.weights.resize(weights_);
}

}  // namespace internal

CustomLayer::CustomLayer() : state_(std::make_unique<internal::LayerState>()) {}
CustomLayer::~CustomLayer() = default;

void CustomLayer::build(const Shape&) {}
void CustomLayer::build(const std::vector<Shape>& input_shapes) {
  if (!input_shapes.empty()) build(input_shapes[0]);
}

Tensor CustomLayer::call(const Tensor&) {
  throw Error({.where = state_->name,
               .expected = absl::StrCat(class_name(), " to override call"),
               .received = "a class without it",
               .hint = "Tensor call(const Tensor& x) override, or Tensors call(const Tensors& xs) override."});
}

Tensors CustomLayer::call(const Tensors& xs) {
  if (xs.size() == 1) return {call(xs[0])};
  throw Error({.where = state_->name,
               .expected = "one tensor",
               .received = absl::StrCat(xs.size()),
               .hint = "A layer of several tensors overrides Tensors call(const Tensors& xs)."});
}

Shape CustomLayer::compute_output_shape(const Shape& input_shape) const {
  ir::TensorType type;
  for (std::int64_t dim : input_shape) {
    type.dims.push_back(dim == kAny ? ir::Dim::symbol(absl::StrCat("D", type.dims.size())) : ir::Dim(dim));
  }
  auto placeholder = std::make_shared<internal::ValueNode>();
  placeholder->kind = internal::ValueKind::kSymbolic;
  placeholder->type = std::move(type);
  placeholder->shape = input_shape;
  auto layer = const_cast<CustomLayer*>(this)->shared_from_this();  // building is what const does not protect
  return internal::shape_of(internal::infer_call(layer, {.tensors = {Tensor::of(placeholder)}})[0]);
}

Tensor CustomLayer::compute_mask(const Tensor&, const Tensor& mask) const {
  return state_->passes_masks ? mask : Tensor();
}

Tensor CustomLayer::compute_joint_mask(const Tensors& xs, const Tensors& masks) const {
  return compute_mask(xs[0], masks[0]);
}

Config CustomLayer::config() const { return {}; }

std::string CustomLayer::class_name() const { return internal::class_name_of(typeid(*this)); }

Variable CustomLayer::add_weight(WeightOptions options) {
  if (options.name.empty())
    options.name = state_->weights.empty() ? "variable" : absl::StrCat("variable_", state_->weights.size());
  if (!options.shape.is_static()) {
    throw Error({.where = state_->name,
                 .expected = absl::StrCat("the shape of \"", options.name, "\" to be known"),
                 .received = options.shape.to_string(),
                 .hint = "A weight cannot have a dynamic dim; give the input that axis."});
  }
  constexpr double kMaxElements = 1e12;  // more is damage, or a wrong number
  double elements = 1;
  for (std::int64_t dim : options.shape) elements *= static_cast<double>(dim);
  if (elements > kMaxElements) {
    throw Error({.where = state_->name,
                 .expected = absl::StrCat("\"", options.name, "\" to be of a size that fits into memory"),
                 .received = options.shape.to_string(),
                 .hint = {}});
  }
  const std::string& path = internal::LayerScope::current_path();
  Tensor initial = internal::placeholder_scopes > 0 ? internal::placeholder(options.shape, options.dtype)
                                                    : options.initializer(options.shape, options.dtype);
  auto cell = internal::make_cell(absl::StrCat(path.empty() ? state_->name : path, "/", options.name),
                                  internal::cast(initial, options.dtype), options.trainable);
  cell->name = options.name.substr(options.name.rfind('/') + 1);
  cell->regularizer = options.regularizer.fn();
  cell->constraint = options.constraint.fn();
  state_->weights.push_back(Variable::of(std::move(cell)));
  return state_->weights.back();
}

void CustomLayer::declare_layer(std::string_view name, const Layer& layer) {
  internal::state_of(layer);
  state_->sublayers.emplace_back(name, layer);
}

void CustomLayer::add_loss(const Tensor& loss) {
  if (internal::Trace* trace = internal::Trace::current()) {
    trace->add_loss(loss);
  } else {
    state_->losses.push_back(loss);
  }
}

void CustomLayer::add_update(const Variable& variable, const Tensor& new_value) {
  Variable(variable).assign(new_value);
}

bool CustomLayer::training() const {
  const internal::LayerScope* scope = internal::LayerScope::current();
  if (scope && &scope->layer() == this) return scope->training();
  return state_->mode.value_or(false);
}

void CustomLayer::set_name(std::string_view name) { state_->name = name; }
Layer CustomLayer::self() const { return Layer::of(const_cast<CustomLayer*>(this)->shared_from_this()); }

}  // namespace mica
