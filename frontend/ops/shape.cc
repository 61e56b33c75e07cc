// Operations that move elements: reshapes, joins, splits, pads, triangles.
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

using Function = Tensor (*)(const Arguments&);

OperationDef moves(std::string_view class_name, std::vector<std::string_view> options, Function compute,
                   std::string_view module = "numpy", SameAs same_as = {}) {
  auto all = [compute](const Arguments& a) -> Tensors { return {compute(a)}; };
  return {class_name, module, std::move(options), {"x"}, all, std::move(same_as)};
}

[[noreturn]] void fail(std::string_view where, std::string expected, std::string received) {
  throw Error(
      {.where = std::string(where), .expected = std::move(expected), .received = std::move(received), .hint = {}});
}

// ---- axes

Tensor transpose(const Arguments& a) {
  Tensor x = a.tensor("x");
  std::vector<std::int64_t> axes(static_cast<std::size_t>(x.dim()));
  std::iota(axes.rbegin(), axes.rend(), 0);
  return x.permute(a.find("axes") ? a.integers("axes") : axes);
}

Tensor swapaxes(const Arguments& a) {
  return a.tensor("x").transpose(static_cast<int>(a.integer("axis1")), static_cast<int>(a.integer("axis2")));
}

Tensor moveaxis(const Arguments& a) {
  Tensor x = a.tensor("x");
  std::vector<std::int64_t> from = axes_of(a, "source", x), to = axes_of(a, "destination", x);
  if (from.size() != to.size()) fail("Moveaxis", "as many destinations as sources", absl::StrCat(to.size()));
  std::vector<std::int64_t> order(static_cast<std::size_t>(x.dim()), -1);
  for (std::size_t i = 0; i < from.size(); ++i) order[static_cast<std::size_t>(to[i])] = from[i];
  std::int64_t next = 0;
  for (std::int64_t& axis : order) {
    if (axis >= 0) continue;
    while (std::find(from.begin(), from.end(), next) != from.end()) ++next;
    axis = next++;
  }
  return x.permute(order);
}

Tensor expand_dims(const Arguments& a) {
  Tensor x = a.tensor("x");
  std::vector<std::int64_t> axes = a.integers("axis");
  int rank = x.dim() + static_cast<int>(axes.size());
  for (std::int64_t& axis : axes) axis = checked_axis(axis, rank, "ExpandDims");
  std::sort(axes.begin(), axes.end());
  for (std::int64_t axis : axes) x = x.unsqueeze(static_cast<int>(axis));
  return x;
}

Tensor squeeze(const Arguments& a) {
  Tensor x = a.tensor("x");
  if (!a.find("axis")) return x.squeeze();
  std::vector<std::int64_t> axes = axes_of(a, "axis", x);
  std::sort(axes.rbegin(), axes.rend());
  for (std::int64_t axis : axes) {
    if (x.size(static_cast<int>(axis)) != 1) fail("Squeeze", absl::StrCat("axis ", axis, " of size 1"), describe(x));
    x = x.squeeze(static_cast<int>(axis));
  }
  return x;
}

// x with the open axis brought to `size`: one element is repeated; a run on another size is an error.
Tensor assume_size(const Tensor& x, int axis, std::int64_t size) {
  const ir::Dim extent = dims_of(x)[static_cast<std::size_t>(axis)], fits = (extent - 1) * (extent - size);
  const Tensor checked = apply("require", {x},
                               {{"slack", ir::Dims{fits, 0 - fits}},
                                {"expected", absl::StrCat("1 or ", size, " elements on axis ", axis)},
                                {"received", ir::Dims{extent}}});
  Tensor at_run = apply("dim", {}, {{"dim", ir::Dims{extent}}, {"dtype", kInt32}});
  Tensor positions = apply("iota", {}, {{"shape", ir::Dims{ir::Dim(size)}}});
  return apply("gather", {checked, mica::where(at_run == 1, Scalar(0), positions)}, {{"axis", std::int64_t{axis}}});
}

Tensor broadcast_to(const Arguments& a) {
  FunctionScope scope("broadcast_to");
  Tensor x = a.tensor("x");
  Shape shape = a.shape("shape");
  for (int axis = 0; axis < x.dim(); ++axis) {
    std::int64_t wanted = shape[axis - x.dim()];
    if (x.size(axis) == kAny && wanted != kAny) x = assume_size(x, axis, wanted);
  }
  return x.expand(shape);
}

// ---- joins and splits

Tensors stack_of(const Arguments& a) { return {stack(a.tensors("x"), static_cast<int>(a.integer("axis", 0)))}; }
Tensors concatenate(const Arguments& a) { return {cat(a.tensors("xs"), static_cast<int>(a.integer("axis", 0)))}; }

// Vstack, Hstack, Dstack: along an axis, after lower ranks have been raised.
Tensors joined(const Arguments& a, int axis, int rank) {
  Tensors raised;
  for (Tensor x : a.tensors("xs")) {
    while (x.dim() < rank) x = rank == 3 && x.dim() == 2 ? x.unsqueeze(2) : x.unsqueeze(0);
    raised.push_back(x);
  }
  bool vectors = rank == 1 && raised[0].dim() == 1;
  return {cat(raised, vectors ? 0 : axis)};
}

Tensor range(const Tensor& x, int axis, ir::Dim start, ir::Dim stop, std::int64_t step = 1) {
  return apply("slice", {x},
               {{"axis", std::int64_t{axis}}, {"start", ir::Dims{start}}, {"stop", ir::Dims{stop}}, {"step", step}});
}

// As many equal parts, or cut at these positions. ArraySplit allows parts that differ by one.
Tensors split(const Arguments& a, bool equal) {
  Tensor x = a.tensor("x");
  int axis = checked_axis(a.integer("axis", 0), x.dim(), "Split");
  std::int64_t extent = x.size(axis);
  if (extent == kAny) fail("Split", absl::StrCat("the size of axis ", axis, " to be known"), describe(x));
  std::vector<std::int64_t> ends;
  if (const auto* parts = a.find("indices_or_sections")->get_if<std::int64_t>()) {
    if (*parts < 1 || (equal && extent % *parts != 0))
      fail("Split", absl::StrCat("a number of sections that divides ", extent), absl::StrCat(*parts));
    std::int64_t end = 0;
    for (std::int64_t i = 0; i < *parts; ++i) ends.push_back(end += extent / *parts + (i < extent % *parts ? 1 : 0));
  } else {
    for (std::int64_t end : a.integers("indices_or_sections"))
      ends.push_back(std::clamp<std::int64_t>(end < 0 ? end + extent : end, 0, extent));
    ends.push_back(extent);
  }
  Tensors parts;
  std::int64_t start = 0;
  for (std::int64_t end : ends) {
    parts.push_back(range(x, axis, ir::Dim(start), ir::Dim(std::max(start, end))));
    start = end;
  }
  return parts;
}

Tensors unstack(const Arguments& a) { return a.tensor("x").unbind(static_cast<int>(a.integer("axis", 0))); }

// ---- repetition and order

Tensor tile(const Arguments& a) {
  Tensor x = a.tensor("x");
  std::vector<std::int64_t> times = a.integers("repeats");
  if (times.size() < static_cast<std::size_t>(x.dim()))
    times.insert(times.begin(), static_cast<std::size_t>(x.dim()) - times.size(), 1);
  return x.repeat(Shape(times));
}

Tensor repeat(const Arguments& a) {
  Tensor x = a.find("axis") ? a.tensor("x") : a.tensor("x").flatten();
  int axis = checked_axis(a.integer("axis", 0), x.dim(), "Repeat");
  std::vector<std::int64_t> times = a.integers("repeats");
  if (times.size() > 1) {
    std::vector<std::int64_t> positions;
    for (std::size_t i = 0; i < times.size(); ++i)
      positions.insert(positions.end(), static_cast<std::size_t>(times[i]), static_cast<std::int64_t>(i));
    auto count = static_cast<std::int64_t>(positions.size());
    return apply("gather", {x, tensor(positions, {count})}, {{"axis", std::int64_t{axis}}});
  }
  ir::Dims wide = dims_of(x), result = dims_of(x);
  wide.insert(wide.begin() + axis + 1, ir::Dim(times[0]));
  result[static_cast<std::size_t>(axis)] = result[static_cast<std::size_t>(axis)] * ir::Dim(times[0]);
  return reshape_dims(apply("broadcast_to", {x.unsqueeze(axis + 1)}, {{"shape", wide}}), result);
}

Tensor reversed(const Tensor& x, std::int64_t axis) {
  const ir::Dim& extent = dims_of(x)[static_cast<std::size_t>(axis)];
  return range(x, static_cast<int>(axis), extent - ir::Dim(1), ir::Dim(-1), -1);
}

Tensor flip(const Arguments& a) {
  Tensor x = a.tensor("x");
  for (std::int64_t axis : axes_of(a, "axis", x)) x = reversed(x, axis);
  return x;
}

Tensor rolled(const Tensor& x, std::int64_t shift, int axis) {
  const ir::Dim& extent = dims_of(x)[static_cast<std::size_t>(axis)];
  if (extent.is_static())
    shift = extent.value() == 0 ? 0 : ((shift % extent.value()) + extent.value()) % extent.value();
  if (shift == 0) return x;
  ir::Dim cut = shift > 0 ? extent - ir::Dim(shift) : ir::Dim(-shift);
  return cat({range(x, axis, cut, extent), range(x, axis, ir::Dim(0), cut)}, axis);
}

Tensor roll(const Arguments& a) {
  Tensor x = a.tensor("x");
  std::vector<std::int64_t> shifts = a.integers("shift");
  if (!a.find("axis")) return reshape_dims(rolled(x.flatten(), shifts[0], 0), dims_of(x));
  std::vector<std::int64_t> axes = axes_of(a, "axis", x);
  for (std::size_t i = 0; i < axes.size(); ++i)
    x = rolled(x, shifts.size() == 1 ? shifts[0] : shifts.at(i), static_cast<int>(axes[i]));
  return x;
}

// Quarter turns from the first of the axes to the second.
Tensors rotated(const Arguments& a) {
  Tensor x = a.tensor("array");
  std::vector<std::int64_t> axes = a.find("axes") ? axes_of(a, "axes", x) : std::vector<std::int64_t>{0, 1};
  auto first = static_cast<int>(axes.at(0)), second = static_cast<int>(axes.at(1));
  switch (((a.integer("k", 1) % 4) + 4) % 4) {
    case 1:
      return {reversed(x, second).transpose(first, second)};
    case 2:
      return {reversed(reversed(x, first), second)};
    case 3:
      return {reversed(x.transpose(first, second), second)};
    default:
      return {x};
  }
}

// Coordinates of a grid: each vector spread over the axes of all.
Tensors meshgrid(const Arguments& a) {
  Tensors vectors = a.tensors("*x");
  ir::Dims dims;
  for (const Tensor& vector : vectors) dims.push_back(ir::product(dims_of(vector)));
  bool swapped = a.text("indexing", "xy") == "xy" && vectors.size() > 1;
  if (swapped) std::swap(dims[0], dims[1]);
  Tensors grids;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    std::size_t axis = swapped && i < 2 ? 1 - i : i;
    ir::Dims along(dims.size(), ir::Dim(1));
    along[axis] = dims[axis];
    grids.push_back(apply("broadcast_to", {reshape_dims(vectors[i], along)}, {{"shape", dims}}));
  }
  return grids;
}

// ---- pads

// Elements before and after each axis: one number, a pair for all axes, or a pair an axis.
std::vector<std::array<std::int64_t, 2>> pad_widths(const Arguments& a, int rank) {
  const Argument& given = *a.find("pad_width");
  auto count = static_cast<std::size_t>(rank);
  if (const auto* every = given.get_if<std::int64_t>())
    return std::vector<std::array<std::int64_t, 2>>(count, {*every, *every});
  std::vector<std::array<std::int64_t, 2>> widths;
  const auto* list = given.get_if<Argument::List>();
  if (!list || list->empty()) fail("Pad", "pad_width to be an integer or pairs of them", "something else");
  for (const Argument& item : *list) {
    if (item.get_if<std::int64_t>()) {  // one pair for all axes
      std::vector<std::int64_t> pair = a.integers("pad_width");
      return std::vector<std::array<std::int64_t, 2>>(count, {pair.front(), pair.back()});
    }
    std::vector<std::int64_t> pair = Arguments{{"pad_width", item}}.integers("pad_width");
    widths.push_back({pair.front(), pair.back()});
  }
  if (widths.size() == 1) widths.resize(count, widths[0]);
  if (widths.size() != count)
    fail("Pad", absl::StrCat("a pair for each of ", rank, " axes"), absl::StrCat(list->size()));
  return widths;
}

// The elements beside an axis that a mode makes of the axis itself, counted from the low end.
Tensor mirrored(const Tensor& x, int axis, std::array<std::int64_t, 2> width, const std::string& mode) {
  const ir::Dim extent = dims_of(x)[static_cast<std::size_t>(axis)], one(1), zero(0);
  ir::Dim low(width[0]), high(width[1]);
  Tensors parts;
  auto add = [&](std::int64_t size, ir::Dim start, ir::Dim stop, bool reverse) {
    if (size == 0) return;
    Tensor part = range(x, axis, start, stop);
    parts.push_back(reverse ? reversed(part, axis) : part);
  };
  auto edge = [&](std::int64_t size, ir::Dim start) {
    for (std::int64_t i = 0; i < size; ++i) parts.push_back(range(x, axis, start, start + one));
  };
  if (mode == "edge") edge(width[0], zero);
  if (mode == "reflect") add(width[0], one, low + one, true);
  if (mode == "symmetric") add(width[0], zero, low, true);
  if (mode == "wrap") add(width[0], extent - low, extent, false);
  parts.push_back(x);
  if (mode == "edge") edge(width[1], extent - one);
  if (mode == "reflect") add(width[1], extent - one - high, extent - one, true);
  if (mode == "symmetric") add(width[1], extent - high, extent, true);
  if (mode == "wrap") add(width[1], zero, high, false);
  return cat(parts, axis);
}

Tensor pad(const Arguments& a) {
  Tensor x = a.tensor("x");
  auto widths = pad_widths(a, x.dim());
  std::string mode = a.text("mode", "constant");
  if (mode == "constant") {
    ir::Dims low, high;
    for (const auto& width : widths) {
      low.emplace_back(width[0]);
      high.emplace_back(width[1]);
    }
    return apply("pad", {x}, {{"low", low}, {"high", high}, {"value", a.real("constant_values", 0.0)}});
  }
  if (mode != "reflect" && mode != "symmetric" && mode != "edge" && mode != "wrap")
    fail("Pad", "mode to be one of constant, edge, reflect, symmetric, wrap", mode);
  for (int axis = 0; axis < x.dim(); ++axis) {
    const auto& width = widths[static_cast<std::size_t>(axis)];
    if (width[0] != 0 || width[1] != 0) x = mirrored(x, axis, width, mode);
  }
  return x;
}

// ---- diagonals

Tensor diagonal_of(Tensor x, std::int64_t offset, std::int64_t axis1, std::int64_t axis2) {
  Arguments last{{"x", x}, {"source", std::vector{axis1, axis2}}, {"destination", std::vector<std::int64_t>{-2, -1}}};
  x = moveaxis(last);
  std::int64_t rows = x.size(-2), columns = x.size(-1);
  if (rows == kAny || columns == kAny) fail("Diagonal", "the sizes of both axes to be known", describe(x));
  std::int64_t count = offset >= 0 ? std::min(rows, columns - offset) : std::min(rows + offset, columns);
  std::int64_t first = offset >= 0 ? offset : -offset * columns;
  Tensor flat = x.flatten(-2, -1);
  std::int64_t stop = count > 0 ? first + (count - 1) * (columns + 1) + 1 : first;
  return range(flat, flat.dim() - 1, ir::Dim(first), ir::Dim(stop), columns + 1);
}

Tensor diagonal(const Arguments& a) {
  return diagonal_of(a.tensor("x"), a.integer("offset", 0), a.integer("axis1", 0), a.integer("axis2", 1));
}

// The diagonal of a matrix, or the matrix with this diagonal.
Tensor diag(const Arguments& a) {
  Tensor x = a.tensor("x");
  std::int64_t k = a.integer("k", 0);
  if (x.dim() != 1) return diagonal_of(x, k, 0, 1);
  std::int64_t size = x.size(0) + std::abs(k), low = std::max<std::int64_t>(k, 0);
  Tensor row = apply("pad", {x}, {{"low", ir::Dims{low}}, {"high", ir::Dims{size - x.size(0) - low}}});
  ir::Dims square{ir::Dim(size), ir::Dim(size)};
  Tensor i = apply("iota", {}, {{"shape", square}, {"axis", std::int64_t{0}}});
  Tensor j = apply("iota", {}, {{"shape", square}, {"axis", std::int64_t{1}}});
  return mica::where(j - i == k, apply("broadcast_to", {row}, {{"shape", square}}), Scalar(0));
}

OperationDef triangular(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors {
    return {apply(op, {a.tensor("x")}, {{"diagonal", a.integer("k", 0)}})};
  };
  return {class_name, "numpy", {"k"}, {"x"}, compute, {op, {{"diagonal", "k"}}}};
}

// ---- depth and space

void expect_divisible(std::string_view where, const Tensor& x, std::initializer_list<std::int64_t> sizes,
                      std::int64_t by) {
  for (std::int64_t size : sizes) {
    if (size % by != 0) fail(where, absl::StrCat("sizes that ", by, " divides"), describe(x));
  }
}

Tensor space_to_depth(const Arguments& a) {
  Tensor x = a.tensor("x");
  std::int64_t block = a.integer("block_size");
  if (a.text("data_format", "channels_last") == "channels_last") {
    std::int64_t h = x.size(1), w = x.size(2), c = x.size(3);
    expect_divisible("SpaceToDepth", x, {h, w}, block);
    return x.reshape({kAny, h / block, block, w / block, block, c})
        .permute({0, 1, 3, 2, 4, 5})
        .reshape({kAny, h / block, w / block, block * block * c});
  }
  // Keras orders the depth otherwise here: channels outermost.
  std::int64_t c = x.size(1), h = x.size(2), w = x.size(3);
  expect_divisible("SpaceToDepth", x, {h, w}, block);
  return x.reshape({kAny, c, h / block, block, w / block, block})
      .permute({0, 1, 3, 5, 2, 4})
      .reshape({kAny, c * block * block, h / block, w / block});
}

Tensor depth_to_space(const Arguments& a) {
  bool last = a.text("data_format", "channels_last") == "channels_last";
  Tensor x = last ? a.tensor("x") : a.tensor("x").permute({0, 2, 3, 1});
  std::int64_t block = a.integer("block_size"), h = x.size(1), w = x.size(2), c = x.size(3) / (block * block);
  expect_divisible("DepthToSpace", x, {x.size(3)}, block * block);
  Tensor y =
      x.reshape({kAny, h, w, block, block, c}).permute({0, 1, 3, 2, 4, 5}).reshape({kAny, h * block, w * block, c});
  return last ? y : y.permute({0, 3, 1, 2});
}

Tensor filled(const Tensor& like, double value, std::optional<DType> dtype) {
  return apply("constant", {}, {{"value", value}, {"dtype", dtype.value_or(like.dtype())}, {"shape", dims_of(like)}});
}

}  // namespace

OperationDefs shape_operations() {
  return {
      moves("Transpose", {"axes"}, transpose, "numpy", {"transpose", {{"permutation", "axes"}}}),
      moves("Swapaxes", {"axis1", "axis2"}, swapaxes),
      moves("Moveaxis", {"source", "destination"}, moveaxis),
      moves("ExpandDims", {"axis"}, expand_dims),
      moves("Squeeze", {"axis"}, squeeze),
      moves("Reshape", {"newshape"}, [](const Arguments& a) { return a.tensor("x").reshape(a.shape("newshape")); }),
      moves("BroadcastTo", {"shape"}, broadcast_to, "numpy", {"broadcast_to", {{"shape", "shape"}}}),
      moves("Ravel", {}, [](const Arguments& a) { return a.tensor("x").flatten(); }),
      moves("Tile", {"repeats"}, tile),
      moves("Repeat", {"repeats", "axis"}, repeat),
      moves("Flip", {"axis"}, flip),
      moves("Fliplr", {}, [](const Arguments& a) { return reversed(a.tensor("x"), 1); }),
      moves("Flipud", {}, [](const Arguments& a) { return reversed(a.tensor("x"), 0); }),
      moves("Roll", {"shift", "axis"}, roll),
      triangular("Tril", "tril"),
      triangular("Triu", "triu"),
      moves("Diag", {"k"}, diag),
      moves("Diagonal", {"offset", "axis1", "axis2"}, diagonal),
      moves("Trace", {"offset", "axis1", "axis2"}, [](const Arguments& a) { return diagonal(a).sum(-1); }),
      moves("SpaceToDepth", {"block_size", "data_format"}, space_to_depth, "nn"),
      moves("DepthToSpace", {"block_size", "data_format"}, depth_to_space, "nn"),
      moves("ZerosLike", {"dtype"}, [](const Arguments& a) { return filled(a.tensor("x"), 0, a.dtype("dtype")); }),
      moves("OnesLike", {"dtype"}, [](const Arguments& a) { return filled(a.tensor("x"), 1, a.dtype("dtype")); }),
      {"FullLike",
       "numpy",
       {"dtype"},
       {"x", "fill_value"},
       [](const Arguments& a) -> Tensors { return {filled(a.tensor("x"), a.real("fill_value"), a.dtype("dtype"))}; }},
      {"Pad",
       "numpy",
       {"pad_width", "mode"},
       {"x", "constant_values"},
       [](const Arguments& a) -> Tensors { return {pad(a)}; }},
      {"Rot90", "numpy", {"k", "axes"}, {"array"}, rotated},
      {"Meshgrid", "numpy", {"indexing"}, {"*x"}, meshgrid},
      {"Stack", "numpy", {"axis"}, {"x"}, stack_of},
      {"Concatenate", "numpy", {"axis"}, {"xs"}, concatenate},
      {"Hstack", "numpy", {}, {"xs"}, [](const Arguments& a) { return joined(a, 1, 1); }},
      {"Vstack", "numpy", {}, {"xs"}, [](const Arguments& a) { return joined(a, 0, 2); }},
      {"Dstack", "numpy", {}, {"xs"}, [](const Arguments& a) { return joined(a, 2, 3); }},
      {"Split", "numpy", {"indices_or_sections", "axis"}, {"x"}, [](const Arguments& a) { return split(a, true); }},
      {"ArraySplit",
       "numpy",
       {"indices_or_sections", "axis"},
       {"x"},
       [](const Arguments& a) { return split(a, false); }},
      {"Unstack", "core", {"num", "axis"}, {"x"}, unstack},
  };
}

}  // namespace mica::internal
