#include "frontend/layers/builtin.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/naming.h"
#include "frontend/layers/input.h"

namespace mica {
namespace internal {
namespace {

// Keras' form of an object: {"class_name": …, "config": {…}}; null for none.
Config::Value object_value(const Described& described) {
  if (described.class_name.empty()) return {};
  return Config{{"class_name", described.class_name}, {"config", described.config}};
}

class ConfigWriter final : public FieldVisitor {
 public:
  explicit ConfigWriter(Config& config) : config_(config) {}
  void field(std::string_view name, bool& value) override { config_.set(name, value); }
  void field(std::string_view name, std::int64_t& value) override { config_.set(name, value); }
  void field(std::string_view name, double& value) override { config_.set(name, value); }
  void field(std::string_view name, std::string& value) override { config_.set(name, value); }
  void field(std::string_view name, std::vector<std::int64_t>& value) override { config_.set(name, value); }
  void field(std::string_view name, std::optional<std::vector<std::int64_t>>& value) override {
    config_.set(name, value ? Config::Value(*value) : Config::Value());
  }
  void field(std::string_view name, SidePairs& value) override {
    std::vector<Config::Value> pairs;
    for (const auto& [before, after] : value) pairs.emplace_back(std::vector<std::int64_t>{before, after});
    config_.set(name, std::move(pairs));
  }
  void field(std::string_view name, Shape& value) override { config_.set(name, value); }
  void field(std::string_view name, std::optional<std::int64_t>& value) override {
    config_.set(name, value ? Config::Value(*value) : Config::Value());
  }
  void field(std::string_view name, std::optional<double>& value) override {
    config_.set(name, value ? Config::Value(*value) : Config::Value());
  }
  void field(std::string_view name, ActivationFn& value) override {
    if (value.layer()) {
      config_.set(name, object_value({value.layer()->class_name(), value.layer()->config()}));
    } else {
      config_.set(name, value.name());
    }
  }
  void field(std::string_view name, Initializer& value) override { config_.set(name, object_value(value.described())); }
  void field(std::string_view name, Regularizer& value) override { config_.set(name, object_value(value.described())); }
  void field(std::string_view name, Constraint& value) override { config_.set(name, object_value(value.described())); }

 private:
  Config& config_;
};

}  // namespace

BuiltinLayer::BuiltinLayer(Common common) : class_name_(common.class_name), dtype_(common.dtype) {
  LayerState& own = state_of(*this);
  own.name = std::move(common.name);
  own.trainable = common.trainable;
  own.declares_sublayers = false;
  ensure_named(*this);
}

Config BuiltinLayer::config() const {
  Config config{{"name", name()}, {"trainable", state_of(*this).trainable}, {"dtype", weight_dtype().name()}};
  ConfigWriter writer(config);
  const_cast<BuiltinLayer*>(this)->fields(writer);  // a writer changes nothing
  return config;
}

void BuiltinLayer::fields(FieldVisitor&) {}

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
