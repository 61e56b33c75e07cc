// Connectionist temporal classification: the probability of a sequence of labels, summed over its alignments with the
// steps of a prediction, by one recurrence over the steps.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/trace.h"
#include "frontend/layers/recurrence.h"
#include "frontend/training/losses/families.h"

namespace mica::internal {
namespace {

constexpr double kLogZero = -1e5;  // Keras' logarithm of a probability of 0: sums of it stay finite

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

// [N,L] to [N,2L+1]: a blank before, between and after the labels.
Tensor with_blanks(const Tensor& labels) {
  Tensor pairs = stack({zeros_like(labels), labels}, 2).flatten(1, 2);
  return cat({pairs, zeros_like(labels.narrow(1, 0, 1))}, 1);
}

// The numbers at position 2 * length and, where there is a label, before it.
Tensor at_ends(const Tensor& alpha, const Tensor& length) {
  auto at = [&](const Tensor& position) {
    return apply("gather_elements", {alpha, position.unsqueeze(1)}, {{"axis", std::int64_t{1}}}).squeeze(1);
  };
  Tensor last = length * 2, has_label = length > 0;
  return where(has_label, logaddexp(at(last), at(where(has_label, last - 1, 0))), at(last));
}

Tensor ctc(const Tensor& y_true, const Tensor& y_pred) {
  if (y_true.dim() != 2 || y_pred.dim() != 3) {
    throw Error({.where = "ctc",
                 .expected = "labels [batch, length] and logits [batch, steps, classes]",
                 .received = absl::StrCat(describe(y_true), " and ", describe(y_pred)),
                 .hint = {}});
  }
  Tensor labels = y_true.to(kInt32), length = (labels != 0).to(kInt32).sum(1), states = with_blanks(labels);
  // An alignment may leave out a blank between two different labels.
  Tensor may_skip = (states != 0) & (states != delayed(states, 2, 0));
  Tensor blocked = where(may_skip, zeros_like(cast(states, y_pred.dtype())), kLogZero);

  ir::Dims first = dims_of(states), rest = first;
  first[1] = ir::Dim(1);
  rest[1] = rest[1] - ir::Dim(1);
  Tensor start = cat({constant(0, first, y_pred.dtype()), constant(kLogZero, rest, y_pred.dtype())}, 1);
  auto step = [&](const Tensor& x, const Tensors& previous) -> Tensors {
    const Tensor& alpha = previous[0];
    Tensor moved = logaddexp(alpha, delayed(alpha, 1, kLogZero));
    Tensor skipped = delayed(alpha, 2, kLogZero) + blocked;
    Tensor emitted =
        apply("gather_elements", {x, states}, {{"axis", std::int64_t{1}}, {"called", std::string("labels")}});
    Tensor next = logaddexp(moved, skipped) + emitted;
    return {next, next};
  };
  bool training = Trace::current() && Trace::current()->training();
  Recurrence run = recur(y_pred.log_softmax(-1), {start}, step, {.training = training});
  return -at_ends(run.states[0], length);
}

LossFn make_ctc(ClassOptions&, LossImpl&) {
  return [](const Tensor& t, const Tensor& p) { return ctc(t, p); };
}

}  // namespace

LossDefs ctc_losses() { return {{"CTC", "ctc", {"ctc"}, Targets::kLabels, make_ctc}}; }

}  // namespace mica::internal
