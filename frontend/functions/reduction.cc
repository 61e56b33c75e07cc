// torch.* functions that fold axes, run along them or put them in order.
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/mica/functions.h"

namespace mica {

using internal::apply;
using internal::checked_axis;
using internal::dims_of;
using internal::FunctionScope;
using internal::to_floating;

Tensor all(const Tensor& x, const Axes& dim, ReduceOptions options) { return x.all(dim, options); }
Tensor amax(const Tensor& x, const Axes& dim, ReduceOptions options) { return x.amax(dim, options); }
Tensor amin(const Tensor& x, const Axes& dim, ReduceOptions options) { return x.amin(dim, options); }
Tensor any(const Tensor& x, const Axes& dim, ReduceOptions options) { return x.any(dim, options); }
Tensor argmin(const Tensor& x, std::optional<int> dim, ReduceOptions options) { return x.argmin(dim, options); }
Tensor count_nonzero(const Tensor& x, const Axes& dim) {
  FunctionScope scope("count_nonzero");
  return (x != 0).to(kInt64).sum(dim);
}
Tensor max(const Tensor& x) { return x.max(); }
MaxResult max(const Tensor& x, int dim, ReduceOptions options) { return x.max(dim, options); }
Tensor min(const Tensor& x) { return x.min(); }
MaxResult min(const Tensor& x, int dim, ReduceOptions options) { return x.min(dim, options); }
Tensor nansum(const Tensor& x, const Axes& dim, ReduceOptions options) {
  FunctionScope scope("nansum");
  return where(isnan(x), 0, x).sum(dim, options);
}
Tensor prod(const Tensor& x, const Axes& dim, ReduceOptions options) { return x.prod(dim, options); }
Tensor std(const Tensor& x, const Axes& dim, VarOptions options) { return x.std(dim, options); }
VarMean var_mean(const Tensor& x, const Axes& dim, VarOptions options) {
  return {x.var(dim, options), x.mean(dim, {.keepdim = options.keepdim})};
}

namespace {
ir::Attrs along(const Tensor& x, int dim, std::string_view where) {
  return {{"axis", std::int64_t{checked_axis(dim, x.dim(), where)}}};
}
}  // namespace

MaxResult cummax(const Tensor& x, int dim) {
  FunctionScope scope("cummax");
  ir::Attrs attrs = along(x, dim, "cummax");
  Tensor largest = apply("cummax", {x}, attrs);
  Tensor here =
      apply("iota", {},
            {{"shape", dims_of(x)}, {"axis", std::int64_t{checked_axis(dim, x.dim(), "cummax")}}, {"dtype", kInt64}});
  return {largest, apply("cummax", {where(x == largest, here, 0)}, attrs)};  // of equal ones the last
}
Tensor cumprod(const Tensor& x, int dim) { return apply("cumprod", {x}, along(x, dim, "cumprod")); }
Tensor cumsum(const Tensor& x, int dim) { return apply("cumsum", {x}, along(x, dim, "cumsum")); }
Tensor logcumsumexp(const Tensor& x, int dim) {
  FunctionScope scope("logcumsumexp");
  Tensor largest = apply("stop_gradient", {x.amax(dim, {.keepdim = true})});
  return cumsum((x - largest).exp(), dim).log() + largest;
}

// ---- order

Tensor argsort(const Tensor& x, int dim, bool descending) {
  FunctionScope scope("argsort");
  ir::Attrs attrs = along(x, dim, "argsort");
  attrs.set("descending", descending);
  attrs.set("dtype", kInt64);
  return apply("argsort", {x}, std::move(attrs));
}

MaxResult sort(const Tensor& x, int dim, bool descending) {
  FunctionScope scope("sort");
  ir::Attrs attrs = along(x, dim, "sort");
  attrs.set("descending", descending);
  return {apply("sort", {x}, std::move(attrs)), argsort(x, dim, descending)};
}

MaxResult topk(const Tensor& x, std::int64_t k, int dim, bool largest) {
  FunctionScope scope("topk");
  ir::Attrs attrs = along(x, dim, "topk");
  attrs.set("k", k);
  attrs.set("largest", largest);
  attrs.set("dtype", kInt64);
  Tensors results = internal::apply_all("top_k", {x}, std::move(attrs));
  return {results[0], results[1]};
}

MaxResult kthvalue(const Tensor& x, std::int64_t k, int dim, ReduceOptions options) {
  FunctionScope scope("kthvalue");
  int axis = checked_axis(dim, x.dim(), "kthvalue");
  Tensor index = argsort(x, axis).narrow(axis, k - 1, 1), value = gather(x, axis, index);
  if (options.keepdim) return {value, index};
  return {value.squeeze(axis), index.squeeze(axis)};
}

namespace {
std::int64_t middle(const Tensor& x, int dim) {
  std::int64_t size = x.size(dim);
  if (size > 0) return (size + 1) / 2;
  throw Error({.where = "median", .expected = "a dim of known size", .received = internal::describe(x), .hint = {}});
}
}  // namespace

Tensor median(const Tensor& x) {
  Tensor flat = x.flatten();
  return kthvalue(flat, middle(flat, 0), 0).values;
}
MaxResult median(const Tensor& x, int dim, ReduceOptions options) { return kthvalue(x, middle(x, dim), dim, options); }

Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, bool right) {
  FunctionScope scope("searchsorted");
  return apply("searchsorted", {sorted_sequence, values}, {{"right", right}, {"dtype", kInt64}});
}
Tensor bucketize(const Tensor& x, const Tensor& boundaries, bool right) { return searchsorted(boundaries, x, right); }

}  // namespace mica
