// torch.* and torch.linalg.*: functions of tensors under PyTorch's names, `dim` and `keepdim`, beside those of
// tensor.h.
#pragma once
#include "mica/tensor.h"

namespace mica {

// ---- of each element
Tensor acos(const Tensor& x);
Tensor acosh(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor asinh(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor atanh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor digamma(const Tensor& x);
Tensor erfc(const Tensor& x);
Tensor erfinv(const Tensor& x);
Tensor exp2(const Tensor& x);
Tensor frac(const Tensor& x);
Tensor isfinite(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isnan(const Tensor& x);
Tensor lgamma(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor logical_not(const Tensor& x);
Tensor logit(const Tensor& x, std::optional<double> eps = {});  // eps: x is kept within [eps, 1 - eps]
Tensor neg(const Tensor& x);
Tensor reciprocal(const Tensor& x);
Tensor sinc(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor trunc(const Tensor& x);
struct NanToNumOptions {
  double nan = 0;
  std::optional<double> posinf = {}, neginf = {};  // none: the largest and least number of x's type
};
Tensor nan_to_num(const Tensor& x, NanToNumOptions options = {});
Tensor clamp(const Tensor& x, const Tensor& min, const Tensor& max);  // either may be undefined

struct AlphaOptions {
  double alpha = 1;
};
Tensor add(const Tensor& x, const Tensor& other, AlphaOptions options);
Tensor sub(const Tensor& x, const Tensor& other, AlphaOptions options);
struct DivOptions {
  std::string rounding_mode = {};  // "", "trunc", "floor"
};
Tensor div(const Tensor& x, const Tensor& other, DivOptions options);
struct ValueOptions {
  double value = 1;
};
Tensor addcdiv(const Tensor& x, const Tensor& tensor1, const Tensor& tensor2, ValueOptions options = {});
Tensor addcmul(const Tensor& x, const Tensor& tensor1, const Tensor& tensor2, ValueOptions options = {});
Tensor atan2(const Tensor& x, const Tensor& other);
Tensor eq(const Tensor& x, const Tensor& other);
Tensor fmod(const Tensor& x, const Tensor& other);
Tensor ge(const Tensor& x, const Tensor& other);
Tensor gt(const Tensor& x, const Tensor& other);
Tensor hypot(const Tensor& x, const Tensor& other);
Tensor le(const Tensor& x, const Tensor& other);
Tensor lerp(const Tensor& x, const Tensor& end, const Tensor& weight);
Tensor lerp(const Tensor& x, const Tensor& end, double weight);
Tensor logaddexp(const Tensor& x, const Tensor& other);
Tensor logical_and(const Tensor& x, const Tensor& other);
Tensor logical_or(const Tensor& x, const Tensor& other);
Tensor logical_xor(const Tensor& x, const Tensor& other);
Tensor lt(const Tensor& x, const Tensor& other);
Tensor ne(const Tensor& x, const Tensor& other);
Tensor pow(const Tensor& x, const Tensor& exponent);
Tensor remainder(const Tensor& x, const Tensor& other);

// ---- along dims; none given: over all
Tensor all(const Tensor& x, const Axes& dim = {}, ReduceOptions options = {});
Tensor amax(const Tensor& x, const Axes& dim = {}, ReduceOptions options = {});
Tensor amin(const Tensor& x, const Axes& dim = {}, ReduceOptions options = {});
Tensor any(const Tensor& x, const Axes& dim = {}, ReduceOptions options = {});
Tensor argmin(const Tensor& x, std::optional<int> dim = {}, ReduceOptions options = {});
Tensor count_nonzero(const Tensor& x, const Axes& dim = {});
MaxResult cummax(const Tensor& x, int dim);
Tensor cumprod(const Tensor& x, int dim);
Tensor cumsum(const Tensor& x, int dim);
Tensor logcumsumexp(const Tensor& x, int dim);
Tensor max(const Tensor& x);
MaxResult max(const Tensor& x, int dim, ReduceOptions options = {});  // the gradient goes to the first of equal ones
Tensor min(const Tensor& x);
MaxResult min(const Tensor& x, int dim, ReduceOptions options = {});
Tensor nansum(const Tensor& x, const Axes& dim = {}, ReduceOptions options = {});
Tensor prod(const Tensor& x, const Axes& dim = {}, ReduceOptions options = {});
Tensor std(const Tensor& x, const Axes& dim = {}, VarOptions options = {});
struct VarMean {
  Tensor var, mean;
};
VarMean var_mean(const Tensor& x, const Axes& dim = {}, VarOptions options = {});

// ---- order
Tensor argsort(const Tensor& x, int dim = -1, bool descending = false);
Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right = false);
MaxResult kthvalue(const Tensor& x, std::int64_t k, int dim = -1, ReduceOptions options = {});  // k from 1
Tensor median(const Tensor& x);  // of an even number the lower one in the middle
MaxResult median(const Tensor& x, int dim, ReduceOptions options = {});
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, bool right = false);
MaxResult sort(const Tensor& x, int dim = -1, bool descending = false);  // stable
MaxResult topk(const Tensor& x, std::int64_t k, int dim = -1, bool largest = true);

// ---- shape
Tensor broadcast_to(const Tensor& x, const Shape& size);
Tensors chunk(const Tensor& x, int chunks, int dim = 0);
Tensor diff(const Tensor& x, std::int64_t n = 1, int dim = -1);
Tensor flatten(const Tensor& x, int start_dim = 0, int end_dim = -1);
Tensor flip(const Tensor& x, const std::vector<std::int64_t>& dims);
Tensors meshgrid(const Tensors& tensors, std::string_view indexing = "ij");
Tensor movedim(const Tensor& x, int source, int destination);
Tensor narrow(const Tensor& x, int dim, std::int64_t start, std::int64_t length);
Tensor permute(const Tensor& x, const std::vector<std::int64_t>& dims);
Tensor repeat_interleave(const Tensor& x, std::int64_t repeats, std::optional<int> dim = {});
Tensor reshape(const Tensor& x, const Shape& shape);
Tensor roll(const Tensor& x, std::int64_t shifts);  // of all elements in their order
Tensor roll(const Tensor& x, std::int64_t shifts, int dim);
Tensor roll(const Tensor& x, const std::vector<std::int64_t>& shifts, const std::vector<std::int64_t>& dims);
Tensor rot90(const Tensor& x, std::int64_t k = 1, std::array<int, 2> dims = {0, 1});
Tensor select(const Tensor& x, int dim, std::int64_t index);
Tensors split(const Tensor& x, std::int64_t size, int dim = 0);
Tensors split(const Tensor& x, const std::vector<std::int64_t>& sections, int dim = 0);
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, int dim);
Tensor tile(const Tensor& x, const std::vector<std::int64_t>& dims);
Tensor transpose(const Tensor& x, int dim0, int dim1);
Tensor tril(const Tensor& x, int diagonal = 0);
Tensor triu(const Tensor& x, int diagonal = 0);
Tensors unbind(const Tensor& x, int dim = 0);
Tensor unflatten(const Tensor& x, int dim, const Shape& sizes);
Tensor unfold(const Tensor& x, int dim, std::int64_t size, std::int64_t step);  // Tensor.unfold: windows as a last axis
Tensor unsqueeze(const Tensor& x, int dim);

// ---- by position
Tensor bincount(const Tensor& x, std::int64_t minlength = 0);  // of concrete ids
Tensor gather(const Tensor& x, int dim, const Tensor& index);
Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source, AlphaOptions options = {});
Tensor index_copy(const Tensor& x, int dim, const Tensor& index, const Tensor& source);
Tensor index_select(const Tensor& x, int dim, const Tensor& index);
Tensor masked_select(const Tensor& x, const Tensor& mask);                         // the mask must be concrete
Tensor nonzero(const Tensor& x);                                                   // of concrete values: [count, rank]
Tensor scatter(const Tensor& x, int dim, const Tensor& index, const Tensor& src);  // the last of equal positions stays
Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& src);
struct ScatterReduceOptions {
  bool include_self = true;
};
// reduce: "sum", "prod", "mean", "amax", "amin".
Tensor scatter_reduce(const Tensor& x, int dim, const Tensor& index, const Tensor& src, std::string_view reduce,
                      ScatterReduceOptions options = {});
Tensor take(const Tensor& x, const Tensor& index);  // of all elements in their order
Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int> dim = {});

// ---- random numbers of the shape of x, which may be symbolic: drawn anew at each run
Tensor rand_like(const Tensor& x);   // uniform in [0, 1)
Tensor randn_like(const Tensor& x);  // mean 0, variance 1
Tensor bernoulli(const Tensor& p);   // 1 with probability p, else 0

// ---- matrices
struct AddmmOptions {
  double beta = 1, alpha = 1;  // beta * x + alpha * product
};
Tensor addmm(const Tensor& x, const Tensor& mat1, const Tensor& mat2, AddmmOptions options = {});
Tensor baddbmm(const Tensor& x, const Tensor& batch1, const Tensor& batch2, AddmmOptions options = {});
Tensor cdist(const Tensor& x1, const Tensor& x2, double p = 2);
Tensor diag(const Tensor& x, int diagonal = 0);  // of a matrix; or the matrix of a vector
Tensor diag_embed(const Tensor& x, int offset = 0);
Tensor diagonal(const Tensor& x, int offset = 0, int dim1 = 0, int dim2 = 1);
Tensor kron(const Tensor& x, const Tensor& other);
Tensor tensordot(const Tensor& a, const Tensor& b, int dims = 2);  // the last of a with the first of b
Tensor tensordot(const Tensor& a, const Tensor& b, const std::vector<std::int64_t>& dims_a,
                 const std::vector<std::int64_t>& dims_b);
Tensor trace(const Tensor& x);

namespace linalg {
Tensor cholesky(const Tensor& A);
Tensor det(const Tensor& A);
Tensor inv(const Tensor& A);
Tensor solve(const Tensor& A, const Tensor& B);
struct VectorNormOptions {
  double ord = 2;
  Axes dim = {};
  bool keepdim = false;
};
Tensor vector_norm(const Tensor& x, VectorNormOptions options = {});  // its subgradient at 0 is 0
struct MatrixNormOptions {
  std::string ord = "fro";  // "fro", "inf", "-inf", "1", "-1"
  bool keepdim = false;
};
Tensor matrix_norm(const Tensor& A, MatrixNormOptions options = {});  // of the last two axes

// A = QR: orthonormal columns, and an upper triangle whose diagonal may be negative.
struct QR {
  Tensor Q, R;
};
struct QROptions {
  std::string mode = "reduced";  // "complete": Q is square
};
QR qr(const Tensor& A, QROptions options = {});
// A = U diag(S) Vh; S descends. The signs of the columns of U with their rows of Vh are free.
struct SVD {
  Tensor U, S, Vh;
};
struct SVDOptions {
  bool full_matrices = true;
};
SVD svd(const Tensor& A, SVDOptions options = {});
Tensor svdvals(const Tensor& A);
// A = V diag(L) Vᵀ of a symmetric A, of which one triangle is read; L ascends.
struct Eigh {
  Tensor eigenvalues, eigenvectors;
};
struct EighOptions {
  std::string UPLO = "L";  // or "U"
};
Eigh eigh(const Tensor& A, EighOptions options = {});
Tensor eigvalsh(const Tensor& A, EighOptions options = {});
Tensor pinv(const Tensor& A);
// The X of least |A X - B|, of all such the smallest; rank and singular values are those of A.
struct LeastSquares {
  Tensor solution, residuals, rank, singular_values;
};
LeastSquares lstsq(const Tensor& A, const Tensor& B, std::optional<double> rcond = {});
}  // namespace linalg

}  // namespace mica
