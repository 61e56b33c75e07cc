// torch.*_like of random numbers: drawn where the graph runs, so that the shape may be open and each run draws anew.
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/graph/random.h"
#include "frontend/mica/functions.h"

namespace mica {
namespace {

Tensor drawn_like(const char* function, const char* op, const Tensor& x) {
  internal::FunctionScope scope(function);
  const DType dtype = x.dtype().is_floating() ? x.dtype() : kFloat32;
  return internal::apply(op, {internal::random_state()}, {{"shape", internal::dims_of(x)}, {"dtype", dtype}});
}

}  // namespace

Tensor rand_like(const Tensor& x) { return drawn_like("rand_like", "random_uniform", x); }
Tensor randn_like(const Tensor& x) { return drawn_like("randn_like", "random_normal", x); }
Tensor bernoulli(const Tensor& p) { return (rand_like(p) < p).to(p.dtype()); }

}  // namespace mica
