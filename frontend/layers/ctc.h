// Connectionist temporal classification (Graves et al. 2006): how likely a sequence of labels is, whatever its
// alignment with the steps of a prediction. What Keras' CTC and F::ctc_loss share.
#pragma once
#include "frontend/layers/recurrence.h"

namespace mica::internal {

struct CtcScanOptions {
  std::int64_t blank = 0;
  // The logarithm of the probability of what cannot be: finite, so that sums and gradients of it are numbers.
  double impossible = -1e30;
  RecurrenceOptions recurrence = {};
};

// The logarithm of each likelihood, [N]: log_probs [N, steps, classes], labels [N, L] of which `lengths` [N] count.
Tensor ctc_log_likelihood(const Tensor& log_probs, const Tensor& labels, const Tensor& lengths,
                          const CtcScanOptions& options);

}  // namespace mica::internal
