// An update that happens or not, decided by the numbers of the step: the Program is the same for both.
#pragma once
#include "frontend/mica/tensor.h"

namespace mica::internal {

class ConditionalUpdate {
 public:
  // Remembers what the Variables hold now.
  explicit ConditionalUpdate(Parameters variables);
  // Those assigned since take their new values where `condition` (a truth of rank 0) holds, else keep the old ones.
  void only_if(const Tensor& condition) const;

 private:
  Parameters variables_;
  Tensors before_;
};

// A truth of rank 0.
Tensor all_finite(const Tensor& values);

}  // namespace mica::internal
