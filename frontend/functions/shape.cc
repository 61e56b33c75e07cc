// torch.* functions that move elements.
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/mica/functions.h"

namespace mica {

using internal::apply;
using internal::checked_axis;
using internal::dims_of;
using internal::FunctionScope;

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t known_size(const Tensor& x, int axis) {
  if (x.size(axis) != kAny) return x.size(axis);
  throw Error({.where = internal::current_place(),
               .expected = absl::StrCat("the size of axis ", axis, " to be known"),
               .received = internal::describe(x),
               .hint = {}});
}

Tensor rolled(const Tensor& x, std::int64_t shift, int dim) {
  std::int64_t size = known_size(x, dim);
  if (size == 0) return x;
  std::int64_t cut = ((size - shift) % size + size) % size;
  return cat({x.narrow(dim, cut, size - cut), x.narrow(dim, 0, cut)}, dim);
}

Tensor flipped(const Tensor& x, std::int64_t dim) {
  int axis = checked_axis(dim, x.dim(), "flip");
  return apply("slice", {x},
               {{"axis", std::int64_t{axis}},
                {"start", ir::Dims{dims_of(x)[at(axis)] - ir::Dim(1)}},
                {"stop", ir::Dims{ir::Dim(-1)}},
                {"step", std::int64_t{-1}}});
}

Tensor triangle(std::string_view op, const Tensor& x, int diagonal) {
  return apply(op, {x}, {{"diagonal", std::int64_t{diagonal}}});
}

}  // namespace

Tensor broadcast_to(const Tensor& x, const Shape& size) { return x.expand(size); }
Tensors chunk(const Tensor& x, int chunks, int dim) { return x.chunk(chunks, dim); }
Tensor diff(const Tensor& x, std::int64_t n, int dim) {
  FunctionScope scope("diff");
  Tensor y = x;
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t rest = known_size(y, dim) - 1;
    y = y.narrow(dim, 1, rest) - y.narrow(dim, 0, rest);
  }
  return y;
}
Tensor flatten(const Tensor& x, int start_dim, int end_dim) { return x.flatten(start_dim, end_dim); }
Tensor flip(const Tensor& x, const std::vector<std::int64_t>& dims) {
  FunctionScope scope("flip");
  Tensor y = x;
  for (std::int64_t dim : dims) y = flipped(y, dim);
  return y;
}

Tensors meshgrid(const Tensors& tensors, std::string_view indexing) {
  FunctionScope scope("meshgrid");
  if (indexing != "ij" && indexing != "xy") {
    throw Error({.where = "meshgrid",
                 .expected = "indexing ij or xy",
                 .received = absl::StrCat("\"", std::string(indexing), "\""),
                 .hint = {}});
  }
  auto rank = static_cast<int>(tensors.size());
  // With "xy" the first two stand the other way round.
  auto axis_of = [&](int i) { return indexing == "xy" && rank > 1 && i < 2 ? 1 - i : i; };
  ir::Dims dims(tensors.size(), ir::Dim(1));
  for (int i = 0; i < rank; ++i) dims[at(axis_of(i))] = dims_of(tensors[at(i)])[0];
  Tensors grids;
  for (int i = 0; i < rank; ++i) {
    ir::Dims own(tensors.size(), ir::Dim(1));
    own[at(axis_of(i))] = dims_of(tensors[at(i)])[0];
    grids.push_back(apply("broadcast_to", {internal::reshape_dims(tensors[at(i)], own)}, {{"shape", dims}}));
  }
  return grids;
}

Tensor movedim(const Tensor& x, int source, int destination) {
  FunctionScope scope("movedim");
  std::vector<std::int64_t> order(at(x.dim()));
  std::iota(order.begin(), order.end(), 0);
  int from = checked_axis(source, x.dim(), "movedim"), to = checked_axis(destination, x.dim(), "movedim");
  order.erase(order.begin() + from);
  order.insert(order.begin() + to, from);
  return x.permute(order);
}
Tensor narrow(const Tensor& x, int dim, std::int64_t start, std::int64_t length) {
  return x.narrow(dim, start, length);
}
Tensor permute(const Tensor& x, const std::vector<std::int64_t>& dims) { return x.permute(dims); }

Tensor repeat_interleave(const Tensor& x, std::int64_t repeats, std::optional<int> dim) {
  FunctionScope scope("repeat_interleave");
  Tensor y = dim ? x : x.flatten();
  int axis = checked_axis(dim.value_or(0), y.dim(), "repeat_interleave");
  ir::Dims spread = dims_of(y), joined = spread;
  spread.insert(spread.begin() + axis + 1, ir::Dim(repeats));
  joined[at(axis)] = joined[at(axis)] * ir::Dim(repeats);
  return internal::reshape_dims(apply("broadcast_to", {y.unsqueeze(axis + 1)}, {{"shape", spread}}), joined);
}
Tensor reshape(const Tensor& x, const Shape& shape) { return x.reshape(shape); }

Tensor roll(const Tensor& x, std::int64_t shifts) {
  FunctionScope scope("roll");
  return internal::reshape_dims(rolled(x.flatten(), shifts, 0), dims_of(x));
}
Tensor roll(const Tensor& x, std::int64_t shifts, int dim) {
  FunctionScope scope("roll");
  return rolled(x, shifts, checked_axis(dim, x.dim(), "roll"));
}
Tensor roll(const Tensor& x, const std::vector<std::int64_t>& shifts, const std::vector<std::int64_t>& dims) {
  FunctionScope scope("roll");
  if (shifts.size() != dims.size()) {
    throw Error({.where = "roll",
                 .expected = absl::StrCat("one shift for each of ", dims.size(), " dims"),
                 .received = absl::StrCat(shifts.size()),
                 .hint = {}});
  }
  Tensor y = x;
  for (std::size_t i = 0; i < dims.size(); ++i) y = rolled(y, shifts[i], checked_axis(dims[i], x.dim(), "roll"));
  return y;
}

Tensor rot90(const Tensor& x, std::int64_t k, std::array<int, 2> dims) {
  FunctionScope scope("rot90");
  Tensor y = x;
  for (std::int64_t i = 0; i < (k % 4 + 4) % 4; ++i) y = flipped(y, dims[1]).transpose(dims[0], dims[1]);
  return y;
}
Tensor select(const Tensor& x, int dim, std::int64_t index) { return x.select(dim, index); }
Tensors split(const Tensor& x, std::int64_t size, int dim) { return x.split(size, dim); }
Tensors split(const Tensor& x, const std::vector<std::int64_t>& sections, int dim) {
  FunctionScope scope("split");
  std::int64_t total = std::accumulate(sections.begin(), sections.end(), std::int64_t{0}), start = 0;
  if (total != known_size(x, dim)) {
    throw Error({.where = "split",
                 .expected = absl::StrCat("sections of ", x.size(dim), " in all"),
                 .received = absl::StrCat(total),
                 .hint = {}});
  }
  Tensors parts;
  for (std::int64_t section : sections) {
    parts.push_back(x.narrow(dim, start, section));
    start += section;
  }
  return parts;
}
Tensor squeeze(const Tensor& x) { return x.squeeze(); }
Tensor squeeze(const Tensor& x, int dim) { return x.squeeze(dim); }
Tensor tile(const Tensor& x, const std::vector<std::int64_t>& dims) {
  FunctionScope scope("tile");
  std::vector<std::int64_t> times = dims;
  while (static_cast<int>(times.size()) < x.dim()) times.insert(times.begin(), 1);
  return x.repeat(Shape(times));
}
Tensor transpose(const Tensor& x, int dim0, int dim1) { return x.transpose(dim0, dim1); }
Tensor tril(const Tensor& x, int diagonal) { return triangle("tril", x, diagonal); }
Tensor triu(const Tensor& x, int diagonal) { return triangle("triu", x, diagonal); }
Tensors unbind(const Tensor& x, int dim) { return x.unbind(dim); }
Tensor unflatten(const Tensor& x, int dim, const Shape& sizes) { return x.unflatten(dim, sizes); }
Tensor unfold(const Tensor& x, int dim, std::int64_t size, std::int64_t step) {
  FunctionScope scope("unfold");
  int axis = checked_axis(dim, x.dim(), "unfold");
  std::int64_t count = (known_size(x, axis) - size) / step + 1;
  std::vector<std::int64_t> positions;
  for (std::int64_t window = 0; window < count; ++window) {
    for (std::int64_t i = 0; i < size; ++i) positions.push_back(window * step + i);
  }
  Tensor windows = apply("gather", {x, tensor(positions, {count, size})}, {{"axis", std::int64_t{axis}}});
  return movedim(windows, axis + 1, -1);
}
Tensor unsqueeze(const Tensor& x, int dim) { return x.unsqueeze(dim); }

}  // namespace mica
