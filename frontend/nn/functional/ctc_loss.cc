#include <algorithm>

#include "frontend/layers/ctc.h"
#include "frontend/mica/functional/loss.h"
#include "frontend/mica/functions.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// Below all that sums of real numbers reach.
constexpr double kImpossible = -1e30;

Tensor positions(ir::Dims shape, int axis) {
  return apply("iota", {}, {{"shape", std::move(shape)}, {"axis", std::int64_t{axis}}, {"dtype", kInt64}});
}

// Targets [N, S]; those that stand in one row are cut by their lengths.
Tensor padded_targets(const Tensor& targets, const Tensor& lengths) {
  if (targets.dim() == 2) return targets.to(kInt64);
  Tensor starts = cumsum(lengths, 0) - lengths;
  ir::Dims dims{dims_of(lengths)[0], dims_of(targets)[0]};
  Tensor places = positions(dims, 1) + starts.unsqueeze(1);
  return take(targets.to(kInt64), places.clamp(0, static_cast<double>(known_size(targets, 0) - 1)));
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, CtcOptions options) {
  FunctionScope scope("F::ctc_loss");
  bool single = log_probs.dim() == 2;
  if (!single) expect_rank(log_probs, "log_probs", 3);
  Tensor batch = to_floating(single ? log_probs.unsqueeze(1) : log_probs);
  Tensor inputs = input_lengths.to(kInt64).reshape({-1}), labels = target_lengths.to(kInt64).reshape({-1});
  Tensor valid = positions({dims_of(batch)[0], dims_of(inputs)[0]}, 0) < inputs.unsqueeze(0);  // [T, N]
  Tensor rows = padded_targets(single && targets.dim() == 1 ? targets.unsqueeze(0) : targets, labels);
  Tensor losses = -internal::ctc_log_likelihood(
      batch.transpose(0, 1), rows, labels,
      {.blank = options.blank, .impossible = kImpossible, .recurrence = {.mask = valid.transpose(0, 1)}});
  // PyTorch's gradient takes log_probs for normalised: it is that of the logits before a log_softmax.
  Tensor mass = where(valid.unsqueeze(2), batch.exp(), 0).sum({0, 2});
  losses = losses + mass - apply("stop_gradient", {mass});
  losses = where(losses > -kImpossible / 2, options.zero_infinity ? 0 : HUGE_VAL, losses);
  if (single) losses = losses.squeeze(0);
  if (options.reduction != "mean") return reduced(losses, options.reduction);
  Tensor counts = labels.clamp(1).to(losses.dtype());
  return (losses / (single ? counts.squeeze(0) : counts)).mean();
}

}  // namespace mica::F
