// Tensor's methods that are the functions of the same name.
#include "frontend/mica/functions.h"

namespace mica {

Tensor Tensor::index_select(int dim, const Tensor& index) const { return mica::index_select(*this, dim, index); }
Tensor Tensor::gather(int dim, const Tensor& index) const { return mica::gather(*this, dim, index); }
Tensor Tensor::scatter(int dim, const Tensor& index, const Tensor& src) const {
  return mica::scatter(*this, dim, index, src);
}
Tensor Tensor::argsort(int dim, bool descending) const { return mica::argsort(*this, dim, descending); }
MaxResult Tensor::sort(int dim, bool descending) const { return mica::sort(*this, dim, descending); }
MaxResult Tensor::topk(std::int64_t k, int dim, bool largest) const { return mica::topk(*this, k, dim, largest); }
Tensor Tensor::cumsum(int dim) const { return mica::cumsum(*this, dim); }
Tensor Tensor::cumprod(int dim) const { return mica::cumprod(*this, dim); }
Tensor Tensor::tril(int diagonal) const { return mica::tril(*this, diagonal); }
Tensor Tensor::triu(int diagonal) const { return mica::triu(*this, diagonal); }
Tensor Tensor::flip(std::initializer_list<std::int64_t> dims) const { return mica::flip(*this, dims); }
Tensor Tensor::roll(std::int64_t shifts, int dim) const { return mica::roll(*this, shifts, dim); }

}  // namespace mica
