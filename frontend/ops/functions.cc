// ops:: by name: each function is its class's operation.
#include "frontend/graph/operation.h"
#include "frontend/mica/ops.h"

namespace mica::ops {

using internal::Argument;
using internal::find_operation;
using internal::use_operation;

namespace {
Argument pairs(const std::vector<std::array<std::int64_t, 2>>& widths) {
  Argument::List list;
  for (const auto& [low, high] : widths) list.push_back(Argument::List{low, high});
  return list;
}
}  // namespace

Tensor abs(const Tensor& x) { return use_operation("Absolute", {{"x", x}}); }
Tensor absolute(const Tensor& x) { return use_operation("Absolute", {{"x", x}}); }
Tensor add(const Tensor& x1, const Tensor& x2) { return use_operation("Add", {{"x1", x1}, {"x2", x2}}); }
Tensor arctan2(const Tensor& x1, const Tensor& x2) { return use_operation("Arctan2", {{"x1", x1}, {"x2", x2}}); }
Tensor cast(const Tensor& x, DType dtype) { return use_operation("Cast", {{"x", x}, {"dtype", dtype}}); }
Tensor ceil(const Tensor& x) { return use_operation("Ceil", {{"x", x}}); }
Tensor clip(const Tensor& x, Scalar x_min, Scalar x_max) {
  return use_operation("Clip", {{"x", x}, {"x_min", x_min}, {"x_max", x_max}});
}
Tensor cos(const Tensor& x) { return use_operation("Cos", {{"x", x}}); }
Tensor divide(const Tensor& x1, const Tensor& x2) { return use_operation("Divide", {{"x1", x1}, {"x2", x2}}); }
Tensor equal(const Tensor& x1, const Tensor& x2) { return use_operation("Equal", {{"x1", x1}, {"x2", x2}}); }
Tensor erf(const Tensor& x) { return use_operation("Erf", {{"x", x}}); }
Tensor exp(const Tensor& x) { return use_operation("Exp", {{"x", x}}); }
Tensor expm1(const Tensor& x) { return use_operation("Expm1", {{"x", x}}); }
Tensor floor(const Tensor& x) { return use_operation("Floor", {{"x", x}}); }
Tensor greater(const Tensor& x1, const Tensor& x2) { return use_operation("Greater", {{"x1", x1}, {"x2", x2}}); }
Tensor greater_equal(const Tensor& x1, const Tensor& x2) {
  return use_operation("GreaterEqual", {{"x1", x1}, {"x2", x2}});
}
Tensor isfinite(const Tensor& x) { return use_operation("Isfinite", {{"x", x}}); }
Tensor isinf(const Tensor& x) { return use_operation("Isinf", {{"x", x}}); }
Tensor isnan(const Tensor& x) { return use_operation("Isnan", {{"x", x}}); }
Tensor less(const Tensor& x1, const Tensor& x2) { return use_operation("Less", {{"x1", x1}, {"x2", x2}}); }
Tensor less_equal(const Tensor& x1, const Tensor& x2) { return use_operation("LessEqual", {{"x1", x1}, {"x2", x2}}); }
Tensor log(const Tensor& x) { return use_operation("Log", {{"x", x}}); }
Tensor log1p(const Tensor& x) { return use_operation("Log1p", {{"x", x}}); }
Tensor log2(const Tensor& x) { return use_operation("Log2", {{"x", x}}); }
Tensor log10(const Tensor& x) { return use_operation("Log10", {{"x", x}}); }
Tensor logical_and(const Tensor& x1, const Tensor& x2) { return use_operation("LogicalAnd", {{"x1", x1}, {"x2", x2}}); }
Tensor logical_not(const Tensor& x) { return use_operation("LogicalNot", {{"x", x}}); }
Tensor logical_or(const Tensor& x1, const Tensor& x2) { return use_operation("LogicalOr", {{"x1", x1}, {"x2", x2}}); }
Tensor logical_xor(const Tensor& x1, const Tensor& x2) { return use_operation("LogicalXor", {{"x1", x1}, {"x2", x2}}); }
Tensor maximum(const Tensor& x1, const Tensor& x2) { return use_operation("Maximum", {{"x1", x1}, {"x2", x2}}); }
Tensor minimum(const Tensor& x1, const Tensor& x2) { return use_operation("Minimum", {{"x1", x1}, {"x2", x2}}); }
Tensor mod(const Tensor& x1, const Tensor& x2) { return use_operation("Mod", {{"x1", x1}, {"x2", x2}}); }
Tensor multiply(const Tensor& x1, const Tensor& x2) { return use_operation("Multiply", {{"x1", x1}, {"x2", x2}}); }
Tensor negative(const Tensor& x) { return use_operation("Negative", {{"x", x}}); }
Tensor not_equal(const Tensor& x1, const Tensor& x2) { return use_operation("NotEqual", {{"x1", x1}, {"x2", x2}}); }
Tensor power(const Tensor& x1, const Tensor& x2) { return use_operation("Power", {{"x1", x1}, {"x2", x2}}); }
Tensor power(const Tensor& x1, Scalar x2) { return use_operation("Power", {{"x1", x1}, {"x2", x2}}); }
Tensor reciprocal(const Tensor& x) { return use_operation("Reciprocal", {{"x", x}}); }
Tensor round(const Tensor& x, std::int64_t decimals) {
  return use_operation("Round", {{"x", x}, {"decimals", decimals}});
}
Tensor rsqrt(const Tensor& x) { return use_operation("Rsqrt", {{"x", x}}); }
Tensor sign(const Tensor& x) { return use_operation("Sign", {{"x", x}}); }
Tensor sin(const Tensor& x) { return use_operation("Sin", {{"x", x}}); }
Tensor sqrt(const Tensor& x) { return use_operation("Sqrt", {{"x", x}}); }
Tensor square(const Tensor& x) { return use_operation("Square", {{"x", x}}); }
Tensor stop_gradient(const Tensor& x) { return use_operation("StopGradient", {{"variable", x}}); }
Tensor subtract(const Tensor& x1, const Tensor& x2) { return use_operation("Subtract", {{"x1", x1}, {"x2", x2}}); }
Tensor tan(const Tensor& x) { return use_operation("Tan", {{"x", x}}); }
Tensor tanh(const Tensor& x) { return use_operation("Tanh", {{"x", x}}); }
Tensor where(const Tensor& condition, const Tensor& x1, const Tensor& x2) {
  return use_operation("Where", {{"condition", condition}, {"x1", x1}, {"x2", x2}});
}
Tensor all(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("All", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor any(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Any", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor argmax(const Tensor& x, std::optional<int> axis, ReduceOptions options) {
  return use_operation("Argmax", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor argmin(const Tensor& x, std::optional<int> axis, ReduceOptions options) {
  return use_operation("Argmin", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor count_nonzero(const Tensor& x, const Axes& axis) {
  return use_operation("CountNonzero", {{"x", x}, {"axis", axis}});
}
Tensor cumprod(const Tensor& x, std::optional<int> axis) {
  return use_operation("Cumprod", {{"x", x}, {"axis", axis}});
}
Tensor cumsum(const Tensor& x, std::optional<int> axis) { return use_operation("Cumsum", {{"x", x}, {"axis", axis}}); }
Tensor logsumexp(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Logsumexp", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor max(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Max", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor mean(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Mean", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor min(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Min", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor norm(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Norm", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor prod(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Prod", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor std(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Std", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor sum(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Sum", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor var(const Tensor& x, const Axes& axis, ReduceOptions options) {
  return use_operation("Var", {{"x", x}, {"axis", axis}, {"keepdims", options.keepdims}});
}
Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  return use_operation("BroadcastTo", {{"x", x}, {"shape", shape}});
}
Tensor concatenate(const Tensors& xs, int axis) { return use_operation("Concatenate", {{"xs", xs}, {"axis", axis}}); }
Tensor diagonal(const Tensor& x, int offset, int axis1, int axis2) {
  return use_operation("Diagonal", {{"x", x}, {"offset", offset}, {"axis1", axis1}, {"axis2", axis2}});
}
Tensor expand_dims(const Tensor& x, int axis) { return use_operation("ExpandDims", {{"x", x}, {"axis", axis}}); }
Tensor flip(const Tensor& x, const Axes& axis) { return use_operation("Flip", {{"x", x}, {"axis", axis}}); }
Tensor moveaxis(const Tensor& x, int source, int destination) {
  return use_operation("Moveaxis", {{"x", x}, {"source", source}, {"destination", destination}});
}
Tensor ones_like(const Tensor& x) { return use_operation("OnesLike", {{"x", x}}); }
Tensor pad(const Tensor& x, const std::vector<std::array<std::int64_t, 2>>& pad_width, std::string_view mode) {
  return use_operation("Pad", {{"x", x}, {"pad_width", pairs(pad_width)}, {"mode", std::string(mode)}});
}
Tensor ravel(const Tensor& x) { return use_operation("Ravel", {{"x", x}}); }
Tensor repeat(const Tensor& x, std::int64_t repeats, std::optional<int> axis) {
  return use_operation("Repeat", {{"x", x}, {"repeats", repeats}, {"axis", axis}});
}
Tensor reshape(const Tensor& x, const Shape& shape) {
  return use_operation("Reshape", {{"x", x}, {"newshape", shape}});
}
Tensor roll(const Tensor& x, std::int64_t shift, std::optional<int> axis) {
  return use_operation("Roll", {{"x", x}, {"shift", shift}, {"axis", axis}});
}
Tensors split(const Tensor& x, std::int64_t sections, int axis) {
  return use_operation(*find_operation("Split"), {{"x", x}, {"indices_or_sections", sections}, {"axis", axis}});
}
Tensor squeeze(const Tensor& x, std::optional<int> axis) {
  return use_operation("Squeeze", {{"x", x}, {"axis", axis}});
}
Tensor stack(const Tensors& xs, int axis) { return use_operation("Stack", {{"x", xs}, {"axis", axis}}); }
Tensor swapaxes(const Tensor& x, int axis1, int axis2) {
  return use_operation("Swapaxes", {{"x", x}, {"axis1", axis1}, {"axis2", axis2}});
}
Tensor tile(const Tensor& x, const std::vector<std::int64_t>& repeats) {
  return use_operation("Tile", {{"x", x}, {"repeats", repeats}});
}
Tensor transpose(const Tensor& x, const std::vector<std::int64_t>& axes) {
  return use_operation("Transpose", {{"x", x}, {"axes", axes.empty() ? Argument() : Argument(axes)}});
}
Tensor tril(const Tensor& x, int k) { return use_operation("Tril", {{"x", x}, {"k", k}}); }
Tensor triu(const Tensor& x, int k) { return use_operation("Triu", {{"x", x}, {"k", k}}); }
Tensors unstack(const Tensor& x, int axis) {
  return use_operation(*find_operation("Unstack"), {{"x", x}, {"axis", axis}});
}
Tensor zeros_like(const Tensor& x) { return use_operation("ZerosLike", {{"x", x}}); }
Tensor one_hot(const Tensor& x, std::int64_t num_classes, int axis) {
  return use_operation("OneHot", {{"x", x}, {"num_classes", num_classes}, {"axis", axis}});
}
Tensor take(const Tensor& x, const Tensor& indices, std::optional<int> axis) {
  return use_operation("Take", {{"x", x}, {"indices", indices}, {"axis", axis}});
}
Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::optional<int> axis) {
  return use_operation("TakeAlongAxis", {{"x", x}, {"indices", indices}, {"axis", axis}});
}
Tensor dot(const Tensor& x1, const Tensor& x2) { return use_operation("Dot", {{"x1", x1}, {"x2", x2}}); }
Tensor einsum(std::string_view subscripts, const Tensors& operands) {
  return use_operation("Einsum", {{"subscripts", std::string(subscripts)}, {"*operands", operands}});
}
Tensor matmul(const Tensor& x1, const Tensor& x2) { return use_operation("Matmul", {{"x1", x1}, {"x2", x2}}); }
Tensor outer(const Tensor& x1, const Tensor& x2) { return use_operation("Outer", {{"x1", x1}, {"x2", x2}}); }
Tensor tensordot(const Tensor& x1, const Tensor& x2, std::int64_t axes) {
  return use_operation("Tensordot", {{"x1", x1}, {"x2", x2}, {"axes", axes}});
}
Tensors eigh(const Tensor& x) { return use_operation(*find_operation("Eigh"), {{"x", x}}); }
Tensor lstsq(const Tensor& a, const Tensor& b, std::optional<double> rcond) {
  return use_operation("Lstsq", {{"a", a}, {"b", b}, {"rcond", rcond}});
}
Tensors qr(const Tensor& x, std::string_view mode) {
  return use_operation(*find_operation("Qr"), {{"x", x}, {"mode", std::string(mode)}});
}
Tensors svd(const Tensor& x, bool full_matrices) {
  return use_operation(*find_operation("SVD"), {{"x", x}, {"full_matrices", full_matrices}});
}

Tensor celu(const Tensor& x, double alpha) { return use_operation("Celu", {{"x", x}, {"alpha", alpha}}); }
Tensor elu(const Tensor& x, double alpha) { return use_operation("Elu", {{"x", x}, {"alpha", alpha}}); }
Tensor gelu(const Tensor& x, bool approximate) {
  return use_operation("Gelu", {{"x", x}, {"approximate", approximate}});
}
Tensor glu(const Tensor& x, int axis) { return use_operation("Glu", {{"x", x}, {"axis", axis}}); }
Tensor hard_sigmoid(const Tensor& x) { return use_operation("HardSigmoid", {{"x", x}}); }
Tensor hard_silu(const Tensor& x) { return use_operation("HardSilu", {{"x", x}}); }
Tensor leaky_relu(const Tensor& x, double negative_slope) {
  return use_operation("LeakyRelu", {{"x", x}, {"negative_slope", negative_slope}});
}
Tensor log_sigmoid(const Tensor& x) { return use_operation("LogSigmoid", {{"x", x}}); }
Tensor log_softmax(const Tensor& x, int axis) { return use_operation("LogSoftmax", {{"x", x}, {"axis", axis}}); }
Tensor normalize(const Tensor& x, int axis, double order) {
  return use_operation("Normalize", {{"x", x}, {"axis", axis}, {"order", order}});
}
Tensor relu(const Tensor& x) { return use_operation("Relu", {{"x", x}}); }
Tensor relu6(const Tensor& x) { return use_operation("Relu6", {{"x", x}}); }
Tensor selu(const Tensor& x) { return use_operation("Selu", {{"x", x}}); }
Tensor sigmoid(const Tensor& x) { return use_operation("Sigmoid", {{"x", x}}); }
Tensor silu(const Tensor& x) { return use_operation("Silu", {{"x", x}}); }
Tensor softmax(const Tensor& x, int axis) { return use_operation("Softmax", {{"x", x}, {"axis", axis}}); }
Tensor softplus(const Tensor& x) { return use_operation("Softplus", {{"x", x}}); }
Tensor softsign(const Tensor& x) { return use_operation("Softsign", {{"x", x}}); }

Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value, AttentionOptions options) {
  auto optional = [](const Tensor& tensor) { return tensor.defined() ? Argument(tensor) : Argument(); };
  return use_operation("DotProductAttention", {{"query", query},
                                               {"key", key},
                                               {"value", value},
                                               {"bias", optional(options.bias)},
                                               {"mask", optional(options.mask)},
                                               {"scale", options.scale},
                                               {"is_causal", options.is_causal}});
}

}  // namespace mica::ops
