// Activations of torch.nn.functional.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

Function along_dim(const char* op, double sign = 1) {
  return {{"input", "dim"}, [op, sign](Call& c) -> Values {
            Value x = c.tensor("input");
            return {c.b.call(op, {sign < 0 ? -x : x}, {{"axis", c.integer("dim", -1)}})};
          }};
}

// One number as an option, under PyTorch's name and ours.
Function with_option(const char* op, const char* torch_name, const char* name, double fallback) {
  return {{"input", torch_name}, [=](Call& c) -> Values {
            return {c.b.call(op, {c.tensor("input")}, {{name, c.number(torch_name, fallback)}})};
          }};
}

}  // namespace

void add_activation_functions(Table& t) {
  const std::pair<const char*, const char*> plain[] = {
      {"F.relu", "relu"},
      {"F.relu6", "relu6"},
      {"F.sigmoid", "sigmoid"},
      {"F.tanh", "tanh"},
      {"F.silu", "silu"},
      {"F.mish", "mish"},
      {"F.selu", "selu"},
      {"F.hardswish", "hard_silu"},
      {"F.hardsigmoid", "hard_sigmoid"},
      {"F.logsigmoid", "log_sigmoid"},
      {"F.softsign", "softsign"},
      {"F.tanhshrink", "tanh_shrink"},
  };
  for (const auto& [torch, op] : plain) {
    t[torch] = {{"input"}, [op = op](Call& c) -> Values { return {c.b.unary(op, c.tensor("input"))}; }};
  }
  t["F.leaky_relu"] = with_option("leaky_relu", "negative_slope", "negative_slope", 0.01);
  t["F.elu"] = with_option("elu", "alpha", "alpha", 1);
  t["F.celu"] = with_option("celu", "alpha", "alpha", 1);
  t["F.hardshrink"] = with_option("hard_shrink", "lambd", "lambda", 0.5);
  t["F.softshrink"] = with_option("soft_shrink", "lambd", "lambda", 0.5);
  t["F.softmax"] = along_dim("softmax");
  t["F.log_softmax"] = along_dim("log_softmax");
  t["F.softmin"] = along_dim("softmax", -1);
  t["custom.softmax_temperature"] = {{"x", "temperature", "dim"}, [](Call& c) -> Values {
                                       Value x = c.tensor("x") / c.number("temperature", 1);
                                       return {c.b.call("softmax", {x}, {{"axis", c.integer("dim", -1)}})};
                                     }};
  t["F.gelu"] = {{"input", "approximate"}, [](Call& c) -> Values {
                   Attrs attrs = {{"approximate", c.text("approximate", "none") == "tanh"}};
                   return {c.b.call("gelu", {c.tensor("input")}, attrs)};
                 }};
  t["F.hardtanh"] = {{"input", "min_val", "max_val"}, [](Call& c) -> Values {
                       Attrs attrs = {{"low", c.number("min_val", -1)}, {"high", c.number("max_val", 1)}};
                       return {c.b.call("hard_tanh", {c.tensor("input")}, attrs)};
                     }};
  t["F.threshold"] = {{"input", "threshold", "value"}, [](Call& c) -> Values {
                        Attrs attrs = {{"threshold", c.number("threshold", 0)}, {"value", c.number("value", 0)}};
                        return {c.b.call("threshold", {c.tensor("input")}, attrs)};
                      }};
  t["F.softplus"] = {{"input", "beta", "threshold"}, [](Call& c) -> Values {
                       Value x = c.tensor("input"), scaled = x * c.number("beta", 1);
                       Value smooth = c.b.unary("softplus", scaled) / c.number("beta", 1);
                       return {c.b.where(c.b.gt(scaled, c.b.like(c.number("threshold", 20), x)), x, smooth)};
                     }};
  t["F.prelu"] = {{"input", "weight"}, [](Call& c) -> Values {
                    Value x = c.tensor("input"), slope = c.tensor("weight");
                    Dims dims(static_cast<std::size_t>(x.rank()), Dim(1));
                    dims[1] = slope.type().numel();
                    return {c.b.where(c.b.gt(x, c.b.like(0, x)), x, x * c.b.reshape(slope, dims))};
                  }};
  t["F.rrelu"] = {{"input", "lower", "upper", "training"}, [](Call& c) -> Values {
                    double slope = (c.number("lower", 1.0 / 8) + c.number("upper", 1.0 / 3)) / 2;
                    return {c.b.call("leaky_relu", {c.tensor("input")}, {{"negative_slope", slope}})};
                  }};
  t["F.glu"] = {{"input", "dim"}, [](Call& c) -> Values {
                  Value x = c.tensor("input");
                  int dim = axis(c, "dim", x, -1);
                  std::int64_t half = size_of(x, dim) / 2;
                  return {c.b.slice(x, dim, 0, half) * c.b.sigmoid(c.b.slice(x, dim, half, 2 * half))};
                }};
}

}  // namespace mica::torch_fixtures
