// A line search that ends where the strong Wolfe conditions hold: enough decrease, and a slope that is small enough.
#pragma once
#include <functional>

#include "frontend/mica/tensor.h"

namespace mica::internal {

// The function along the direction, at one step length.
struct LinePoint {
  double step = 0, value = 0, slope = 0;
  Tensor gradient;
};
struct LineSearchResult {
  LinePoint point;
  std::int64_t evaluations = 0;
};

// `start` is step 0, `first` the length to try first; `largest` the largest element of the direction.
LineSearchResult strong_wolfe(const std::function<LinePoint(double step)>& evaluate, const LinePoint& start,
                              double first, double largest, double tolerance_change);

}  // namespace mica::internal
