// Activations of torch.nn.functional.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

using Unary = Tensor (*)(const Tensor&);
using Number = Tensor (*)(const Tensor&, double);
using Dim = Tensor (*)(const Tensor&, int);

Function with_number(const char* name, double fallback, Number function) {
  return {{"input", name}, [=](Call& c) -> Tensors { return {function(c.tensor("input"), c.number(name, fallback))}; }};
}
Function along_dim(Dim function) {
  return {{"input", "dim"}, [=](Call& c) -> Tensors { return {function(c.tensor("input"), c.dim())}; }};
}

}  // namespace

void add_activation_functions(Table& t) {
  const std::pair<const char*, Unary> plain[] = {
      {"relu", F::relu},
      {"relu6", F::relu6},
      {"sigmoid", F::sigmoid},
      {"tanh", F::tanh},
      {"silu", F::silu},
      {"mish", F::mish},
      {"selu", F::selu},
      {"hardswish", F::hardswish},
      {"hardsigmoid", F::hardsigmoid},
      {"logsigmoid", F::logsigmoid},
      {"softsign", F::softsign},
      {"tanhshrink", F::tanhshrink},
  };
  for (const auto& [name, function] : plain) {
    t[std::string("F.") + name] = {{"input"}, [f = function](Call& c) -> Tensors { return {f(c.tensor("input"))}; }};
  }
  t["F.leaky_relu"] = with_number("negative_slope", 0.01, F::leaky_relu);
  t["F.elu"] = with_number("alpha", 1, F::elu);
  t["F.celu"] = with_number("alpha", 1, F::celu);
  t["F.hardshrink"] = with_number("lambd", 0.5, F::hardshrink);
  t["F.softshrink"] = with_number("lambd", 0.5, F::softshrink);
  t["F.softmax"] = along_dim(F::softmax);
  t["F.log_softmax"] = along_dim(F::log_softmax);
  t["F.softmin"] = along_dim(F::softmin);
  t["F.glu"] = along_dim(F::glu);
  t["F.gelu"] = {{"input", "approximate"}, [](Call& c) -> Tensors {
                   return {F::gelu(c.tensor("input"), {.approximate = c.text("approximate", "none")})};
                 }};
  t["F.hardtanh"] = {{"input", "min_val", "max_val"}, [](Call& c) -> Tensors {
                       return {F::hardtanh(c.tensor("input"), c.number("min_val", -1), c.number("max_val", 1))};
                     }};
  t["F.threshold"] = {{"input", "threshold", "value"}, [](Call& c) -> Tensors {
                        return {F::threshold(c.tensor("input"), c.number("threshold", 0), c.number("value", 0))};
                      }};
  t["F.softplus"] = {
      {"input", "beta", "threshold"}, [](Call& c) -> Tensors {
        return {F::softplus(c.tensor("input"), {.beta = c.number("beta", 1), .threshold = c.number("threshold", 20)})};
      }};
  t["F.prelu"] = {{"input", "weight"},
                  [](Call& c) -> Tensors { return {F::prelu(c.tensor("input"), c.tensor("weight"))}; }};
  t["F.rrelu"] = {{"input", "lower", "upper", "training"}, [](Call& c) -> Tensors {
                    return {F::rrelu(c.tensor("input"), {.lower = c.number("lower", 1.0 / 8),
                                                         .upper = c.number("upper", 1.0 / 3),
                                                         .training = c.flag("training")})};
                  }};
}

}  // namespace mica::torch_fixtures
