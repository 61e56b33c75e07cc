// ctc_loss: a recursion over time (Graves et al. 2006) as one loop.
#include <algorithm>

#include "frontend/layers/recurrence.h"
#include "frontend/mica/functional/image.h"
#include "frontend/mica/functional/loss.h"
#include "frontend/mica/functions.h"
#include "frontend/nn/functional/support.h"

namespace mica::F {
namespace {

// The logarithm of the probability of what cannot be: finite, so that its gradient is 0 and no NaN.
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

// x [N, S] one place to the right; what comes in is impossible.
Tensor shifted(const Tensor& x, std::int64_t places) {
  Tensor wide = pad(x, {places, 0}, {.value = kImpossible});
  return wide.narrow(1, 0, known_size(x, 1));
}

// The labels with blanks around them: [N, 2S + 1].
Tensor with_blanks(const Tensor& targets, std::int64_t blank) {
  Tensor blanks = zeros_like(targets) + blank;
  Tensor pairs = stack({blanks, targets}, 2).flatten(1);
  return cat({pairs, blanks.narrow(1, 0, 1)}, 1);
}

// The negative log-likelihood of each example.
Tensor losses_of(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                 const Tensor& target_lengths, std::int64_t blank) {
  Tensor labels = with_blanks(padded_targets(targets, target_lengths), blank);
  Tensor by_example = log_probs.permute({1, 0, 2});  // [N, T, C]
  const ir::Dim &batch = dims_of(by_example)[0], &steps = dims_of(by_example)[1], &places = dims_of(labels)[1];
  Tensor each = apply("broadcast_to", {labels.unsqueeze(1)}, {{"shape", ir::Dims{batch, steps, places}}});
  Tensor emissions = gather(by_example, 2, each);
  // A blank may be left out between two labels that differ.
  Tensor before = pad(labels, {2, 0}, {.value = static_cast<double>(blank)}).narrow(1, 0, known_size(labels, 1));
  Tensor may_skip = logical_and(labels != blank, labels != before);
  auto step = [&](const Tensor& emission, const Tensors& states) -> Tensors {
    const Tensor& alpha = states[0];
    Tensor ways = stack({alpha, shifted(alpha, 1), where(may_skip, shifted(alpha, 2), kImpossible)}, 2);
    Tensor next = ways.logsumexp(2) + emission;
    return {next, next};
  };
  Tensor start = where(positions({batch, places}, 1) == 0, 0.0, zeros_like(labels).to(log_probs.dtype()) + kImpossible);
  Tensor valid = positions({batch, steps}, 1) < input_lengths.unsqueeze(1);
  Tensor alpha = internal::recur(emissions, {start}, step, {.mask = valid}).states[0];
  // It ends in the last label or the blank behind it.
  Tensor last = (target_lengths * 2).unsqueeze(1), label = (last - 1).clamp(0);
  Tensor in_label = where(last > 0, gather(alpha, 1, label), kImpossible);
  return -logaddexp(gather(alpha, 1, last), in_label).squeeze(1);
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, CtcOptions options) {
  FunctionScope scope("F::ctc_loss");
  bool single = log_probs.dim() == 2;
  if (!single) expect_rank(log_probs, "log_probs", 3);
  Tensor batch = to_floating(single ? log_probs.unsqueeze(1) : log_probs);
  Tensor inputs = input_lengths.to(kInt64).reshape({-1}), labels = target_lengths.to(kInt64).reshape({-1});
  Tensor losses =
      losses_of(batch, single && targets.dim() == 1 ? targets.unsqueeze(0) : targets, inputs, labels, options.blank);
  // PyTorch's gradient takes log_probs for normalised: it is that of the logits before a log_softmax.
  Tensor valid = positions({dims_of(batch)[0], dims_of(inputs)[0]}, 0) < inputs.unsqueeze(0);
  Tensor mass = where(valid.unsqueeze(2), batch.exp(), 0).sum({0, 2});
  losses = losses + mass - apply("stop_gradient", {mass});
  Tensor impossible = losses > -kImpossible / 2;
  losses = where(impossible, options.zero_infinity ? 0 : HUGE_VAL, losses);
  if (single) losses = losses.squeeze(0);
  if (options.reduction != "mean") return reduced(losses, options.reduction);
  Tensor counts = labels.clamp(1).to(losses.dtype());
  return (losses / (single ? counts.squeeze(0) : counts)).mean();
}

}  // namespace mica::F
