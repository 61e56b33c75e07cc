// Shape rules that records share. A rule is an InferFn or a piece of one; its failures say what was expected and what
// was received.
#pragma once
#include <string>

#include "compiler/ops/op_def.h"

namespace mica::ir {

// One result with the dims found by a rule, or the rule's failure.
absl::StatusOr<Types> one_result(DType dtype, absl::StatusOr<Dims> dims);
absl::Status expected(const std::string& what, const std::string& received);

// The type of operand i; all operands broadcast against each other and promoted; the same with a bool result.
InferFn same_as(int operand = 0);
InferFn broadcast_of_operands();
// The type that the attributes `dtype` and `shape` say.
InferFn type_of_attrs();

absl::StatusOr<Dims> broadcast_all(const Types& types);
// The dims left by a reduction over `axes` (empty: all).
absl::StatusOr<Dims> reduced_dims(const TensorType& x, const Ints& axes, bool keepdims);

// One axis of a window that slides over `size` elements: floor((size + pad_low + pad_high - dilation*(window-1) - 1) /
// stride) + 1.
struct WindowAxis {
  Dim window;
  std::int64_t stride = 1, dilation = 1, pad_low = 0, pad_high = 0;
};
absl::StatusOr<Dim> windowed_dim(const Dim& size, const WindowAxis& axis);

// That an axis of `size` has `needed` elements, where this is open; only if `unless_zero` is not zero.
void add_at_least(std::vector<Bound>& bounds, const Dim& needed, const Dim& size, int axis, const Dim& unless_zero = 1);
// Of operations that read operand 0 along their axis at what operand 1 says: that it has an element if there is one to
// read.
std::vector<Bound> bounds_of_indexed(const InferContext& c);
// Of reductions over `axes` (empty: all) without an identity: that each result folds an element.
std::vector<Bound> bounds_of_folded(const TensorType& x, const Ints& axes);

// Of valid nodes, for definitions and gradients: axes counted from the front, sorted, all of them when `axes` is empty.
int axis_of(const Attrs& attrs, int rank);
Ints axes_of(const Attrs& attrs, int rank);
// dims with 1 at `axes`.
Dims keep_dims(const Dims& dims, const Ints& axes);

}  // namespace mica::ir
