#include "frontend/mica/functional/loss.h"

#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "frontend/mica/functional/distance.h"
#include "frontend/mica/functions.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// max(x, 0), which passes the gradient at 0.
Tensor hinge(const Tensor& x) { return x.clamp(0); }

Tensor weighted(const Tensor& loss, const Tensor& weight) { return weight.defined() ? loss * weight : loss; }

Tensor huber(const Tensor& apart, double delta) {
  Tensor size = apart.abs();
  return where(size < delta, apart * apart * 0.5, (size - delta * 0.5) * delta);
}

}  // namespace

Tensor mse_loss(const Tensor& input, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::mse_loss");
  expect_same_shape(input, target);
  return reduced((input - target).square(), options.reduction);
}
Tensor l1_loss(const Tensor& input, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::l1_loss");
  expect_same_shape(input, target);
  return reduced((input - target).abs(), options.reduction);
}
Tensor huber_loss(const Tensor& input, const Tensor& target, HuberOptions options) {
  FunctionScope scope("F::huber_loss");
  expect_same_shape(input, target);
  return reduced(huber(input - target, options.delta), options.reduction);
}
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, SmoothL1Options options) {
  FunctionScope scope("F::smooth_l1_loss");
  expect_same_shape(input, target);
  Tensor apart = input - target;
  return reduced(options.beta == 0 ? apart.abs() : huber(apart, options.beta) / options.beta, options.reduction);
}
Tensor soft_margin_loss(const Tensor& input, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::soft_margin_loss");
  expect_same_shape(input, target);
  return reduced(apply("softplus", {-(input * target)}), options.reduction);
}

Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target, WeightedLossOptions options) {
  FunctionScope scope("F::binary_cross_entropy");
  expect_same_shape(probabilities, target);
  auto bounded_log = [](const Tensor& p) { return maximum(p.log(), internal::weak(-100, p)); };  // PyTorch's bound
  Tensor loss = -(target * bounded_log(probabilities) + (1 - target) * bounded_log(1 - probabilities));
  return reduced(weighted(loss, options.weight), options.reduction);
}
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target, BceLogitsOptions options) {
  FunctionScope scope("F::binary_cross_entropy_with_logits");
  expect_same_shape(logits, target);
  Tensor x = to_floating(logits), wanted = internal::cast(target, x.dtype());
  Tensor loss = apply("binary_crossentropy", {x, wanted});
  if (options.pos_weight.defined()) loss = loss + (options.pos_weight - 1) * wanted * apply("softplus", {-x});
  return reduced(weighted(loss, options.weight), options.reduction);
}

Tensor kl_div(const Tensor& input, const Tensor& target, KlDivOptions options) {
  FunctionScope scope("F::kl_div");
  Tensor loss;
  if (options.log_target) {
    loss = target.exp() * (target - input);
  } else {
    Tensor positive = target > 0;  // 0 log 0 is 0
    loss = where(positive, target * where(positive, target, 1).log(), 0) - target * input;
  }
  if (options.reduction == "batchmean") return loss.sum() / static_cast<double>(known_size(input, 0));
  return reduced(loss, options.reduction);
}

Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, PoissonNllOptions options) {
  FunctionScope scope("F::poisson_nll_loss");
  Tensor loss = options.log_input ? input.exp() - target * input : input - target * (input + options.eps).log();
  if (options.full) {  // Stirling's approximation of log(target!)
    Tensor above_one = target > 1, safe = where(above_one, target, 1);
    Tensor stirling = safe * safe.log() - safe + 0.5 * (safe * (2 * std::numbers::pi)).log();
    loss = loss + where(above_one, stirling, 0);
  }
  return reduced(loss, options.reduction);
}

Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var, GaussianNllOptions options) {
  FunctionScope scope("F::gaussian_nll_loss");
  // The bound is no part of the gradient.
  Tensor raised = maximum(var, internal::weak(options.eps, var));
  Tensor bounded = var + apply("stop_gradient", {raised - var});
  Tensor apart = input - target, loss = (bounded.log() + apart * apart / bounded) * 0.5;
  return reduced(options.full ? loss + 0.5 * std::log(2 * std::numbers::pi) : loss, options.reduction);
}

Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, HingeEmbeddingOptions options) {
  FunctionScope scope("F::hinge_embedding_loss");
  expect_same_shape(input, target);
  Tensor apart = where(target == 1, 0, hinge(options.margin - input));
  return reduced(apart + where(target == -1, 0, input), options.reduction);
}

Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, MarginOptions options) {
  FunctionScope scope("F::cosine_embedding_loss");
  constexpr double kEpsilon = 1e-12;  // PyTorch's own
  auto dot = [](const Tensor& a, const Tensor& b) { return (a * b).sum(-1); };
  Tensor cosine = dot(x1, x2) / ((dot(x1, x1) + kEpsilon) * (dot(x2, x2) + kEpsilon)).sqrt();
  Tensor same = where(target == 1, 1 - cosine, 0), other = where(target == -1, hinge(cosine - options.margin), 0);
  return reduced(same + other, options.reduction);
}

Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, MarginOptions options) {
  FunctionScope scope("F::margin_ranking_loss");
  return reduced(hinge(-(target * (x1 - x2)) + options.margin), options.reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           TripletOptions options) {
  FunctionScope scope("F::triplet_margin_loss");
  DistanceOptions measure{.p = options.p, .eps = options.eps};
  auto distance = [&](const Tensor& a, const Tensor& b) { return pairwise_distance(a, b, measure); };
  return triplet_margin_with_distance_loss(
      anchor, positive, negative,
      {.distance_function = distance, .margin = options.margin, .swap = options.swap, .reduction = options.reduction});
}

Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         TripletDistanceOptions options) {
  FunctionScope scope("F::triplet_margin_with_distance_loss");
  auto distance = [&](const Tensor& a, const Tensor& b) {
    return options.distance_function ? options.distance_function(a, b) : pairwise_distance(a, b);
  };
  Tensor near = distance(anchor, positive), far = distance(anchor, negative);
  if (options.swap) far = minimum(far, distance(positive, negative));
  return reduced(hinge(near - far + options.margin), options.reduction);
}

namespace {

// [classes] for one example becomes a batch of one.
Tensor batched(const Tensor& x) { return x.dim() == 1 ? x.unsqueeze(0) : x; }

Tensor over_batch(const Tensor& losses, const Tensor& input, const std::string& reduction) {
  return reduced(input.dim() == 1 ? losses.squeeze(0) : losses, reduction);
}

}  // namespace

Tensor multi_margin_loss(const Tensor& input, const Tensor& target, MultiMarginOptions options) {
  FunctionScope scope("F::multi_margin_loss");
  if (options.p != 1 && options.p != 2) fail_call("p of 1 or 2", absl::StrCat(options.p));
  Tensor x = batched(input), ids = input.dim() == 1 ? target.reshape({1}) : target, label = ids.unsqueeze(-1);
  Tensor margin = hinge(options.margin - gather(x, 1, label) + x);
  if (options.p == 2) margin = margin * margin;
  if (options.weight.defined()) margin = margin * index_select(options.weight, 0, ids).unsqueeze(-1);
  Tensor classes = apply("iota", {}, {{"shape", dims_of(x)}, {"axis", std::int64_t{1}}, {"dtype", label.dtype()}});
  return over_batch(where(label == classes, 0, margin).mean(1), input, options.reduction);
}

Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target, LossOptions options) {
  FunctionScope scope("F::multilabel_margin_loss");
  expect_same_shape(input, target);
  Tensor x = batched(input), ids = batched(target);
  Tensor listed = cumprod((ids >= 0).to(kInt64), 1) > 0;  // a row's list ends at its first -1
  Tensor label = where(listed, ids, 0);
  ir::Dims dims{dims_of(x)[0], dims_of(x)[1], dims_of(x)[1]};  // [row, place in the list, class]
  Tensor classes = apply("iota", {}, {{"shape", dims}, {"axis", std::int64_t{2}}, {"dtype", ids.dtype()}});
  Tensor is_target = logical_and(label.unsqueeze(-1) == classes, listed.unsqueeze(-1)).any(1);
  Tensor margin = hinge(1 - gather(x, 1, label).unsqueeze(-1) + x.unsqueeze(1));
  Tensor counted = logical_and(listed.unsqueeze(-1), logical_not(is_target).unsqueeze(1));
  Tensor losses = where(counted, margin, 0).sum({1, 2}) / static_cast<double>(known_size(x, 1));
  return over_batch(losses, input, options.reduction);
}

Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, WeightedLossOptions options) {
  FunctionScope scope("F::multilabel_soft_margin_loss");
  expect_same_shape(input, target);
  Tensor loss = apply("binary_crossentropy", {input, internal::cast(target, input.dtype())});
  return reduced(weighted(loss, options.weight).mean(-1), options.reduction);
}

}  // namespace mica::F
