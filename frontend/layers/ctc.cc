#include "frontend/layers/ctc.h"

#include "frontend/graph/apply.h"

namespace mica::internal {
namespace {

Tensor constant(double value, ir::Dims dims, DType dtype) {
  return apply("constant", {}, {{"value", value}, {"dtype", dtype}, {"shape", std::move(dims)}});
}

// x moved by `places` along axis 1; what enters on the left is `fill`.
Tensor delayed(const Tensor& x, std::int64_t places, double fill) {
  ir::Dims dims = dims_of(x);
  dims[1] = ir::Dim(places);
  Tensor kept = apply("slice", {x},
                      {{"axis", std::int64_t{1}},
                       {"start", ir::Dims{ir::Dim(0)}},
                       {"stop", ir::Dims{dims_of(x)[1] - ir::Dim(places)}},
                       {"step", std::int64_t{1}}});
  return cat({constant(fill, dims, x.dtype()), kept}, 1);
}

Tensor logaddexp(const Tensor& a, const Tensor& b) { return apply("logaddexp", {a, b}); }

// [N, L] to [N, 2 L + 1]: a blank before, between and after the labels.
Tensor with_blanks(const Tensor& labels, std::int64_t blank) {
  Tensor blanks = zeros_like(labels) + blank;
  return cat({stack({blanks, labels}, 2).flatten(1, 2), blanks.narrow(1, 0, 1)}, 1);
}

// An alignment begins in the first place.
Tensor first_place(const Tensor& states, DType dtype, double impossible) {
  ir::Dims first = dims_of(states), rest = first;
  first[1] = ir::Dim(1);
  rest[1] = rest[1] - ir::Dim(1);
  return cat({constant(0, first, dtype), constant(impossible, rest, dtype)}, 1);
}

// It ends in the last blank or, where there are labels, in the one before it.
Tensor at_ends(const Tensor& alpha, const Tensor& lengths) {
  auto at = [&](const Tensor& place) {
    return apply("gather_elements", {alpha, place.unsqueeze(1)}, {{"axis", std::int64_t{1}}}).squeeze(1);
  };
  Tensor last = lengths * 2, has_label = lengths > 0;
  return where(has_label, logaddexp(at(last), at(where(has_label, last - 1, 0))), at(last));
}

}  // namespace

Tensor ctc_log_likelihood(const Tensor& log_probs, const Tensor& labels, const Tensor& lengths,
                          const CtcScanOptions& options) {
  Tensor states = with_blanks(labels, options.blank);
  const double impossible = options.impossible;
  // A blank may be left out between two labels that differ.
  Tensor may_skip = (states != options.blank) & (states != delayed(states, 2, static_cast<double>(options.blank)));
  Tensor blocked = where(may_skip, zeros_like(cast(states, log_probs.dtype())), impossible);
  auto step = [&](const Tensor& emission, const Tensors& previous) -> Tensors {
    const Tensor& alpha = previous[0];
    Tensor moved = logaddexp(alpha, delayed(alpha, 1, impossible));
    Tensor next = logaddexp(moved, delayed(alpha, 2, impossible) + blocked) + emission;
    return {next, next};
  };
  const ir::Dims dims{dims_of(log_probs)[0], dims_of(log_probs)[1], dims_of(states)[1]};
  Tensor at_each_step = apply("broadcast_to", {states.unsqueeze(1)}, {{"shape", dims}});
  Tensor emissions = apply("gather_elements", {log_probs, at_each_step},
                           {{"axis", std::int64_t{2}}, {"called", std::string("labels")}});
  Tensor start = first_place(states, log_probs.dtype(), impossible);
  return at_ends(recur(emissions, {start}, step, options.recurrence).states[0], lengths);
}

}  // namespace mica::internal
