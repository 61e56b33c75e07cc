// Operators of tensors and numbers: one operation each, promoted by Keras' table, numbers weak. On symbolic tensors
// they are the operations of keras.ops of the given class.
#include "frontend/graph/apply.h"
#include "frontend/graph/operation.h"

namespace mica {

using internal::apply;
using internal::apply_promoted;
using internal::is_recorded;
using internal::use_operation;

namespace {

// Numbers are never.
bool is_recorded(Scalar) { return false; }

template <class A, class B>
Tensor binary(std::string_view class_name, std::string_view op, const A& a, const B& b, bool to_float) {
  if (is_recorded(a) || is_recorded(b)) return use_operation(class_name, {{"x1", a}, {"x2", b}});
  return apply_promoted(op, a, b, to_float);
}

Tensor unary(std::string_view class_name, std::string_view op, const Tensor& x) {
  return is_recorded(x) ? use_operation(class_name, {{"x", x}}) : apply(op, {x});
}

}  // namespace

#define MICA_BINARY_OPERATOR(symbol, class_name, op, to_float)                                                \
  Tensor operator symbol(const Tensor& a, const Tensor& b) { return binary(class_name, op, a, b, to_float); } \
  Tensor operator symbol(const Tensor& a, Scalar b) { return binary(class_name, op, a, b, to_float); }        \
  Tensor operator symbol(Scalar a, const Tensor& b) { return binary(class_name, op, a, b, to_float); }

MICA_BINARY_OPERATOR(+, "Add", "add", false)
MICA_BINARY_OPERATOR(-, "Subtract", "subtract", false)
MICA_BINARY_OPERATOR(*, "Multiply", "multiply", false)
MICA_BINARY_OPERATOR(/, "TrueDivide", "divide", true)
MICA_BINARY_OPERATOR(%, "Mod", "mod", false)
MICA_BINARY_OPERATOR(<, "Less", "less", false)
MICA_BINARY_OPERATOR(>, "Greater", "greater", false)
MICA_BINARY_OPERATOR(<=, "LessEqual", "less_equal", false)
MICA_BINARY_OPERATOR(>=, "GreaterEqual", "greater_equal", false)
MICA_BINARY_OPERATOR(==, "Equal", "equal", false)
MICA_BINARY_OPERATOR(!=, "NotEqual", "not_equal", false)
#undef MICA_BINARY_OPERATOR

namespace {

// Logical on bool, bitwise on integers.
struct Logical {
  std::string_view class_name, op;
};
Tensor logical(const Logical& on_bool, const Logical& on_integers, const Tensor& a, const Tensor& b) {
  bool both_bool = a.dtype().is_bool() && b.dtype().is_bool();
  const Logical& used = both_bool ? on_bool : on_integers;
  if (!is_recorded(a) && !is_recorded(b)) return apply_promoted(used.op, a, b);
  return both_bool ? use_operation(used.class_name, {{"x1", a}, {"x2", b}})
                   : use_operation(used.class_name, {{"x", a}, {"y", b}});
}

}  // namespace

Tensor operator&(const Tensor& a, const Tensor& b) {
  return logical({"LogicalAnd", "logical_and"}, {"BitwiseAnd", "bitwise_and"}, a, b);
}
Tensor operator|(const Tensor& a, const Tensor& b) {
  return logical({"LogicalOr", "logical_or"}, {"BitwiseOr", "bitwise_or"}, a, b);
}
Tensor operator^(const Tensor& a, const Tensor& b) {
  return logical({"LogicalXor", "logical_xor"}, {"BitwiseXor", "bitwise_xor"}, a, b);
}
Tensor operator~(const Tensor& x) {
  return x.dtype().is_bool() ? unary("LogicalNot", "logical_not", x) : unary("BitwiseNot", "bitwise_not", x);
}
Tensor operator-(const Tensor& x) { return unary("Negative", "negative", x); }

}  // namespace mica
