#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/apply.h"
#include "frontend/mica/functions.h"
#include "frontend/mica/nn/container.h"
#include "frontend/mica/nn/linear.h"
#include "frontend/mica/nn/loss.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using namespace internal;

class AdaptiveLogSoftmaxModule final : public BuiltinModule {
 public:
  AdaptiveLogSoftmaxModule(std::int64_t in_features, std::int64_t n_classes, std::vector<std::int64_t> cutoffs,
                           AdaptiveLogSoftmaxOptions o)
      : BuiltinModule("AdaptiveLogSoftmaxWithLoss"), in_(in_features), ends_(std::move(cutoffs)) {
    check_cutoffs(n_classes);
    const std::int64_t clusters = std::ssize(ends_);
    ends_.push_back(n_classes);
    register_module("head", Linear(in_, ends_[0] + clusters, {.bias = o.head_bias}));
    ModuleList tail;
    for (std::size_t i = 0; i + 1 < ends_.size(); ++i) {
      const double narrowing = std::pow(o.div_value, static_cast<double>(i + 1));
      const auto width = static_cast<std::int64_t>(std::floor(static_cast<double>(in_) / narrowing));
      tail.append(Sequential(std::vector<Layer>{Linear(in_, width, {.bias = false}),
                                                Linear(width, ends_[i + 1] - ends_[i], {.bias = false})}));
    }
    register_module("tail", tail);
  }

  // [rows, classes]. A class of a cluster has the probability of the cluster times its own within it.
  Tensor log_prob(const Tensor& input) const {
    Tensor head = log_probs_of(module("head"), input);
    Tensors parts{head.narrow(1, 0, ends_[0])};
    const std::vector<Layer> clusters = module("tail").children();
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      parts.push_back(log_probs_of(clusters[i], input) + head.narrow(1, entry_of(i), 1));
    }
    return cat(parts, 1);
  }

 protected:
  // {input, target} to {output, loss}. Every cluster looks at every row, so that shapes do not depend on the targets.
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 2, 2);
    const bool is_one = xs[1].dim() == 0;
    if (xs[1].dim() > 1 || xs[0].dim() != xs[1].dim() + 1) {
      fail("an input [N, in_features] and targets [N], or one row and one target",
           absl::StrCat(describe(xs[0]), " and ", describe(xs[1])));
    }
    Tensor input = is_one ? xs[0].unsqueeze(0) : xs[0], target = is_one ? xs[1].unsqueeze(0) : xs[1];
    Tensor entry = target, output;  // the target's entry in the head: a class of its own, or its cluster
    const std::vector<Layer> clusters = module("tail").children();
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      // Targets beyond the last class stay in the last cluster, which reports them.
      Tensor inside = target >= ends_[i];
      if (i + 1 < clusters.size()) inside = logical_and(inside, target < ends_[i + 1]);
      entry = where(inside, entry_of(i), entry);
      Tensor log_prob = chosen(log_probs_of(clusters[i], input), where(inside, target - ends_[i], 0));
      Tensor counted = where(inside, log_prob, 0);
      output = output.defined() ? output + counted : counted;
    }
    output = output + chosen(log_probs_of(module("head"), input), entry);
    Tensor loss = (-output).mean();
    return {is_one ? output.squeeze(0) : output, loss};
  }

 private:
  void check_cutoffs(std::int64_t n_classes) const {
    bool fits = !ends_.empty() && ends_.front() >= 1 && ends_.back() < n_classes;
    for (std::size_t i = 1; i < ends_.size(); ++i) fits = fits && ends_[i - 1] < ends_[i];
    if (fits) return;
    fail(absl::StrCat("cutoffs that increase, from at least 1 to at most ", n_classes - 1),
         absl::StrCat("{", absl::StrJoin(ends_, ", "), "}"));
  }
  std::int64_t entry_of(std::size_t cluster) const { return ends_[0] + static_cast<std::int64_t>(cluster); }
  static Tensor log_probs_of(const Layer& layer, const Tensor& input) { return layer(input).log_softmax(1); }
  static Tensor chosen(const Tensor& rows, const Tensor& positions) {
    return rows.gather(1, positions.unsqueeze(1)).squeeze(1);
  }

  std::int64_t in_;
  std::vector<std::int64_t> ends_;  // one past the last class of the shortlist and of each cluster
};

}  // namespace

AdaptiveLogSoftmaxWithLoss::AdaptiveLogSoftmaxWithLoss(std::int64_t in_features, std::int64_t n_classes,
                                                       std::vector<std::int64_t> cutoffs,
                                                       AdaptiveLogSoftmaxOptions options)
    : Layer(std::make_shared<AdaptiveLogSoftmaxModule>(in_features, n_classes, std::move(cutoffs), options)) {}

AdaptiveLogSoftmaxResult AdaptiveLogSoftmaxWithLoss::operator()(const Tensor& input, const Tensor& target) const {
  Tensors results = call_module(*this, {input, target});
  return {results[0], results[1]};
}
Tensor AdaptiveLogSoftmaxWithLoss::log_prob(const Tensor& input) const {
  return get_if<AdaptiveLogSoftmaxModule>()->log_prob(input);
}
Tensor AdaptiveLogSoftmaxWithLoss::predict(const Tensor& input) const { return log_prob(input).argmax(1); }

}  // namespace mica::nn
