// Losses of classes: cross_entropy and nll_loss.
#include <iostream>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/mica/functional/loss.h"
#include "frontend/mica/functions.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// Weighted losses; "mean" divides by the weights of the counted targets.
Tensor weighted_reduction(const Tensor& loss, const Tensor& weights, const std::string& reduction) {
  return reduction == "mean" ? loss.sum() / weights.sum() : reduced(loss, reduction);
}

// What each target counts: the weight of its class, 0 for the ignored one, whose index is made a valid one.
struct Counted {
  Tensor ids, weights;
  Counted(const Tensor& target, const Tensor& class_weights, std::int64_t ignore_index, DType dtype) {
    Tensor ignored = target == ignore_index;
    ids = where(ignored, 0, target);
    Tensor each = class_weights.defined() ? apply("gather", {class_weights, ids}, {{"axis", std::int64_t{0}}})
                                          : ones_like(ids).to(dtype);
    weights = where(ignored, 0, each);
  }
};

void check_ids(const Tensor& target) {
  if (!target.dtype().is_integral()) fail_call("class ids of an integer type", internal::describe(target));
}

// Class values along `dim` of x.
Tensor along_classes(const Tensor& values, const Tensor& x, int dim) {
  ir::Dims dims(at(x.dim()), ir::Dim(1));
  dims[at(dim)] = dims_of(x)[at(dim)];
  return internal::reshape_dims(values, dims);
}

Tensor of_ids(const Tensor& x, const Tensor& target, int dim, const CrossEntropyOptions& o) {
  Counted counted(target, o.weight, o.ignore_index, x.dtype());
  ir::Attrs attrs = {{"axis", std::int64_t{dim}}};
  Tensor loss = apply("sparse_categorical_crossentropy", {x, counted.ids}, attrs) * counted.weights;
  if (o.label_smoothing == 0) return weighted_reduction(loss, counted.weights, o.reduction);
  // Each class has its own weight in the smoothed part; an ignored target has none.
  Tensor log_p = x.log_softmax(dim);
  if (o.weight.defined()) log_p = log_p * along_classes(o.weight, x, dim);
  Tensor smooth = where(target == o.ignore_index, 0, -log_p.sum(dim)) / static_cast<double>(known_size(x, dim));
  Tensor total = loss * (1 - o.label_smoothing) + smooth * o.label_smoothing;
  return weighted_reduction(total, counted.weights, o.reduction);
}

Tensor of_probabilities(const Tensor& x, const Tensor& target, int dim, const CrossEntropyOptions& o) {
  expect_same_shape(x, target);
  double classes = static_cast<double>(known_size(x, dim));
  Tensor wanted = internal::cast(target, x.dtype());
  if (o.label_smoothing != 0) wanted = wanted * (1 - o.label_smoothing) + o.label_smoothing / classes;
  if (o.weight.defined()) wanted = wanted * along_classes(o.weight, x, dim);
  Tensor loss = apply("categorical_crossentropy", {x, wanted}, {{"axis", std::int64_t{dim}}});
  return reduced(loss, o.reduction);
}

// Whether the value is the result of a softmax, as far as it is not computed yet.
bool is_softmax(const Tensor& x) {
  const internal::ValueNode& node = *internal::defined_node(x);
  if (node.kind == internal::ValueKind::kTraced) {
    return node.traced.node && node.traced.node->op().name == "softmax";
  }
  return node.producer && node.producer->op && node.producer->op->name == "softmax";
}

void warn_of_softmax(const Tensor& logits) {
  static std::once_flag once;
  if (!is_softmax(logits)) return;
  std::call_once(once, [] {
    std::cerr << "mica: warning: F::cross_entropy takes raw logits and was given the result of a softmax; leave the "
                 "softmax out\n";
  });
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& target, CrossEntropyOptions options) {
  FunctionScope scope("F::cross_entropy");
  if (logits.dim() < 1) fail_call("logits with an axis of classes", internal::describe(logits));
  warn_of_softmax(logits);
  Tensor x = to_floating(logits);
  int dim = x.dim() == 1 ? 0 : 1;
  if (target.dtype().is_floating()) return of_probabilities(x, target, dim, options);
  check_ids(target);
  ir::Dims dims = dims_of(x);
  dims.erase(dims.begin() + dim);
  if (dims != dims_of(target)) {
    fail_call(absl::StrCat("class ids of the shape of the logits without axis ", dim, ", or probabilities"),
              absl::StrCat(internal::describe(target), " for logits ", internal::describe(logits)));
  }
  return of_ids(x, target, dim, options);
}

Tensor linear_cross_entropy(const Tensor& input, const Tensor& linear_weight, const Tensor& target,
                            LinearCrossEntropyOptions o) {
  FunctionScope scope("F::linear_cross_entropy");
  if (input.dim() != 1 && input.dim() != 2) fail_call("an input of rank 1 or 2", internal::describe(input));
  if (linear_weight.dim() < 2 || linear_weight.size(-1) != input.size(-1)) {
    fail_call(absl::StrCat("linear_weight of rank 2 or more with ", input.size(-1), " in_features"),
              internal::describe(linear_weight));
  }
  std::vector<std::int64_t> outputs = linear_weight.shape().dims();
  outputs.pop_back();
  if (o.linear_bias.defined() && o.linear_bias.shape() != Shape(outputs)) {
    fail_call(absl::StrCat("linear_bias of shape ", Shape(outputs).to_string()), internal::describe(o.linear_bias));
  }
  if (outputs.size() > 1 && input.dim() == 1) {
    fail_call("an input [N, in_features] for linear_weight of rank 3 or more", internal::describe(input));
  }
  Tensor bias = o.linear_bias.defined() ? o.linear_bias.reshape({kAny}) : Tensor();
  Tensor logits = linear(input, linear_weight.reshape({kAny, input.size(-1)}), bias);
  if (outputs.size() > 1) logits = logits.unflatten(1, outputs);
  if (o.ignore_index && target.shape() == logits.shape()) {
    fail_call("no ignore_index where the target has probabilities", absl::StrCat(*o.ignore_index));
  }
  return cross_entropy(logits, target, {o.weight, o.ignore_index.value_or(-100), o.reduction, o.label_smoothing});
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, NllOptions options) {
  FunctionScope scope("F::nll_loss");
  check_ids(target);
  Tensor x = to_floating(log_probabilities);
  int dim = x.dim() == 1 ? 0 : 1;
  Counted counted(target, options.weight, options.ignore_index, x.dtype());
  Tensor picked = gather(x, dim, counted.ids.unsqueeze(dim)).squeeze(dim);
  return weighted_reduction(-picked * counted.weights, counted.weights, options.reduction);
}

}  // namespace mica::F
