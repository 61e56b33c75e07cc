// Pooling over any number of spatial axes, channels last.
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/kernel_builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"
#include "compiler/ops/window.h"

namespace mica::ir {
namespace {

using loop::Expr;
using loop::Exprs;
using loop::Reducer;

SlidingWindow window_of(const Attrs& attrs, const Dims& x) {
  return SlidingWindow(attrs, static_cast<int>(x.size()) - 2);
}

absl::StatusOr<Dims> pooled_dims(const InferContext& c) {
  const Dims& x = c.operand(0).dims;
  if (x.size() < 3) return expected("x [batch, spatial…, channels]", c.operand(0).to_string());
  absl::StatusOr<Dims> positions = window_of(c.attrs, x).result_dims(x, dims_of(c.attrs.ints("window")));
  if (!positions.ok()) return positions.status();
  return channels_last(x[0], *positions, x.back());
}

absl::StatusOr<Types> infer_pool(const InferContext& c) { return one_result(c.operand(0).dtype, pooled_dims(c)); }

Op pool(std::string_view name) {
  Op op(name);
  op.required_attr("window", Ints{}, "the spatial dims of a window").fusion(FusionClass::kContraction);
  SlidingWindow::declare(op);
  return op;
}

void sample_pool(Op& op) {
  op.sample({.operands = {"f32[2,6,7,3]"}, .attrs = {{"window", Ints{2, 3}}, {"strides", Ints{2, 2}}}})
      .sample({.operands = {"f32[N,9,17]"},
               .attrs = {{"window", Ints{3}}, {"strides", Ints{2}}, {"pad_low", Ints{1}}, {"pad_high", Ints{2}}},
               .bindings = {{"N", 2}}})
      .sample(
          {.operands = {"f32[1,7,6,2]"},
           .attrs = {
               {"window", Ints{3, 2}}, {"dilations", Ints{2, 1}}, {"pad_low", Ints{1, 0}}, {"pad_high", Ints{1, 1}}}});
}

// Folds what the taps of a window read; `outside` stands for the padding.
Expr fold_window(const DefineContext& c, Reducer reducer, const Exprs& index, double outside) {
  const TensorType& x = c.operands[0];
  SlidingWindow window = window_of(c.attrs, x.dims);
  return c.reduce(reducer, dims_of(c.attrs.ints("window")), [&](const Exprs& tap) {
    SlidingWindow::Read read = window.input_of(spatial_part(index), tap, spatial_part(x.dims));
    return loop::select(read.inside, c.read(0, channels_last(index[0], read.index, index.back())),
                        loop::constant(outside, x.dtype));
  });
}

// Calls f(value, spatial position) for the taps of a window that lie inside x, in order.
void for_each_tap(const Attrs& attrs, const RefTensor& x, const Ints& index,
                  const std::function<void(double value, const Ints& position)>& f) {
  SlidingWindow window = window_of(attrs, dims_of(x.dims));
  Ints sizes = spatial_part(x.dims), position = spatial_part(index);
  for_each_index(attrs.ints("window"), [&](const Ints& tap) {
    if (std::optional<Ints> input = window.input_of(position, tap, sizes)) {
      f(element(x, channels_last(index[0], *input, index.back())), *input);
    }
  });
}

double reference_max_pool(const RefContext& c, const Ints& index) {
  double largest = -std::numeric_limits<double>::infinity();
  for_each_tap(c.attrs, *c.operands[0], index, [&](double x, const Ints&) {
    if (x > largest || std::isnan(x)) largest = x;
  });
  return largest;
}

// The least spatial position of a window that holds its maximum (or NaN).
Expr define_max_pool_index(const DefineContext& c, int, const Exprs& index) {
  const TensorType& x = c.operands[0];
  SlidingWindow window = window_of(c.attrs, x.dims);
  Dims sizes = spatial_part(x.dims);
  return c.reduce(Reducer::kMin, dims_of(c.attrs.ints("window")), [&](const Exprs& tap) {
    SlidingWindow::Read read = window.input_of(spatial_part(index), tap, sizes);
    Expr value = c.read(0, channels_last(index[0], read.index, index.back()));
    Expr found = loop::logical_or(loop::eq(value, c.read(1, index)), loop::op(loop::ScalarOp::k_is_nan, {value}));
    Expr position = loop::cast(flat_position(sizes, read.index), kInt32);
    return loop::select(loop::logical_and(read.inside, found), position, loop::cast(loop::dim(product(sizes)), kInt32));
  });
}

double reference_max_pool_index(const RefContext& c, const Ints& index) {
  const RefTensor& x = *c.operands[0];
  Ints sizes = spatial_part(x.dims);
  double largest = element(*c.operands[1], index), first = 1;
  for (std::int64_t size : sizes) first *= static_cast<double>(size);
  for_each_tap(c.attrs, x, index, [&](double value, const Ints& position) {
    if (value == largest || std::isnan(value))
      first = std::min(first, static_cast<double>(flat_index(sizes, position)));
  });
  return first;
}

absl::StatusOr<Types> infer_max_pool_grad(const InferContext& c) {
  const TensorType &g = c.operand(0), &index = c.operand(1);
  const Dims& spatial = c.attrs.get<Dims>("spatial");
  if (g.dims != index.dims || spatial.size() + 2 != g.dims.size()) {
    return expected("a gradient and positions of the same dims, and the spatial dims of the result",
                    absl::StrCat(g.to_string(), ", ", index.to_string(), " and ", to_string(spatial)));
  }
  return Types{{g.dtype, channels_last(g.dim(0), spatial, g.dim(-1))}};
}

// The sum of the gradients of the windows that took this element: each window that may hold it is asked.
Expr define_max_pool_grad(const DefineContext& c, int, const Exprs& index) {
  const TensorType& g = c.operands[0];
  SlidingWindow window = window_of(c.attrs, g.dims);
  Dims sizes = spatial_part(c.results[0].dims);
  Expr self = loop::cast(flat_position(sizes, spatial_part(index)), kInt32);
  Dims windows = dims_of(window.positions_over_an_input(c.attrs.ints("window")));
  return c.reduce(Reducer::kSum, windows, [&](const Exprs& back) {
    SlidingWindow::Read read = window.position_before(spatial_part(index), back, spatial_part(g.dims));
    Exprs where = channels_last(index[0], read.index, index.back());
    Expr took = loop::logical_and(read.inside, loop::eq(c.read(1, where), self));
    return loop::select(took, c.read(0, where), loop::constant(0, g.dtype));
  });
}

absl::Status reference_max_pool_grad(const RefContext& c) {
  RefTensor& x = c.results[0];
  std::int64_t positions = 1, channels = x.dims.back();
  for (std::int64_t size : spatial_part(x.dims)) positions *= size;
  std::size_t next = 0;
  for_each_index(c.operands[0]->dims, [&](const Ints& index) {
    std::int64_t position = static_cast<std::int64_t>(c.operands[1]->data[next]);
    double g = c.operands[0]->data[next++];
    if (position >= positions) return;  // a window of padding only
    x.data[static_cast<std::size_t>((index[0] * positions + position) * channels + index.back())] += g;
  });
  return absl::OkStatus();
}

Attrs pool_attrs(const Node& node) {
  Attrs attrs = SlidingWindow::attrs_of(node.attrs());
  attrs.set("window", node.attrs().ints("window"));
  return attrs;
}

Values vjp_max_pool(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0);
  Value index = b.call("max_pool_index", {x, node.result()}, pool_attrs(node));
  Attrs attrs = pool_attrs(node);
  attrs.set("spatial", spatial_part(x.dims()));
  return {b.call("max_pool_grad", {grads[0], index}, attrs)};
}

Values vjp_max_pool_grad(Builder& b, Node& node, const Values& grads) {
  auto flat = [&](Value x) { return b.reshape(x, {x.dims()[0], product(spatial_part(x.dims())), x.dims().back()}); };
  Value picked = b.call("gather_elements", {flat(grads[0]), flat(node.operand(1))}, {{"axis", std::int64_t{1}}});
  return {b.reshape(picked, node.operand(0).dims()), Value{}};
}

// The gradient of a sum over windows is a sum over windows of the gradient, spread by the strides and seen from the
// other side.
Values vjp_sum_pool(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0), g = grads[0];
  SlidingWindow window = window_of(node.attrs(), x.dims());
  const Ints& taps = node.attrs().ints("window");
  Dims low = {0}, high = {0};
  Ints interior = {0};
  for (std::size_t i = 0; i < taps.size(); ++i) {
    std::int64_t reach = (taps[i] - 1) * window.dilations[i];
    Dim spread = (g.dims()[i + 1] - 1) * Dim(window.strides[i]) + 1;
    low.push_back(reach - window.pad_low[i]);
    high.push_back(x.dims()[i + 1] - spread + window.pad_low[i]);
    interior.push_back(window.strides[i] - 1);
  }
  Value padded = b.call("pad", {g}, {{"low", low}, {"high", high}, {"interior", interior}});
  return {b.call("sum_pool", {padded}, {{"window", taps}, {"dilations", window.dilations}})};
}

// How many taps of each window along a spatial axis lie inside x, shaped to broadcast against the result: the last tap
// inside less the first one, by the distance of the window's start from both ends.
Value taps_inside(Builder& b, const Node& node, std::size_t spatial_axis) {
  const Dims &x = node.operand(0).dims(), &y = node.result_types()[0].dims;
  SlidingWindow window = window_of(node.attrs(), x);
  const std::int64_t dilation = window.dilations[spatial_axis], pad = window.pad_low[spatial_axis];
  const std::int64_t reach = (node.attrs().ints("window")[spatial_axis] - 1) * dilation;
  auto number = [&](std::int64_t value) { return b.constant(static_cast<double>(value), kInt64); };
  auto steps = [&](Value distance) { return b.call("floor_divide", {distance, number(dilation)}); };
  Dims dims(x.size(), Dim(1));
  dims[spatial_axis + 1] = y[spatial_axis + 1];
  Value position =
      b.call("iota", {}, {{"shape", dims}, {"axis", static_cast<std::int64_t>(spatial_axis + 1)}, {"dtype", kInt64}});
  Value start = position * number(window.strides[spatial_axis]) - number(pad);
  Value to_end = b.dim_value(x[spatial_axis + 1] - 1, kInt64) - start;
  Value last = steps(b.min(to_end, number(reach))), first = steps(b.max(-start, number(0)) + number(dilation - 1));
  return b.cast(last - first + number(1), node.operand(0).dtype());
}

Values decompose_avg_pool(Builder& b, const Node& node) {
  Value mean = b.call("sum_pool", {node.operand(0)}, pool_attrs(node));
  const Ints& taps = node.attrs().ints("window");
  SlidingWindow window = window_of(node.attrs(), node.operand(0).dims());
  double always = 1;  // taps of the axes whose windows lie inside
  for (std::size_t i = 0; i < taps.size(); ++i) {
    bool padded = window.pad_low[i] != 0 || window.pad_high[i] != 0;
    if (padded && !node.attrs().flag("count_include_pad")) {
      mean = mean / taps_inside(b, node, i);
    } else {
      always *= static_cast<double>(taps[i]);
    }
  }
  return {always == 1 ? mean : mean / always};
}

}  // namespace

void add_pool_ops(Registry& r) {
  Op max = pool("max_pool");
  max.input("x", "float")
      .doc("Largest element of each window; the gradient goes to the first of equal ones. Padding is no element.")
      .mirrors("keras.ops.max_pool")
      .infer(infer_pool)
      .define([](const DefineContext& c, int, const Exprs& index) {
        return fold_window(c, Reducer::kMax, index, -std::numeric_limits<double>::infinity());
      })
      .reference(each_element(reference_max_pool))
      .vjp(vjp_max_pool)
      .fixture("torch:max_pool2d");
  sample_pool(max);
  r.add(max);
  r.add(pool("max_pool_index")
            .doc("Where each window of max_pool found its maximum: the row-major spatial position in x, the least of "
                 "equal ones.")
            .mirrors("torch.nn.functional.max_pool2d(return_indices)")
            .input("x", "float")
            .input("maximum", "float", "max_pool of x")
            .infer([](const InferContext& c) { return one_result(kInt32, pooled_dims(c)); })
            .define(define_max_pool_index)
            .reference(each_element(reference_max_pool_index))
            .not_differentiable("integer result")
            .sample({.operands = {"f32[2,6,7,3]", "f32[2,3,3,3]"},
                     .attrs = {{"window", Ints{2, 3}}, {"strides", Ints{2, 2}}}})
            .fixture("torch:max_pool2d_indices"));
  r.add(pool("max_pool_grad")
            .doc("The gradient of max_pool: each window's gradient, added up where its maximum was found.")
            .mirrors("torch.nn.functional.max_unpool2d")
            .input("gradient", "float")
            .input("index", "int", "max_pool_index of x")
            .required_attr("spatial", Dims{}, "the spatial dims of the result")
            .infer(infer_max_pool_grad)
            .define(define_max_pool_grad)
            .reference(reference_max_pool_grad)
            .vjp(vjp_max_pool_grad)
            .sample({.operands = {"f32[2,1,1,3]", "i32[2,1,1,3]:0..5"},
                     .attrs = {{"window", Ints{2, 3}}, {"spatial", Dims{2, 3}}}})
            .fixture("torch:max_pool2d"));
  Op total = pool("sum_pool");
  total.input("x", "float")
      .doc("Sum of the elements of each window.")
      .mirrors("torch.nn.functional.avg_pool2d(divisor_override=1)")
      .infer(infer_pool)
      .define([](const DefineContext& c, int, const Exprs& index) { return fold_window(c, Reducer::kSum, index, 0); })
      .reference(each_element([](const RefContext& c, const Ints& index) {
        double sum = 0;
        for_each_tap(c.attrs, *c.operands[0], index, [&](double x, const Ints&) { sum += x; });
        return sum;
      }))
      .vjp(vjp_sum_pool)
      .fixture("torch:avg_pool2d_divisor");
  sample_pool(total);
  r.add(total);
  Op average = pool("avg_pool");
  average.input("x", "float")
      .doc("Mean of each window.")
      .mirrors("keras.ops.average_pool")
      .attr("count_include_pad", false, "whether padding counts as elements of value 0")
      .infer(infer_pool)
      .decompose(decompose_avg_pool)
      .sample({.operands = {"f32[2,5,6,3]"},
               .attrs = {{"window", Ints{3, 3}},
                         {"pad_low", Ints{1, 1}},
                         {"pad_high", Ints{1, 1}},
                         {"count_include_pad", true}}})
      .fixture("torch:avg_pool2d_pad_excl");
  sample_pool(average);
  r.add(average);
}

}  // namespace mica::ir
