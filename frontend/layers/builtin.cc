#include "frontend/layers/builtin.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/naming.h"
#include "frontend/layers/input.h"

namespace mica {
namespace internal {

BuiltinLayer::BuiltinLayer(Common common)
    : class_name_(common.class_name),
      policy_(std::move(common.dtype)),
      activity_regularizer_(std::move(common.activity_regularizer)) {
  LayerState& own = state_of(*this);
  own.name = std::move(common.name);
  own.trainable = common.trainable;
  own.declares_sublayers = false;
  own.activity_regularizer = activity_regularizer_.fn();
  ensure_named(*this);
}

void BuiltinLayer::common_fields(FieldVisitor& visitor) {
  visitor.field("name", state().name);
  if (has_trainable_field()) visitor.field("trainable", state().trainable);
  visitor.field("dtype", policy_);
}

void BuiltinLayer::activity_regularizer_field(FieldVisitor& visitor) {
  visitor.field("activity_regularizer", activity_regularizer_);
}

Config BuiltinLayer::config() const {
  Config config;
  ConfigWriter writer(config);
  auto& self = const_cast<BuiltinLayer&>(*this);  // a writer changes nothing
  self.common_fields(writer);
  // Keras writes the policy with `trainable`, else the name of the weights' dtype.
  if (!has_trainable_field()) config.set("dtype", weight_dtype().name());
  if (activity_regularizer_.fn()) self.activity_regularizer_field(writer);
  self.fields(writer);
  return config;
}

void BuiltinLayer::configure(const Config& config) {
  // Errors name the layer as the file does.
  const Config::Value* given = config.contains("name") ? &config.at("name") : nullptr;
  bool is_named = given && given->kind() == Config::Value::Kind::kText;
  ConfigReader reader(config, is_named ? given->text() : class_name_);
  state().name.clear();
  common_fields(reader);
  ensure_named(*this);
  activity_regularizer_field(reader);
  fields(reader);
  reader.finish();
  state().activity_regularizer = activity_regularizer_.fn();
  settle();
}

void BuiltinLayer::fields(FieldVisitor&) {}

Tensors BuiltinLayer::call(const Tensors& xs) {
  if (!autocast_ || !compute_dtype().is_floating()) return forward_all(xs);
  Tensors inputs;
  for (const Tensor& x : xs) inputs.push_back(x.dtype().is_floating() ? cast(x, compute_dtype()) : x);
  return forward_all(inputs);
}

Tensor BuiltinLayer::floating(const Tensor& x) const { return x.dtype().is_floating() ? x : cast(x, compute_dtype()); }

Variable BuiltinLayer::add_weight(WeightOptions options, WeightRead read) {
  Variable stored = CustomLayer::add_weight(std::move(options));
  bool as_stored = read == WeightRead::kAsStored || !stored.dtype().is_floating();
  if (as_stored || stored.dtype() == compute_dtype()) return stored;
  Variable cast_view = Variable::of(stored.cell());
  cast_view.node()->type.dtype = compute_dtype();
  return cast_view;
}

void BuiltinLayer::build_sublayer(const Layer& layer, const std::vector<Shape>& input_shapes) {
  const auto* builtin = layer.get_if<BuiltinLayer>();
  std::optional<ScopeSuspension> alone;
  if (builtin && builtin->builds_alone_) alone.emplace();
  const CallArguments none;
  LayerScope scope(*layer.impl(), layer.name(), none);
  ensure_built(layer.impl(), input_shapes);
}

Tensor BuiltinLayer::forward(const Tensor& x) { return x; }

Tensors BuiltinLayer::forward_all(const Tensors& xs) {
  if (xs.size() != 1) fail("one tensor", absl::StrCat(xs.size()));
  return {forward(xs[0])};
}

const CallArguments& BuiltinLayer::arguments() const {
  static const auto* none = new CallArguments();
  const LayerScope* scope = LayerScope::current();
  return scope && &scope->layer() == this ? scope->arguments() : *none;
}

Tensor BuiltinLayer::mask(std::size_t i) const {
  const Tensors& masks = arguments().masks;
  return i < masks.size() ? masks[i] : Tensor();
}

Tensor BuiltinLayer::keyword(std::string_view name) const {
  for (const auto& [given, tensor] : arguments().keywords) {
    if (given == name) return tensor;
  }
  return {};
}

bool BuiltinLayer::option(std::string_view name) const {
  const ir::Attr* value = arguments().options.find(name);
  return value && std::get<bool>(*value);
}

const Tensors& BuiltinLayer::initial_state() const { return arguments().states; }

void BuiltinLayer::fail(std::string_view expected, std::string_view received, std::string_view hint) const {
  throw Error({.where = name(),
               .expected = std::string(expected),
               .received = std::string(received),
               .hint = std::string(hint)});
}

void BuiltinLayer::expect_rank(const Shape& shape, int rank) const {
  if (shape.rank() == rank) return;
  fail(absl::StrCat("an input of rank ", rank), absl::StrCat("rank ", shape.rank(), ", ", shape.to_string()),
       "The batch is the first axis.");
}

void BuiltinLayer::expect_min_rank(const Shape& shape, int rank) const {
  if (shape.rank() >= rank) return;
  fail(absl::StrCat("an input of rank ", rank, " or more"),
       absl::StrCat("rank ", shape.rank(), ", ", shape.to_string()), "The batch is the first axis.");
}

std::int64_t BuiltinLayer::known_dim(const Shape& shape, int axis) const {
  std::int64_t dim = shape[axis];
  if (dim == kAny) {
    fail(absl::StrCat("the size of axis ", axis, " of the input to be known"), shape.to_string(),
         "The weights have that size; give it to Input.");
  }
  return dim;
}

void BuiltinLayer::expect_positive(std::string_view option, std::int64_t value) const {
  if (value < 1) fail(absl::StrCat(std::string(option), " of at least 1"), absl::StrCat(value));
}

std::string list_text(const std::vector<std::int64_t>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ","), "]");
}

void BuiltinLayer::expect_count(std::string_view option, const std::vector<std::int64_t>& values, int count) const {
  if (static_cast<int>(values.size()) == count) return;
  fail(absl::StrCat(std::string(option), " of ", count, " numbers"), list_text(values));
}

void BuiltinLayer::expect_sizes(std::string_view option, const std::vector<std::int64_t>& values, int count) const {
  expect_count(option, values, count);
  for (std::int64_t value : values) expect_positive(option, value);
}

void BuiltinLayer::expect_choice(std::string_view option, std::string_view value,
                                 std::initializer_list<std::string_view> allowed) const {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  std::string list;
  for (std::string_view choice : allowed) absl::StrAppend(&list, list.empty() ? "" : ", ", std::string(choice));
  fail(absl::StrCat(std::string(option), " to be one of ", list), absl::StrCat("\"", std::string(value), "\""));
}

InputLayer::InputLayer(ir::TensorType type, std::string_view name, bool optional)
    : BuiltinLayer({"InputLayer", std::string(name)}), type_(std::move(type)), optional_(optional) {
  state_of(*this).built = true;
}

void InputLayer::fields(FieldVisitor& visitor) {
  Shape batch_shape = shape_of(type_);
  visitor.field("batch_shape", batch_shape);
  visitor.field("optional", optional_);
}

Layer make_input_layer(const ir::TensorType& type, std::string_view name) {
  return Layer::of(std::make_shared<InputLayer>(type, name, false));
}

}  // namespace internal

Tensor Input(const Shape& shape, InputOptions options) {
  using namespace internal;
  std::string name = options.name.empty() ? unique_name("input_layer") : options.name;
  ir::TensorType type{options.dtype, {options.batch_size ? ir::Dim(*options.batch_size) : ir::Dim::symbol("N")}};
  for (std::int64_t dim : shape) {
    // Every open dim has a symbol of its own.
    type.dims.push_back(dim == kAny ? ir::Dim::symbol(absl::StrCat(name, "_", type.dims.size())) : ir::Dim(dim));
  }
  auto layer = std::make_shared<InputLayer>(type, name, options.optional);
  auto call = std::make_shared<Call>();
  call->layer = layer;
  call->result_types = {std::move(type)};
  Tensor placeholder = results_of(call, ValueKind::kSymbolic)[0];
  placeholder.node()->name = name;
  state_of(*layer).calls.push_back(call);
  return placeholder;
}

}  // namespace mica
