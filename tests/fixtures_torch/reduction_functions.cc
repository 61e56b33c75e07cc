// torch.* functions that fold axes.
#include <cmath>

#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

const std::vector<std::string> kReduceParameters = {"input", "dim", "keepdim"};

Function fold(const char* op) {
  return {kReduceParameters,
          [op](Call& c) -> Values { return {c.b.reduce(op, c.tensor("input"), c.ints("dim"), c.flag("keepdim"))}; }};
}

Value position_of(Call& c, const char* op, Value x) {
  Attrs attrs = {{"axis", c.integer("dim", 0)}, {"keepdims", true}, {"dtype", kInt64}};
  return c.b.call(op, {x}, attrs);
}

Value without_axis(Call& c, Value x) {
  return c.flag("keepdim") ? x : c.b.squeeze(x, static_cast<int>(c.integer("dim", 0)));
}

// max and min: of everything the value, shared evenly; along a dim the value and the index of the first.
Function extremum(const char* op, const char* position) {
  return {kReduceParameters, [op, position](Call& c) -> Values {
            Value x = c.tensor("input");
            if (!c.has("dim")) return {c.b.reduce(op, x)};
            Value index = position_of(c, position, x);
            Value value = gather_elements(c.b, x, index, static_cast<int>(c.integer("dim", 0)));
            return {without_axis(c, value), without_axis(c, index)};
          }};
}

Function argument(const char* op) {
  return {kReduceParameters, [op](Call& c) -> Values {
            Value x = c.tensor("input");
            if (!c.has("dim")) x = c.b.reshape(x, {x.type().numel()});
            return {without_axis(c, position_of(c, op, x))};
          }};
}

Function spread(const char* op) {
  return {kReduceParameters, [op](Call& c) -> Values {
            double correction = c.has("unbiased") ? (c.flag("unbiased") ? 1 : 0) : c.number("correction", 1);
            Attrs attrs = {{"axes", c.ints("dim")}, {"keepdims", c.flag("keepdim")}, {"correction", correction}};
            return {c.b.call(op, {c.tensor("input")}, attrs)};
          }};
}

Value running(Call& c, const char* op, Value x) { return c.b.call(op, {x}, {{"axis", c.integer("dim", 0)}}); }

Value vector_norm(Call& c, Value x, double order, const Ints& axes, bool keepdims) {
  Value size = c.b.abs(x);
  if (std::isinf(order)) return c.b.reduce(order > 0 ? "reduce_max" : "reduce_min", size, axes, keepdims);
  if (order == 0) return c.b.sum(c.b.cast(c.b.ne(x, c.b.like(0, x)), x.dtype()), axes, keepdims);
  if (order == 1) return c.b.sum(size, axes, keepdims);
  if (order == 2) {  // the subgradient at 0 is 0
    Value squares = c.b.sum(x * x, axes, keepdims), zero = c.b.like(0, x), at_zero = c.b.eq(squares, zero);
    return c.b.where(at_zero, zero, c.b.sqrt(c.b.where(at_zero, c.b.like(1, x), squares)));
  }
  return c.b.pow(c.b.sum(c.b.pow(size, c.b.like(order, x)), axes, keepdims), c.b.like(1 / order, x));
}

}  // namespace

void add_reduction_functions(Table& t) {
  t["torch.sum"] = fold("reduce_sum");
  t["torch.mean"] = fold("reduce_mean");
  t["torch.prod"] = fold("reduce_prod");
  t["torch.amax"] = fold("reduce_max");
  t["torch.amin"] = fold("reduce_min");
  t["torch.any"] = fold("reduce_any");
  t["torch.all"] = fold("reduce_all");
  t["torch.logsumexp"] = fold("logsumexp");
  t["torch.max"] = extremum("reduce_max", "argmax");
  t["torch.min"] = extremum("reduce_min", "argmin");
  t["torch.argmax"] = argument("argmax");
  t["torch.argmin"] = argument("argmin");
  t["torch.var"] = spread("reduce_variance");
  t["torch.std"] = spread("reduce_std");
  t["torch.var_mean"] = {kReduceParameters, [](Call& c) -> Values {
                           Values variance = spread("reduce_variance").build(c);
                           return {variance[0], c.b.mean(c.tensor("input"), c.ints("dim"), c.flag("keepdim"))};
                         }};
  t["torch.nansum"] = {kReduceParameters, [](Call& c) -> Values {
                         Value x = c.tensor("input");
                         Value numbers = c.b.where(c.b.unary("isnan", x), c.b.like(0, x), x);
                         return {c.b.sum(numbers, c.ints("dim"), c.flag("keepdim"))};
                       }};
  t["torch.count_nonzero"] = {{"input", "dim"}, [](Call& c) -> Values {
                                Value x = c.tensor("input");
                                return {c.b.sum(c.b.cast(c.b.ne(x, c.b.like(0, x)), kInt64), c.ints("dim"))};
                              }};
  t["torch.cumsum"] = {{"input", "dim"}, [](Call& c) -> Values { return {running(c, "cumsum", c.tensor("input"))}; }};
  t["torch.cumprod"] = {{"input", "dim"}, [](Call& c) -> Values { return {running(c, "cumprod", c.tensor("input"))}; }};
  t["torch.logcumsumexp"] = {{"input", "dim"}, [](Call& c) -> Values {
                               Value x = c.tensor("input");
                               Value largest = c.b.unary("stop_gradient", c.b.reduce_max(x, c.ints("dim"), true));
                               return {c.b.log(running(c, "cumsum", c.b.exp(x - largest))) + largest};
                             }};
  t["torch.linalg.vector_norm"] = {
      {"x", "ord", "dim", "keepdim"}, [](Call& c) -> Values {
        return {vector_norm(c, c.tensor("x"), c.number("ord", 2), c.ints("dim"), c.flag("keepdim"))};
      }};
  t["torch.linalg.matrix_norm"] = {
      {"x"}, [](Call& c) -> Values { return {vector_norm(c, c.tensor("x"), 2, {-2, -1}, false)}; }};
  t["torch.trace"] = {{"input"}, [](Call& c) -> Values {
                        Value x = c.tensor("input");
                        Value on = c.b.eq(positions(c.b, x.dims(), 0, kInt64), positions(c.b, x.dims(), 1, kInt64));
                        return {c.b.sum(c.b.where(on, x, c.b.like(0, x)))};
                      }};
  t["F.normalize"] = {{"input", "p", "dim", "eps"}, [](Call& c) -> Values {
                        Value x = c.tensor("input");
                        Value norm = vector_norm(c, x, c.number("p", 2), {c.integer("dim", 1)}, true);
                        Attrs bounds = {{"low", c.number("eps", 1e-12)}, {"high", HUGE_VAL}};
                        return {x / c.b.call("clip", {norm}, bounds)};
                      }};
  t["F.pairwise_distance"] = {{"x1", "x2", "p", "eps", "keepdim"}, [](Call& c) -> Values {
                                Value apart = c.tensor("x1") - c.tensor("x2") + c.number("eps", 1e-6);
                                return {vector_norm(c, apart, c.number("p", 2), {-1}, c.flag("keepdim"))};
                              }};
  t["F.cosine_similarity"] = {{"x1", "x2", "dim", "eps"}, [](Call& c) -> Values {
                                Value x = c.tensor("x1"), y = c.tensor("x2");
                                Ints dim = {c.integer("dim", 1)};
                                Attrs bounds = {{"low", c.number("eps", 1e-8)}, {"high", HUGE_VAL}};
                                auto norm = [&](Value v) {
                                  return c.b.call("clip", {vector_norm(c, v, 2, dim, true)}, bounds);
                                };
                                return {c.b.sum(x / norm(x) * (y / norm(y)), dim)};
                              }};
  t["torch.cdist"] = {{"x1", "x2", "p"}, [](Call& c) -> Values {
                        Value apart = c.b.expand_dims(c.tensor("x1"), -2) - c.b.expand_dims(c.tensor("x2"), -3);
                        return {vector_norm(c, apart, c.number("p", 2), {-1}, false)};
                      }};
}

}  // namespace mica::torch_fixtures
