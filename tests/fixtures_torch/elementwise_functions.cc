// torch.* functions of numbers, one element at a time.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);

void add_unary(Table& t) {
  const std::pair<const char*, Unary> functions[] = {
      {"abs", abs},
      {"neg", neg},
      {"sign", sign},
      {"floor", floor},
      {"ceil", ceil},
      {"round", round},
      {"trunc", trunc},
      {"sqrt", sqrt},
      {"rsqrt", rsqrt},
      {"exp", exp},
      {"expm1", expm1},
      {"exp2", exp2},
      {"log", log},
      {"log1p", log1p},
      {"log2", log2},
      {"log10", log10},
      {"sin", sin},
      {"cos", cos},
      {"tan", tan},
      {"asin", asin},
      {"acos", acos},
      {"atan", atan},
      {"sinh", sinh},
      {"cosh", cosh},
      {"tanh", tanh},
      {"asinh", asinh},
      {"acosh", acosh},
      {"atanh", atanh},
      {"erf", erf},
      {"erfc", erfc},
      {"erfinv", erfinv},
      {"lgamma", lgamma},
      {"digamma", digamma},
      {"square", square},
      {"reciprocal", reciprocal},
      {"sigmoid", sigmoid},
      {"isnan", isnan},
      {"isinf", isinf},
      {"logical_not", logical_not},
      {"frac", frac},
      {"sinc", sinc},
  };
  for (const auto& [name, function] : functions) {
    t[std::string("torch.") + name] = {{"input"},
                                       [f = function](Call& c) -> Tensors { return {f(c.tensor("input"))}; }};
  }
  t["torch.logit"] = {{"input", "eps"},
                      [](Call& c) -> Tensors { return {logit(c.tensor("input"), c.maybe_number("eps"))}; }};
  t["torch.nan_to_num"] = {{"input", "nan", "posinf", "neginf"}, [](Call& c) -> Tensors {
                             return {nan_to_num(c.tensor("input"), {.nan = c.number("nan", 0),
                                                                    .posinf = c.maybe_number("posinf"),
                                                                    .neginf = c.maybe_number("neginf")})};
                           }};
  t["torch.clamp"] = {{"input", "min", "max"}, [](Call& c) -> Tensors {
                        Tensor x = c.tensor("input");
                        if (c.is_tensor("min")) return {clamp(x, c.tensor("min"), c.tensor("max"))};
                        return {clamp(x, c.maybe_number("min"), c.maybe_number("max"))};
                      }};
}

void add_binary(Table& t) {
  const std::pair<const char*, Binary> functions[] = {
      {"mul", mul},
      {"maximum", maximum},
      {"minimum", minimum},
      {"fmod", fmod},
      {"hypot", hypot},
      {"logaddexp", logaddexp},
      {"remainder", remainder},
      {"atan2", atan2},
      {"eq", eq},
      {"ne", ne},
      {"lt", lt},
      {"le", le},
      {"gt", gt},
      {"ge", ge},
      {"logical_and", logical_and},
      {"logical_or", logical_or},
      {"logical_xor", logical_xor},
  };
  for (const auto& [name, function] : functions) {
    t[std::string("torch.") + name] = {
        {"input", "other"}, [f = function](Call& c) -> Tensors { return {f(c.tensor("input"), c.tensor("other"))}; }};
  }
  t["torch.add"] = {{"input", "other"}, [](Call& c) -> Tensors {
                      return {add(c.tensor("input"), c.tensor("other"), {.alpha = c.number("alpha", 1)})};
                    }};
  t["torch.sub"] = {{"input", "other"}, [](Call& c) -> Tensors {
                      return {sub(c.tensor("input"), c.tensor("other"), {.alpha = c.number("alpha", 1)})};
                    }};
  t["torch.div"] = {
      {"input", "other"}, [](Call& c) -> Tensors {
        return {div(c.tensor("input"), c.tensor("other"), {.rounding_mode = c.text("rounding_mode", "")})};
      }};
  t["torch.pow"] = {{"input", "exponent"}, [](Call& c) -> Tensors {
                      if (c.is_tensor("exponent")) return {pow(c.tensor("input"), c.tensor("exponent"))};
                      return {pow(c.tensor("input"), c.number("exponent", 1))};
                    }};
  t["torch.lerp"] = {{"input", "end", "weight"}, [](Call& c) -> Tensors {
                       if (c.is_tensor("weight")) {
                         return {lerp(c.tensor("input"), c.tensor("end"), c.tensor("weight"))};
                       }
                       return {lerp(c.tensor("input"), c.tensor("end"), c.number("weight", 0))};
                     }};
  t["torch.where"] = {{"condition", "input", "other"}, [](Call& c) -> Tensors {
                        return {where(c.tensor("condition"), c.tensor("input"), c.tensor("other"))};
                      }};
  t["torch.addcmul"] = {
      {"input", "tensor1", "tensor2"}, [](Call& c) -> Tensors {
        return {addcmul(c.tensor("input"), c.tensor("tensor1"), c.tensor("tensor2"), {.value = c.number("value", 1)})};
      }};
  t["torch.addcdiv"] = {
      {"input", "tensor1", "tensor2"}, [](Call& c) -> Tensors {
        return {addcdiv(c.tensor("input"), c.tensor("tensor1"), c.tensor("tensor2"), {.value = c.number("value", 1)})};
      }};
  t["Tensor.masked_fill"] = {{"input", "mask", "value"}, [](Call& c) -> Tensors {
                               return {c.tensor("input").masked_fill(c.tensor("mask"), c.number("value", 0))};
                             }};
}

}  // namespace

void add_elementwise_functions(Table& table) {
  add_unary(table);
  add_binary(table);
}

}  // namespace mica::torch_fixtures
