// torch.* functions that read and write at positions which are data.
#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/function_scope.h"
#include "frontend/mica/functions.h"

namespace mica {

using internal::apply;
using internal::checked_axis;
using internal::dims_of;
using internal::FunctionScope;

namespace {

ir::Attrs along(const Tensor& x, int dim, std::string_view where) {
  return {{"axis", std::int64_t{checked_axis(dim, x.dim(), where)}}};
}

// Scatter functions take no more of `src` than there are indices.
Tensor as_large_as(const Tensor& src, const Tensor& index) {
  Tensor part = src;
  for (int i = 0; i < index.dim(); ++i) {
    if (src.size(i) != index.size(i)) part = part.narrow(i, 0, index.size(i));
  }
  return part;
}

// Which source writes where: the axis of x last; true in [..., source, position] where the source names the position.
struct Writes {
  Tensor x, values, hits;  // [..., position], [..., source], [..., source, position]

  Writes(const Tensor& into, int axis, const Tensor& index, const Tensor& src) : x(movedim(into, axis, -1)) {
    Tensor positions = movedim(index, axis, -1);
    values = movedim(as_large_as(src, index), axis, -1);
    ir::Dims low(static_cast<std::size_t>(x.dim()), ir::Dim(0)), high = low;
    for (std::size_t i = 0; i + 1 < high.size(); ++i) high[i] = dims_of(x)[i] - dims_of(positions)[i];
    if (high != low) {  // rows of x without indices: their sources name no position
      positions = apply("pad", {positions}, {{"low", low}, {"high", high}, {"value", -1.0}});
      values = apply("pad", {values}, {{"low", low}, {"high", high}});
    }
    hits = positions.unsqueeze(-1) ==
           apply("iota", {},
                 {{"shape", ir::Dims{dims_of(x).back()}}, {"axis", std::int64_t{0}}, {"dtype", index.dtype()}});
  }

  // The values at the positions they write, `neutral` elsewhere; with the old value as one more source.
  Tensor spread(double neutral, bool include_self) const {
    Tensor all = where(hits, values.unsqueeze(-1), neutral);
    return include_self ? cat({x.unsqueeze(-2), all}, -2) : all;
  }
  Tensor written() const { return hits.any(-2); }
};

}  // namespace

Tensor gather(const Tensor& x, int dim, const Tensor& index) {
  FunctionScope scope("gather");
  return apply("gather_elements", {x, index}, along(x, dim, "gather"));
}
Tensor index_add(const Tensor& x, int dim, const Tensor& index, const Tensor& source, AlphaOptions options) {
  FunctionScope scope("index_add");
  Tensor updates = options.alpha == 1 ? source : source * options.alpha;
  return apply("scatter_add", {x, index, updates}, along(x, dim, "index_add"));
}
Tensor index_select(const Tensor& x, int dim, const Tensor& index) {
  FunctionScope scope("index_select");
  return apply("gather", {x, index}, along(x, dim, "index_select"));
}
Tensor take(const Tensor& x, const Tensor& index) {
  FunctionScope scope("take");
  return apply("gather", {x.flatten(), index}, {{"axis", std::int64_t{0}}});
}
Tensor take_along_dim(const Tensor& x, const Tensor& indices, std::optional<int> dim) {
  return dim ? gather(x, *dim, indices) : gather(x.flatten(), 0, indices.flatten());
}

Tensor scatter(const Tensor& x, int dim, const Tensor& index, const Tensor& src) {
  FunctionScope scope("scatter");
  int axis = checked_axis(dim, x.dim(), "scatter");
  Writes writes(x, axis, index, src);
  std::int64_t sources = writes.values.size(-1);
  if (sources == 0) return x;
  // Sources are numbered from 1, so that 0 says that there is none.
  Tensor numbers = arange(1, sources + 1).unsqueeze(1);
  Tensor last = where(writes.hits, numbers, 0).amax(-2);
  Tensor chosen = gather(writes.values, -1, maximum(last - 1, zeros_like(last)));
  return movedim(where(last > 0, chosen, writes.x), -1, axis);
}
Tensor index_copy(const Tensor& x, int dim, const Tensor& index, const Tensor& source) {
  FunctionScope scope("index_copy");
  int axis = checked_axis(dim, x.dim(), "index_copy");
  ir::Dims dims(static_cast<std::size_t>(x.dim()), ir::Dim(1));
  dims[static_cast<std::size_t>(axis)] = dims_of(index)[0];
  Tensor everywhere = apply("broadcast_to", {internal::reshape_dims(index, dims)}, {{"shape", dims_of(source)}});
  return scatter(x, axis, everywhere, source);
}
Tensor scatter_add(const Tensor& x, int dim, const Tensor& index, const Tensor& src) {
  FunctionScope scope("scatter_add");
  return apply("scatter_elements_add", {x, index, as_large_as(src, index)}, along(x, dim, "scatter_add"));
}

Tensor scatter_reduce(const Tensor& x, int dim, const Tensor& index, const Tensor& src, std::string_view reduce,
                      ScatterReduceOptions options) {
  FunctionScope scope("scatter_reduce");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  int axis = checked_axis(dim, x.dim(), "scatter_reduce");
  Writes writes(x, axis, index, src);
  bool self = options.include_self;
  Tensor folded;
  if (reduce == "sum") {
    folded = writes.spread(0, self).sum(-2);
  } else if (reduce == "mean") {
    Tensor count = writes.hits.sum(-2).to(x.dtype());
    folded = writes.spread(0, self).sum(-2) / (self ? count + 1 : maximum(count, ones_like(count)));
  } else if (reduce == "prod") {
    folded = writes.spread(1, self).prod(-2);
  } else if (reduce == "amax") {
    folded = writes.spread(-kInfinity, self).amax(-2);
  } else if (reduce == "amin") {
    folded = writes.spread(kInfinity, self).amin(-2);
  } else {
    throw Error({.where = "scatter_reduce",
                 .expected = "reduce sum, prod, mean, amax or amin",
                 .received = absl::StrCat("\"", std::string(reduce), "\""),
                 .hint = {}});
  }
  if (!self) folded = where(writes.written(), folded, writes.x);
  return movedim(folded, -1, axis);
}

// ---- results whose shape depends on values: the values must be concrete

Tensor bincount(const Tensor& x, std::int64_t minlength) {
  FunctionScope scope("bincount");
  std::int64_t size = x.numel() == 0 ? minlength : std::max(minlength, x.max().item<std::int64_t>() + 1);
  return index_add(zeros({size}, {.dtype = kInt64}), 0, x, ones_like(x).to(kInt64));
}
Tensor masked_select(const Tensor& x, const Tensor& mask) {
  FunctionScope scope("masked_select");
  return x[mask.to(kBool)];
}
Tensor nonzero(const Tensor& x) {
  FunctionScope scope("nonzero");
  rt::Array values = internal::compute(internal::defined_node(x));
  std::vector<std::int64_t> positions;
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < values.numel(); ++i) {
    if (values.at(i) == 0) continue;
    ++count;
    std::int64_t stride = values.numel(), rest = i;
    for (std::int64_t size : values.dims()) {
      stride /= size;
      positions.push_back(rest / stride);
      rest %= stride;
    }
  }
  return tensor(positions, {count, x.dim()});
}

}  // namespace mica
