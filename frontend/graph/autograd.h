// Gradients of lazy values. The gradients of one differentiation are the results of one call, which holds what is
// differentiated and with respect to what; the compiler's autodiff expands it.
#pragma once
#include <vector>

#include "frontend/graph/value.h"
#include "frontend/mica/autograd.h"

namespace mica::internal {

// d output / d each source; pending. Undefined for a source that does not lead to the output.
Tensors gradients_of(const Tensor& output, const std::vector<ValueRef>& sources);

bool any_requires_grad(const Tensors& tensors);

// While it lives, gradients are asked for, or not, of what this thread records.
class GradMode {
 public:
  explicit GradMode(bool enabled);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool enabled_before_;
};

}  // namespace mica::internal
