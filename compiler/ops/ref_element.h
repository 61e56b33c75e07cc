// Scalar reference implementations: one element at a time, in double, over dense row-major arrays.
#pragma once
#include <functional>

#include "compiler/ops/op_def.h"

namespace mica::ir {

std::int64_t flat_index(const Ints& dims, const Ints& index);
double element(const RefTensor& x, const Ints& index);
// element(), with 1-sized and missing leading axes of x broadcast over `index`.
double broadcast_element(const RefTensor& x, const Ints& index);
// Every index of dims, last axis fastest; once, with {}, for a scalar.
void for_each_index(const Ints& dims, const std::function<void(const Ints& index)>& f);

// A reference that computes each element of the only result by itself.
using ElementFn = std::function<double(const RefContext& c, const Ints& index)>;
ReferenceFn each_element(ElementFn f);

// The meaning of a ScalarOp, operands broadcast: exact integers modulo the width of the dtype, everything else in
// double.
absl::Status evaluate_scalar_op(loop::ScalarOp op, const RefContext& c);

// `value` as the dtype holds it: integers truncate toward zero and saturate, NaN gives 0; floats keep their double.
double convert(double value, DType from, DType to);

}  // namespace mica::ir
