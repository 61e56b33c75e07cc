// Keras' CTC: label 0 is the blank, and fills rows up.
#include "frontend/layers/ctc.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/trace.h"
#include "frontend/training/losses/families.h"

namespace mica::internal {
namespace {

constexpr double kLogZero = -1e5;  // Keras' logarithm of a probability of 0: sums of it stay finite

Tensor ctc(const Tensor& y_true, const Tensor& y_pred) {
  if (y_true.dim() != 2 || y_pred.dim() != 3) {
    throw Error({.where = "ctc",
                 .expected = "labels [batch, length] and logits [batch, steps, classes]",
                 .received = absl::StrCat(describe(y_true), " and ", describe(y_pred)),
                 .hint = {}});
  }
  Tensor labels = y_true.to(kInt32), lengths = (labels != 0).to(kInt32).sum(1);
  bool training = Trace::current() && Trace::current()->training();
  return -ctc_log_likelihood(y_pred.log_softmax(-1), labels, lengths,
                             {.impossible = kLogZero, .recurrence = {.training = training}});
}

LossFn make_ctc(ClassOptions&, LossImpl&) {
  return [](const Tensor& t, const Tensor& p) { return ctc(t, p); };
}

}  // namespace

LossDefs ctc_losses() { return {{"CTC", "ctc", {"ctc"}, Targets::kLabels, make_ctc}}; }

}  // namespace mica::internal
