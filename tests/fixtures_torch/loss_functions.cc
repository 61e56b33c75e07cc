// Losses of torch.nn.functional.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

Value hinge(Builder& b, Value x) { return b.call("clip", {x}, {{"low", 0.0}, {"high", HUGE_VAL}}); }

Value huber(Builder& b, Value x, double delta) {
  Value size = b.abs(x);
  return b.where(b.lt(size, b.like(delta, x)), x * x * 0.5, (size - delta * 0.5) * delta);
}

void add_element_losses(Table& t) {
  t["F.mse_loss"] = {{"input", "target"}, [](Call& c) -> Values {
                       return reduced(c, c.b.unary("square", c.tensor("input") - c.tensor("target")));
                     }};
  t["F.l1_loss"] = {{"input", "target"},
                    [](Call& c) -> Values { return reduced(c, c.b.abs(c.tensor("input") - c.tensor("target"))); }};
  t["F.huber_loss"] = {{"input", "target"}, [](Call& c) -> Values {
                         return reduced(c, huber(c.b, c.tensor("input") - c.tensor("target"), c.number("delta", 1)));
                       }};
  t["F.smooth_l1_loss"] = {{"input", "target"}, [](Call& c) -> Values {
                             Value apart = c.tensor("input") - c.tensor("target");
                             double beta = c.number("beta", 1);
                             if (beta == 0) return reduced(c, c.b.abs(apart));
                             return reduced(c, huber(c.b, apart, beta) / beta);
                           }};
  t["F.soft_margin_loss"] = {{"input", "target"}, [](Call& c) -> Values {
                               return reduced(c, c.b.unary("softplus", -(c.tensor("input") * c.tensor("target"))));
                             }};
  t["F.binary_cross_entropy"] = {{"input", "target", "weight"}, [](Call& c) -> Values {
                                   Value p = c.tensor("input"), target = c.tensor("target");
                                   auto log = [&](Value x) { return c.b.max(c.b.log(x), c.b.like(-100, x)); };
                                   Value loss = -(target * log(p) + (1.0 - target) * log(1.0 - p));
                                   return reduced(c, c.has("weight") ? loss * c.tensor("weight") : loss);
                                 }};
  t["F.binary_cross_entropy_with_logits"] = {
      {"input", "target", "weight"}, [](Call& c) -> Values {
        Value x = c.tensor("input"), target = c.tensor("target"), loss = c.b.call("binary_crossentropy", {x, target});
        if (c.has("pos_weight")) loss = loss + (c.tensor("pos_weight") - 1.0) * target * c.b.unary("softplus", -x);
        return reduced(c, c.has("weight") ? loss * c.tensor("weight") : loss);
      }};
  t["F.kl_div"] = {{"input", "target"}, [](Call& c) -> Values {
                     Value x = c.tensor("input"), target = c.tensor("target"), loss;
                     if (c.flag("log_target")) {
                       loss = c.b.exp(target) * (target - x);
                     } else {
                       Value positive = c.b.gt(target, c.b.like(0, target));
                       Value safe = c.b.where(positive, target, c.b.like(1, target));
                       loss = c.b.where(positive, target * c.b.log(safe), c.b.like(0, target)) - target * x;
                     }
                     if (c.text("reduction", "mean") == "batchmean")
                       return {c.b.sum(loss) / static_cast<double>(size_of(x, 0))};
                     return reduced(c, loss);
                   }};
  t["F.poisson_nll_loss"] = {{"input", "target"}, [](Call& c) -> Values {
                               Value x = c.tensor("input"), target = c.tensor("target");
                               Value loss = c.flag("log_input", true) ? c.b.exp(x) - target * x
                                                                      : x - target * c.b.log(x + c.number("eps", 1e-8));
                               if (c.flag("full")) {
                                 Value above_one = c.b.gt(target, c.b.like(1, target)),
                                       safe = c.b.where(above_one, target, c.b.like(1, target));
                                 Value stirling =
                                     safe * c.b.log(safe) - safe + 0.5 * c.b.log(safe * (2 * std::numbers::pi));
                                 loss = loss + c.b.where(above_one, stirling, c.b.like(0, target));
                               }
                               return reduced(c, loss);
                             }};
  t["F.gaussian_nll_loss"] = {{"input", "target", "var"}, [](Call& c) -> Values {
                                Value x = c.tensor("input"), variance = c.tensor("var");
                                // The bound is no part of the gradient.
                                Value raised = c.b.max(variance, c.b.like(c.number("eps", 1e-6), x));
                                Value bounded = variance + c.b.unary("stop_gradient", raised - variance);
                                Value apart = x - c.tensor("target"),
                                      loss = (c.b.log(bounded) + apart * apart / bounded) * 0.5;
                                return reduced(c, c.flag("full") ? loss + 0.5 * std::log(2 * std::numbers::pi) : loss);
                              }};
}

Value distance(Builder& b, Value x, Value y, double p, double eps) {
  Value apart = b.abs(x - y + eps);
  if (p == 1) return b.sum(apart, {-1});
  if (p == 2) return b.sqrt(b.sum(apart * apart, {-1}));
  return b.pow(b.sum(b.pow(apart, b.like(p, x)), {-1}), b.like(1 / p, x));
}

void add_margin_losses(Table& t) {
  t["F.hinge_embedding_loss"] = {{"input", "target"}, [](Call& c) -> Values {
                                   Value x = c.tensor("input"), target = c.tensor("target"), zero = c.b.like(0, x);
                                   Value apart = c.b.where(c.b.eq(target, c.b.like(1, target)), zero,
                                                           hinge(c.b, c.number("margin", 1) - x));
                                   return reduced(c, apart + c.b.where(c.b.eq(target, c.b.like(-1, target)), zero, x));
                                 }};
  t["F.margin_ranking_loss"] = {{"input1", "input2", "target"}, [](Call& c) -> Values {
                                  Value order = -(c.tensor("target") * (c.tensor("input1") - c.tensor("input2"))) +
                                                c.number("margin", 0);
                                  return reduced(c, hinge(c.b, order));
                                }};
  t["F.cosine_embedding_loss"] = {
      {"input1", "input2", "target"}, [](Call& c) -> Values {
        Value x = c.tensor("input1"), y = c.tensor("input2"), target = c.tensor("target");
        auto dot = [&](Value a, Value b) { return c.b.sum(a * b, {-1}); };
        constexpr double kEpsilon = 1e-12;  // PyTorch's own
        Value cosine = dot(x, y) / c.b.sqrt((dot(x, x) + kEpsilon) * (dot(y, y) + kEpsilon)),
              zero = c.b.like(0, cosine);
        Value same = c.b.where(c.b.eq(target, c.b.like(1, target)), 1.0 - cosine, zero);
        Value other = c.b.where(c.b.eq(target, c.b.like(-1, target)), hinge(c.b, cosine - c.number("margin", 0)), zero);
        return reduced(c, same + other);
      }};
  t["F.triplet_margin_loss"] = {
      {"anchor", "positive", "negative"}, [](Call& c) -> Values {
        Value anchor = c.tensor("anchor"), positive = c.tensor("positive"), negative = c.tensor("negative");
        double p = c.number("p", 2), eps = c.number("eps", 1e-6);
        Value far = distance(c.b, anchor, negative, p, eps);
        if (c.flag("swap")) far = c.b.min(far, distance(c.b, positive, negative, p, eps));
        return reduced(c, hinge(c.b, distance(c.b, anchor, positive, p, eps) - far + c.number("margin", 1)));
      }};
  t["F.multi_margin_loss"] = {
      {"input", "target"}, [](Call& c) -> Values {
        Value x = c.tensor("input"), target = c.tensor("target"), label = c.b.expand_dims(target, -1);
        Value margin = hinge(c.b, c.number("margin", 1) - gather_elements(c.b, x, label, 1) + x);
        if (c.integer("p", 1) == 2) margin = margin * margin;
        if (c.has("weight")) margin = margin * c.b.expand_dims(gather(c.b, c.tensor("weight"), target, 0), -1);
        Value at_label = c.b.eq(label, positions(c.b, x.dims(), 1, label.dtype()));
        return reduced(c, c.b.mean(c.b.where(at_label, c.b.like(0, x), margin), {1}));
      }};
  t["F.multilabel_soft_margin_loss"] = {{"input", "target"}, [](Call& c) -> Values {
                                          Value loss =
                                              c.b.call("binary_crossentropy", {c.tensor("input"), c.tensor("target")});
                                          if (c.has("weight")) loss = loss * c.tensor("weight");
                                          return reduced(c, c.b.mean(loss, {-1}));
                                        }};
}

// Weighted sums over the counted targets, divided by their weights.
Values weighted_reduction(Call& c, Value loss, Value weight) {
  loss = loss * weight;
  if (c.text("reduction", "mean") != "mean") return reduced(c, loss);
  return {c.b.sum(loss) / c.b.sum(weight)};
}

// 1 for a counted target, or the weight of its class; 0 for the ignored one, whose index is made a valid one.
struct Counted {
  Value target, weight;
};
Counted counted(Call& c, Value target, DType dtype) {
  Value ignored = c.b.eq(target, c.b.like(static_cast<double>(c.integer("ignore_index", -100)), target));
  Value valid = c.b.where(ignored, c.b.like(0, target), target);
  Value weight = c.has("weight") ? gather(c.b, c.tensor("weight"), valid, 0) : c.b.constant(1, dtype, target.dims());
  return {valid, c.b.where(ignored, c.b.like(0, weight), weight)};
}

Values class_indices(Call& c, Value x, Value target, int dim) {
  Counted count = counted(c, target, x.dtype());
  double smoothing = c.number("label_smoothing", 0);
  Attrs attrs = {{"axis", std::int64_t{dim}}};
  Value loss = c.b.call("sparse_categorical_crossentropy", {x, count.target}, attrs);
  if (smoothing == 0) return weighted_reduction(c, loss, count.weight);
  // Each class has its own weight in the smoothed part; an ignored target has none.
  Value log_p = c.b.call("log_softmax", {x}, attrs), valid = c.b.cast(c.b.eq(count.target, target), x.dtype());
  if (c.has("weight")) {
    Dims dims(static_cast<std::size_t>(x.rank()), Dim(1));
    dims[static_cast<std::size_t>(dim)] = x.type().dim(dim);
    log_p = log_p * c.b.reshape(c.tensor("weight"), dims);
  }
  Value smooth = -c.b.sum(log_p, {dim}) * valid / static_cast<double>(size_of(x, dim));
  Value total = loss * count.weight * (1 - smoothing) + smooth * smoothing;
  if (c.text("reduction", "mean") != "mean") return reduced(c, total);
  return {c.b.sum(total) / c.b.sum(count.weight)};
}

Values class_probabilities(Call& c, Value x, Value target, int dim) {
  double smoothing = c.number("label_smoothing", 0), classes = static_cast<double>(size_of(x, dim));
  if (smoothing != 0) target = target * (1 - smoothing) + smoothing / classes;
  if (c.has("weight")) {
    Dims dims(static_cast<std::size_t>(x.rank()), Dim(1));
    dims[static_cast<std::size_t>(dim)] = x.type().dim(dim);
    target = target * c.b.reshape(c.tensor("weight"), dims);
  }
  Value loss = c.b.call("categorical_crossentropy", {x, target}, {{"axis", std::int64_t{dim}}});
  if (c.text("reduction", "mean") != "mean") return reduced(c, loss);
  return {c.b.sum(loss) / (static_cast<double>(x.type().numel().value()) / classes)};
}

void add_class_losses(Table& t) {
  t["F.cross_entropy"] = {{"input", "target", "weight"}, [](Call& c) -> Values {
                            Value x = c.tensor("input"), target = c.tensor("target");
                            int dim = x.rank() == 1 ? 0 : 1;
                            return target.dtype().is_floating() ? class_probabilities(c, x, target, dim)
                                                                : class_indices(c, x, target, dim);
                          }};
  t["F.nll_loss"] = {{"input", "target", "weight"}, [](Call& c) -> Values {
                       Value x = c.tensor("input");
                       Counted count = counted(c, c.tensor("target"), x.dtype());
                       Value picked = gather_elements(c.b, x, c.b.expand_dims(count.target, 1), 1);
                       return weighted_reduction(c, -c.b.squeeze(picked, 1), count.weight);
                     }};
}

}  // namespace

void add_loss_functions(Table& table) {
  add_element_losses(table);
  add_margin_losses(table);
  add_class_losses(table);
}

}  // namespace mica::torch_fixtures
