// ops:: is keras.ops: Keras' names, arguments and defaults. On symbolic tensors each call is one operation of the
// model, under Keras' name, as in files.
#pragma once
#include "mica/tensor.h"

namespace mica::ops {

// Of each element.
Tensor abs(const Tensor& x);
Tensor absolute(const Tensor& x);
Tensor add(const Tensor& x1, const Tensor& x2);
Tensor arctan2(const Tensor& x1, const Tensor& x2);
Tensor cast(const Tensor& x, DType dtype);
Tensor ceil(const Tensor& x);
Tensor clip(const Tensor& x, Scalar x_min, Scalar x_max);
Tensor cos(const Tensor& x);
Tensor divide(const Tensor& x1, const Tensor& x2);
Tensor equal(const Tensor& x1, const Tensor& x2);
Tensor erf(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor floor(const Tensor& x);
Tensor greater(const Tensor& x1, const Tensor& x2);
Tensor greater_equal(const Tensor& x1, const Tensor& x2);
Tensor isfinite(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isnan(const Tensor& x);
Tensor less(const Tensor& x1, const Tensor& x2);
Tensor less_equal(const Tensor& x1, const Tensor& x2);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor logical_and(const Tensor& x1, const Tensor& x2);
Tensor logical_not(const Tensor& x);
Tensor logical_or(const Tensor& x1, const Tensor& x2);
Tensor logical_xor(const Tensor& x1, const Tensor& x2);
Tensor maximum(const Tensor& x1, const Tensor& x2);
Tensor minimum(const Tensor& x1, const Tensor& x2);
Tensor mod(const Tensor& x1, const Tensor& x2);
Tensor multiply(const Tensor& x1, const Tensor& x2);
Tensor negative(const Tensor& x);
Tensor not_equal(const Tensor& x1, const Tensor& x2);
Tensor power(const Tensor& x1, const Tensor& x2);
Tensor power(const Tensor& x1, Scalar x2);
Tensor reciprocal(const Tensor& x);
Tensor round(const Tensor& x, std::int64_t decimals = 0);
Tensor rsqrt(const Tensor& x);
Tensor sign(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor stop_gradient(const Tensor& x);
Tensor subtract(const Tensor& x1, const Tensor& x2);
Tensor tan(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor where(const Tensor& condition, const Tensor& x1, const Tensor& x2);

// Along axes; none given: over all.
struct ReduceOptions {
  bool keepdims = false;
};
Tensor all(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor any(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor argmax(const Tensor& x, std::optional<int> axis = {}, ReduceOptions options = {});
Tensor argmin(const Tensor& x, std::optional<int> axis = {}, ReduceOptions options = {});
Tensor count_nonzero(const Tensor& x, const Axes& axis = {});
Tensor cumprod(const Tensor& x, std::optional<int> axis = {});
Tensor cumsum(const Tensor& x, std::optional<int> axis = {});
Tensor logsumexp(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor max(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor mean(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor min(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor norm(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor prod(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor std(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor sum(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});
Tensor var(const Tensor& x, const Axes& axis = {}, ReduceOptions options = {});

// Shape.
Tensor broadcast_to(const Tensor& x, const Shape& shape);
Tensor concatenate(const Tensors& xs, int axis = -1);
Tensor diagonal(const Tensor& x, int offset = 0, int axis1 = 0, int axis2 = 1);
Tensor expand_dims(const Tensor& x, int axis);
Tensor flip(const Tensor& x, const Axes& axis = {});
Tensor moveaxis(const Tensor& x, int source, int destination);
Tensor ones_like(const Tensor& x);
Tensor pad(const Tensor& x, const std::vector<std::array<std::int64_t, 2>>& pad_width,
           std::string_view mode = "constant");
Tensor ravel(const Tensor& x);
Tensor repeat(const Tensor& x, std::int64_t repeats, std::optional<int> axis = {});
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor roll(const Tensor& x, std::int64_t shift, std::optional<int> axis = {});
Tensors split(const Tensor& x, std::int64_t sections, int axis = 0);
Tensor squeeze(const Tensor& x, std::optional<int> axis = {});
Tensor stack(const Tensors& xs, int axis = 0);
Tensor swapaxes(const Tensor& x, int axis1, int axis2);
Tensor tile(const Tensor& x, const std::vector<std::int64_t>& repeats);
Tensor transpose(const Tensor& x, const std::vector<std::int64_t>& axes = {});
Tensor tril(const Tensor& x, int k = 0);
Tensor triu(const Tensor& x, int k = 0);
Tensors unstack(const Tensor& x, int axis = 0);
Tensor zeros_like(const Tensor& x);

// By position.
Tensor one_hot(const Tensor& x, std::int64_t num_classes, int axis = -1);
Tensor take(const Tensor& x, const Tensor& indices, std::optional<int> axis = {});
Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::optional<int> axis = {});

// Products.
Tensor dot(const Tensor& x1, const Tensor& x2);
Tensor einsum(std::string_view subscripts, const Tensors& operands);
Tensor matmul(const Tensor& x1, const Tensor& x2);
Tensor outer(const Tensor& x1, const Tensor& x2);
Tensor tensordot(const Tensor& x1, const Tensor& x2, std::int64_t axes = 2);

// Factors of matrices: the last two axes.
Tensors eigh(const Tensor& x);  // eigenvalues, which ascend, and eigenvectors
Tensor lstsq(const Tensor& a, const Tensor& b, std::optional<double> rcond = {});
Tensors qr(const Tensor& x, std::string_view mode = "reduced");  // q, r
Tensors svd(const Tensor& x, bool full_matrices = true);         // u, s, vh

// Activations and what networks are made of.
struct AttentionOptions {
  Tensor bias = {}, mask = {};
  std::optional<double> scale = {};
  bool is_causal = false;
};
Tensor celu(const Tensor& x, double alpha = 1);
Tensor dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                             AttentionOptions options = {});
Tensor elu(const Tensor& x, double alpha = 1);
Tensor gelu(const Tensor& x, bool approximate = true);
Tensor glu(const Tensor& x, int axis = -1);
Tensor hard_sigmoid(const Tensor& x);
Tensor hard_silu(const Tensor& x);
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.2);
Tensor log_sigmoid(const Tensor& x);
Tensor log_softmax(const Tensor& x, int axis = -1);
Tensor normalize(const Tensor& x, int axis = -1, double order = 2);
Tensor relu(const Tensor& x);
Tensor relu6(const Tensor& x);
Tensor selu(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor silu(const Tensor& x);
Tensor softmax(const Tensor& x, int axis = -1);
Tensor softplus(const Tensor& x);
Tensor softsign(const Tensor& x);

}  // namespace mica::ops
