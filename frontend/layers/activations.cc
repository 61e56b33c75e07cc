// ActivationFn: Keras' activation functions by name, and what may stand in their place.
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/region.h"
#include "frontend/layers/name_registry.h"
#include "frontend/layers/objects.h"

namespace mica {
namespace {

using internal::apply;
using Fn = std::function<Tensor(const Tensor&)>;

Fn operation(const char* op) {
  return [op](const Tensor& x) { return apply(op, {internal::to_floating(x)}); };
}
Fn operation(const char* op, ir::Attrs attrs) {
  return [op, attrs](const Tensor& x) { return apply(op, {internal::to_floating(x)}, attrs); };
}

Tensor softmax(const Tensor& x) { return x.softmax(-1); }
Tensor log_softmax(const Tensor& x) { return x.log_softmax(-1); }

// The first half of the last axis, gated by the second.
Tensor glu(const Tensor& x) {
  if (x.size(-1) % 2 != 0) {
    throw Error({.where = "glu",
                 .expected = "a last axis of an even size",
                 .received = internal::describe(x),
                 .hint = "One half gates the other."});
  }
  auto [value, gate] = internal::to_floating(x).chunk<2>(-1);
  return value * gate.sigmoid();
}

// max(x - t, 0) with the threshold t of Keras: of the elements in falling order that belong to the support, the running
// sums' sum less 1, over their count.
Tensor sparsemax(const Tensor& x) {
  Tensor values = internal::to_floating(x);
  Tensor falling = apply("sort", {values}, {{"descending", true}}), sums = apply("cumsum", {falling});
  ir::Dims row{internal::dims_of(values).back()};
  Tensor rank = apply("iota", {}, {{"shape", row}, {"axis", std::int64_t{0}}, {"dtype", kInt32}}) + 1;
  Tensor support = (falling - (sums - 1) / rank.to(values.dtype()) > 0).to(values.dtype());
  Tensor threshold = ((support * sums).sum(-1, {.keepdim = true}) - 1) / support.sum(-1, {.keepdim = true});
  return (values - threshold).relu();
}

// Keras' names; "linear" has no function.
const std::map<std::string, Fn, std::less<>>& functions() {
  static const auto* all = new std::map<std::string, Fn, std::less<>>{
      {"linear", nullptr},
      {"relu", operation("relu")},
      {"relu6", operation("relu6")},
      {"leaky_relu", operation("leaky_relu", {{"negative_slope", 0.2}})},
      {"elu", operation("elu")},
      {"selu", operation("selu")},
      {"celu", operation("celu")},
      {"gelu", operation("gelu")},
      {"silu", operation("silu")},
      {"swish", operation("silu")},
      {"mish", operation("mish")},
      {"sigmoid", operation("sigmoid")},
      {"log_sigmoid", operation("log_sigmoid")},
      {"tanh", operation("tanh")},
      {"softplus", operation("softplus")},
      {"softsign", operation("softsign")},
      {"exponential", operation("exp")},
      {"hard_sigmoid", operation("hard_sigmoid")},
      {"hard_silu", operation("hard_silu")},
      {"hard_swish", operation("hard_silu")},
      {"hard_tanh", operation("hard_tanh")},
      {"hard_shrink", operation("hard_shrink")},
      {"soft_shrink", operation("soft_shrink")},
      {"tanh_shrink", operation("tanh_shrink")},
      {"squareplus", operation("squareplus")},
      {"sparse_plus", operation("sparse_plus")},
      {"sparse_sigmoid", operation("sparse_sigmoid")},
      {"glu", glu},
      {"sparsemax", sparsemax},
      {"softmax", softmax},
      {"log_softmax", log_softmax},
  };
  return *all;
}

}  // namespace

namespace internal {
namespace {

NameRegistry<Fn>& registered_functions() {
  static auto* all = new NameRegistry<Fn>();
  return *all;
}

}  // namespace

void register_activation(std::string_view name, Fn function) { registered_functions().set(name, std::move(function)); }

Fn registered_activation(std::string_view name) { return registered_functions().find(name); }

Config::Value activation_value(const ActivationFn& activation) {
  if (functions().count(activation.name())) return activation.name();
  return function_value(activation.name().empty() ? Config::Value() : Config::Value(activation.name()));
}

Config::Value function_value(const Config::Value& name) {
  return Config{{"module", "builtins"}, {"class_name", "function"}, {"config", name}, {"registered_name", "function"}};
}

std::optional<std::string> function_name(const Config::Value& value) {
  if (value.kind() != Config::Value::Kind::kObject) return std::nullopt;
  const Config& object = value.object();
  auto text = [&](const char* key) {
    bool is_text = object.contains(key) && object.at(key).kind() == Config::Value::Kind::kText;
    return is_text ? object.at(key).text() : std::string();
  };
  if (text("class_name") != "function") return std::nullopt;
  return text("config");
}

}  // namespace internal

ActivationFn::ActivationFn() = default;
ActivationFn::ActivationFn(const char* name) : ActivationFn(std::string(name)) {}
ActivationFn::ActivationFn(const std::string& name) : name_(name) {
  auto it = functions().find(name);
  if (it != functions().end()) {
    fn_ = it->second;
    return;
  }
  if ((fn_ = internal::registered_activation(name))) return;
  std::vector<std::string> names;
  for (const auto& [known, fn] : functions()) names.push_back(known);
  throw Error({.where = "activation",
               .expected = absl::StrCat("one of ", internal::join(names)),
               .received = absl::StrCat("\"", name, "\""),
               .hint = "One's own functions are known by their names after register_function()."});
}
ActivationFn::ActivationFn(const Layer& layer)
    : name_(layer.name()),
      fn_([impl = layer.impl()](const Tensor& x) { return internal::run_inline(impl, {.tensors = {x}})[0]; }),
      layer_(layer.impl()) {}

Tensor ActivationFn::operator()(const Tensor& x) const {
  if (!fn_) return x;
  internal::RegionScope region(internal::activation_is_region() ? std::make_shared<const internal::Region>() : nullptr);
  return fn_(x);
}

}  // namespace mica
