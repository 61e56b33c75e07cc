// torch.* functions of numbers, one element at a time.
#include <cmath>
#include <limits>
#include <numbers>

#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

void add_unary(Table& t) {
  const std::pair<const char*, const char*> names[] = {
      {"torch.abs", "abs"},
      {"torch.neg", "negative"},
      {"torch.sign", "sign"},
      {"torch.floor", "floor"},
      {"torch.ceil", "ceil"},
      {"torch.round", "round"},
      {"torch.trunc", "trunc"},
      {"torch.sqrt", "sqrt"},
      {"torch.rsqrt", "rsqrt"},
      {"torch.exp", "exp"},
      {"torch.expm1", "expm1"},
      {"torch.exp2", "exp2"},
      {"torch.log", "log"},
      {"torch.log1p", "log1p"},
      {"torch.log2", "log2"},
      {"torch.log10", "log10"},
      {"torch.sin", "sin"},
      {"torch.cos", "cos"},
      {"torch.tan", "tan"},
      {"torch.asin", "arcsin"},
      {"torch.acos", "arccos"},
      {"torch.atan", "arctan"},
      {"torch.sinh", "sinh"},
      {"torch.cosh", "cosh"},
      {"torch.tanh", "tanh"},
      {"torch.asinh", "arcsinh"},
      {"torch.acosh", "arccosh"},
      {"torch.atanh", "arctanh"},
      {"torch.erf", "erf"},
      {"torch.erfc", "erfc"},
      {"torch.erfinv", "erfinv"},
      {"torch.lgamma", "lgamma"},
      {"torch.digamma", "digamma"},
      {"torch.square", "square"},
      {"torch.reciprocal", "reciprocal"},
      {"torch.sigmoid", "sigmoid"},
      {"torch.isnan", "isnan"},
      {"torch.isinf", "isinf"},
      {"torch.logical_not", "logical_not"},
  };
  for (const auto& [torch, op] : names) {
    t[torch] = {{"input"}, [op = op](Call& c) -> Values { return {c.b.unary(op, c.tensor("input"))}; }};
  }
  t["torch.frac"] = {{"input"}, [](Call& c) -> Values {
                       Value x = c.tensor("input");
                       return {x - c.b.unary("trunc", x)};
                     }};
  t["torch.logit"] = {{"input", "eps"}, [](Call& c) -> Values {
                        Value x = c.tensor("input");
                        return {c.b.log(x / (1.0 - x))};
                      }};
  t["torch.sinc"] = {{"input"}, [](Call& c) -> Values {
                       Value x = c.tensor("input"), zero = c.b.like(0, x), at_zero = c.b.eq(x, zero);
                       Value angle = c.b.where(at_zero, c.b.like(1, x), x) * std::numbers::pi;
                       return {c.b.where(at_zero, c.b.like(1, x), c.b.unary("sin", angle) / angle)};
                     }};
  t["torch.nan_to_num"] = {
      {"input", "nan", "posinf", "neginf"}, [](Call& c) -> Values {
        Value x = c.tensor("input");
        const double infinity = std::numeric_limits<double>::infinity();
        Value y = c.b.where(c.b.unary("isnan", x), c.b.like(c.number("nan", 0), x), x);
        y = c.b.where(c.b.eq(y, c.b.like(infinity, x)), c.b.like(c.number("posinf", 1.7976931348623157e308), x), y);
        return {
            c.b.where(c.b.eq(y, c.b.like(-infinity, x)), c.b.like(c.number("neginf", -1.7976931348623157e308), x), y)};
      }};
  t["torch.clamp"] = {{"input", "min", "max"}, [](Call& c) -> Values {
                        const double infinity = std::numeric_limits<double>::infinity();
                        return {c.b.call("clip", {c.tensor("input")},
                                         {{"low", c.number("min", -infinity)}, {"high", c.number("max", infinity)}})};
                      }};
}

void add_binary(Table& t) {
  const std::pair<const char*, const char*> names[] = {
      {"torch.mul", "multiply"},          {"torch.maximum", "maximum"},
      {"torch.minimum", "minimum"},       {"torch.fmod", "fmod"},
      {"torch.logaddexp", "logaddexp"},   {"torch.remainder", "mod"},
      {"torch.atan2", "arctan2"},         {"torch.eq", "equal"},
      {"torch.ne", "not_equal"},          {"torch.lt", "less"},
      {"torch.le", "less_equal"},         {"torch.gt", "greater"},
      {"torch.ge", "greater_equal"},      {"torch.logical_and", "logical_and"},
      {"torch.logical_or", "logical_or"}, {"torch.logical_xor", "logical_xor"},
  };
  for (const auto& [torch, op] : names) {
    t[torch] = {{"input", "other"}, [op = op](Call& c) -> Values {
                  Value x = c.tensor("input");
                  return {c.b.call(op, {x, c.operand("other", x)})};
                }};
  }
  t["torch.add"] = {{"input", "other"},
                    [](Call& c) -> Values { return {c.tensor("input") + c.tensor("other") * c.number("alpha", 1)}; }};
  t["torch.sub"] = {{"input", "other"},
                    [](Call& c) -> Values { return {c.tensor("input") - c.tensor("other") * c.number("alpha", 1)}; }};
  t["torch.div"] = {{"input", "other"}, [](Call& c) -> Values {
                      Value x = c.tensor("input"), y = c.tensor("other");
                      std::string rounding = c.text("rounding_mode", "");
                      if (rounding == "floor") return {c.b.call("floor_divide", {x, y})};
                      return {rounding == "trunc" ? c.b.unary("trunc", x / y) : x / y};
                    }};
  t["torch.pow"] = {{"input", "exponent"}, [](Call& c) -> Values {
                      Value x = c.tensor("input");
                      return {c.b.pow(x, c.operand("exponent", x))};
                    }};
  t["torch.hypot"] = {{"input", "other"}, [](Call& c) -> Values {
                        Value x = c.tensor("input"), y = c.tensor("other");
                        return {c.b.sqrt(x * x + y * y)};
                      }};
  t["torch.lerp"] = {{"input", "end", "weight"}, [](Call& c) -> Values {
                       Value x = c.tensor("input");
                       return {x + c.operand("weight", x) * (c.tensor("end") - x)};
                     }};
  t["torch.where"] = {{"condition", "input", "other"}, [](Call& c) -> Values {
                        return {c.b.where(c.tensor("condition"), c.tensor("input"), c.tensor("other"))};
                      }};
  t["torch.addcmul"] = {{"input", "tensor1", "tensor2"}, [](Call& c) -> Values {
                          return {c.tensor("input") + c.tensor("tensor1") * c.tensor("tensor2") * c.number("value", 1)};
                        }};
  t["torch.addcdiv"] = {{"input", "tensor1", "tensor2"}, [](Call& c) -> Values {
                          return {c.tensor("input") + c.tensor("tensor1") / c.tensor("tensor2") * c.number("value", 1)};
                        }};
  t["Tensor.masked_fill"] = {{"input", "mask", "value"}, [](Call& c) -> Values {
                               Value x = c.tensor("input");
                               return {c.b.where(c.tensor("mask"), c.b.like(c.number("value", 0), x), x)};
                             }};
  t["custom.stop_gradient_product"] = {{"x", "y"}, [](Call& c) -> Values {
                                         Value x = c.tensor("x"), y = c.tensor("y");
                                         return {c.b.unary("stop_gradient", x) * y + x * c.b.unary("stop_gradient", y)};
                                       }};
  t["custom.straight_through_round"] = {{"x"}, [](Call& c) -> Values {
                                          Value x = c.tensor("x");
                                          return {x + c.b.unary("stop_gradient", c.b.unary("round", x) - x)};
                                        }};
}

}  // namespace

void add_elementwise_functions(Table& table) {
  add_unary(table);
  add_binary(table);
}

}  // namespace mica::torch_fixtures
