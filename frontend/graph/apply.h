// apply: the one way to use an operation on tensors. Where the operands are decides what happens:
//   one is traced        a node of the graph under construction, at once
//   one is symbolic      a Call of the DAG
//   all are concrete     a pending value, computed when somebody reads it
// Result types come from the operation's record; a failure is the user's Error at the line of the call.
#pragma once
#include <string_view>

#include "frontend/graph/value.h"

namespace mica::internal {

Tensors apply_all(const ir::OpDef& op, Tensors operands, ir::Attrs attrs = {}, Bodies bodies = {});
// By name, the only result.
Tensor apply(std::string_view op, Tensors operands, ir::Attrs attrs = {});
Tensors apply_all(std::string_view op, Tensors operands, ir::Attrs attrs = {}, Bodies bodies = {});

// Two operands of an elementwise operation, brought to Keras' promoted dtype; `to_float` where integers give floats.
Tensor apply_promoted(std::string_view op, const Tensor& a, const Tensor& b, bool to_float = false);
Tensor apply_promoted(std::string_view op, const Tensor& a, Scalar b, bool to_float = false);
Tensor apply_promoted(std::string_view op, Scalar a, const Tensor& b, bool to_float = false);

// A number as an operand beside `like`: weak, so it takes like's dtype unless it does not fit there.
Tensor weak(Scalar number, const Tensor& like);
DType promote_weak(DType dtype, Scalar number);

Tensor cast(const Tensor& x, DType dtype);            // x itself when it has the dtype
Tensor to_floating(const Tensor& x);                  // integers and bool become float32
Tensor reshape_dims(const Tensor& x, ir::Dims dims);  // dims may be symbolic
const ir::Dims& dims_of(const Tensor& x);

// What a Variable holds now; any other node itself.
ValueRef current_value(const ValueRef& node);

// An axis counted from the front; Error naming `where`.
int checked_axis(std::int64_t axis, int rank, std::string_view where);

}  // namespace mica::internal
