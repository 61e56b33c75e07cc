// ActivationFn: Keras' activation functions by name, and what may stand in their place.
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"

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
      {"softmax", softmax},
      {"log_softmax", log_softmax},
  };
  return *all;
}

}  // namespace

ActivationFn::ActivationFn() = default;
ActivationFn::ActivationFn(const char* name) : ActivationFn(std::string(name)) {}
ActivationFn::ActivationFn(const std::string& name) : name_(name) {
  auto it = functions().find(name);
  if (it != functions().end()) {
    fn_ = it->second;
    return;
  }
  std::vector<std::string> names;
  for (const auto& [known, fn] : functions()) names.push_back(known);
  throw Error({.where = "activation",
               .expected = absl::StrCat("one of ", internal::join(names)),
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}
ActivationFn::ActivationFn(const Layer& layer)
    : name_(layer.name()),
      fn_([impl = layer.impl()](const Tensor& x) { return internal::run_inline(impl, {.tensors = {x}})[0]; }),
      layer_(layer.impl()) {}

Tensor ActivationFn::operator()(const Tensor& x) const { return fn_ ? fn_(x) : x; }

}  // namespace mica
