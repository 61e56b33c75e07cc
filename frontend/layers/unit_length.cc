#include "frontend/layers/unit_length.h"

#include "frontend/graph/apply.h"

namespace mica::internal {

Tensor unit_length(const Tensor& x, const ir::Ints& axes, double epsilon) {
  Tensor squares = apply("reduce_sum", {x.square()}, {{"axes", axes}, {"keepdims", true}});
  return x * squares.rsqrt().clamp({}, 1 / epsilon);
}

}  // namespace mica::internal
