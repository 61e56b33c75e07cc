// The short compositions at the top of the fixtures' generate.py.
#include "frontend/graph/apply.h"
#include "frontend/graph/indexing.h"
#include "tests/fixtures_torch/functional_case.h"
#include "tests/fixtures_torch/gradients.h"

namespace mica::torch_fixtures {
namespace {

Tensor detached(const Tensor& x) { return internal::apply("stop_gradient", {x}); }

// "1:4:2", "...", "None" or a number.
Index index_of(const Argument& entry) {
  if (!entry.text) return entry.integer();
  if (*entry.text == "...") return kEllipsis;
  if (*entry.text == "None") return kNewAxis;
  std::optional<std::int64_t> parts[3];
  std::string rest = *entry.text + ":";
  for (int i = 0; i < 3 && !rest.empty(); ++i) {
    std::string part = rest.substr(0, rest.find(':'));
    if (!part.empty()) parts[i] = std::stoll(part);
    rest = rest.substr(rest.find(':') + 1);
  }
  return Slice(parts[0], parts[1], parts[2]);
}

Tensors indexed(Call& c) {
  std::vector<Index> key;
  for (const Argument& entry : c.argument("spec").items) key.push_back(index_of(entry));
  return {internal::indexed(c.tensor("x"), key)};
}

Tensors indexed_by_tensors(Call& c) {
  Tensor first = c.tensor("i0"), second = c.tensor("i1");
  if (!second.defined()) return {c.tensor("x")[first]};
  return {c.tensor("x")[{first, second}]};
}

Tensors focal_loss(Call& c) {
  Tensor loss = F::cross_entropy(c.tensor("x"), c.tensor("t"), {.reduction = "none"});
  return {(loss * (1 - (-loss).exp()).pow(c.number("gamma", 2))).mean()};
}

// A loss of a gradient: it needs the gradient of a gradient.
Tensors gradient_penalty(Call& c) {
  Tensor x = c.tensor("x");
  Tensor y = matmul(tanh(F::linear(x, c.tensor("w1"), c.tensor("b1"))), c.tensor("w2")).sum();
  Tensor slope = gradients_in_trace({y}, {ones_like(y)}, {x})[0];
  return {(slope.pow(2).sum(1).sqrt() - 1).pow(2).mean()};
}

Tensors multi_head_attention(Call& c) {
  F::MultiHeadAttentionResult result =
      F::multi_head_attention_forward(c.tensor("q"), c.tensor("k"), c.tensor("v"), c.integer("num_heads", 1),
                                      {.in_proj_weight = c.tensor("in_proj_weight"),
                                       .in_proj_bias = c.tensor("in_proj_bias"),
                                       .out_proj_weight = c.tensor("out_proj_weight"),
                                       .out_proj_bias = c.tensor("out_proj_bias"),
                                       .attn_mask = c.tensor("mask"),
                                       .average_attn_weights = c.flag("average", true)});
  return {result.output, result.weights};
}

}  // namespace

void add_custom_functions(Table& t) {
  t["custom.index"] = {{"x", "spec"}, indexed};
  t["custom.index_tensor"] = {{"x", "i0", "i1"}, indexed_by_tensors};
  t["custom.focal_loss"] = {{"x", "t", "gamma"}, focal_loss};
  t["custom.gradient_penalty"] = {{"x", "w1", "b1", "w2"}, gradient_penalty};
  t["custom.multi_head_attention"] = {
      {"q", "k", "v", "in_proj_weight", "in_proj_bias", "out_proj_weight", "out_proj_bias"}, multi_head_attention};
  t["custom.softmax_temperature"] = {{"x", "temperature", "dim"}, [](Call& c) -> Tensors {
                                       return {F::softmax(c.tensor("x") / c.number("temperature", 1), c.dim())};
                                     }};
  t["custom.stop_gradient_product"] = {{"x", "y"}, [](Call& c) -> Tensors {
                                         Tensor x = c.tensor("x"), y = c.tensor("y");
                                         return {detached(x) * y + x * detached(y)};
                                       }};
  t["custom.straight_through_round"] = {{"x"}, [](Call& c) -> Tensors {
                                          Tensor x = c.tensor("x");
                                          return {x + detached(round(x) - x)};
                                        }};
}

}  // namespace mica::torch_fixtures
