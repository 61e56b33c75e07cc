// The families of operations, and what their records share.
#pragma once
#include <string_view>
#include <vector>

#include "frontend/graph/operation.h"

namespace mica::internal {

using OperationDefs = std::vector<OperationDef>;

OperationDefs elementwise_operations();
OperationDefs reduction_operations();
OperationDefs shape_operations();
OperationDefs indexing_operations();
OperationDefs neural_operations();
OperationDefs linear_algebra_operations();
OperationDefs sorting_operations();

// The record whose same_as names the compiler's operation, or null.
const OperationDef* operation_same_as(std::string_view op);

// A number where the argument is one, so that it stays weak, else a tensor.
struct Operand {
  std::optional<Scalar> number;
  Tensor tensor;
};
Operand operand(const Arguments& arguments, std::string_view name);

// The operation of the compiler on two operands under Keras' promotion.
Tensor promoted(std::string_view op, const Arguments& arguments, std::string_view a, std::string_view b,
                bool to_float = false);

// The axes of `name` counted from the front; all of x's when the argument is None.
std::vector<std::int64_t> axes_of(const Arguments& arguments, std::string_view name, const Tensor& x);

}  // namespace mica::internal
