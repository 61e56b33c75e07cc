// Operators of tensors and numbers: one operation each, promoted by Keras' table, numbers weak.
#include "frontend/graph/apply.h"

namespace mica {

using internal::apply;
using internal::apply_promoted;

#define MICA_BINARY_OPERATOR(symbol, op, to_float)                                                        \
  Tensor operator symbol(const Tensor& a, const Tensor& b) { return apply_promoted(op, a, b, to_float); } \
  Tensor operator symbol(const Tensor& a, Scalar b) { return apply_promoted(op, a, b, to_float); }        \
  Tensor operator symbol(Scalar a, const Tensor& b) { return apply_promoted(op, a, b, to_float); }

MICA_BINARY_OPERATOR(+, "add", false)
MICA_BINARY_OPERATOR(-, "subtract", false)
MICA_BINARY_OPERATOR(*, "multiply", false)
MICA_BINARY_OPERATOR(/, "divide", true)
MICA_BINARY_OPERATOR(%, "mod", false)
MICA_BINARY_OPERATOR(<, "less", false)
MICA_BINARY_OPERATOR(>, "greater", false)
MICA_BINARY_OPERATOR(<=, "less_equal", false)
MICA_BINARY_OPERATOR(>=, "greater_equal", false)
MICA_BINARY_OPERATOR(==, "equal", false)
MICA_BINARY_OPERATOR(!=, "not_equal", false)
#undef MICA_BINARY_OPERATOR

namespace {
// Logical on bool, bitwise on integers.
Tensor logical(std::string_view on_bool, std::string_view on_integers, const Tensor& a, const Tensor& b) {
  bool both_bool = a.dtype().is_bool() && b.dtype().is_bool();
  return apply_promoted(both_bool ? on_bool : on_integers, a, b);
}
}  // namespace

Tensor operator&(const Tensor& a, const Tensor& b) { return logical("logical_and", "bitwise_and", a, b); }
Tensor operator|(const Tensor& a, const Tensor& b) { return logical("logical_or", "bitwise_or", a, b); }
Tensor operator^(const Tensor& a, const Tensor& b) { return logical("logical_xor", "bitwise_xor", a, b); }
Tensor operator~(const Tensor& x) { return apply(x.dtype().is_bool() ? "logical_not" : "bitwise_not", {x}); }
Tensor operator-(const Tensor& x) { return apply("negative", {x}); }

}  // namespace mica
