// Convolution over any number of spatial axes, channels last, and its two gradients. Each of the three is bilinear, and
// the gradients of each are the other two.
#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/library.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"
#include "compiler/ops/window.h"

namespace mica::ir {
namespace {

using loop::Expr;
using loop::Exprs;

// Dims of the three arrays: x [batch, spatial…, C], kernel [window…, C/groups, O], y [batch, positions…, O].
struct ConvDims {
  Dims x, kernel, y;
  std::int64_t groups;
  Dims window() const { return {kernel.begin(), kernel.end() - 2}; }
  Dim group_inputs() const { return kernel[kernel.size() - 2]; }
  Dim group_outputs() const { return *Dim::exact_div(y.back(), Dim(groups)); }
};

SlidingWindow window_of(const Attrs& attrs, int rank) { return SlidingWindow(attrs, rank - 2); }

absl::Status check_channels(const Dim& inputs, const Dim& outputs, const Dim& group_inputs, std::int64_t groups) {
  bool fits = groups >= 1 && Dim(groups) * group_inputs == inputs && Dim::exact_div(outputs, Dim(groups)).has_value();
  if (fits) return absl::OkStatus();
  return expected(absl::StrCat("channels that ", groups, " groups divide"),
                  absl::StrCat(inputs.to_string(), " input channels, ", outputs.to_string(),
                               " output channels and kernels of ", group_inputs.to_string(), " channels"));
}

absl::StatusOr<Types> infer_conv(const InferContext& c) {
  const TensorType &x = c.operand(0), &kernel = c.operand(1);
  if (x.rank() < 3 || kernel.rank() != x.rank() || x.dtype != kernel.dtype) {
    return expected(
        "x [batch, spatial…, channels] and a kernel [window…, channels/groups, outputs] of its rank and dtype",
        absl::StrCat(x.to_string(), " and ", kernel.to_string()));
  }
  absl::Status fits = check_channels(x.dim(-1), kernel.dim(-1), kernel.dim(-2), c.attrs.integer("groups"));
  if (!fits.ok()) return fits;
  absl::StatusOr<Dims> positions =
      window_of(c.attrs, x.rank()).result_dims(x.dims, {kernel.dims.begin(), kernel.dims.end() - 2});
  if (!positions.ok()) return positions.status();
  return Types{{x.dtype, channels_last(x.dim(0), *positions, kernel.dim(-1))}};
}

// The windows over `x` must be as many as `y` has positions, where both are known.
absl::Status check_positions(const InferContext& c, const Dims& x, const Dims& window, const TensorType& y) {
  absl::StatusOr<Dims> positions = window_of(c.attrs, y.rank()).result_dims(x, window);
  if (!positions.ok()) return positions.status();
  for (std::size_t i = 0; i < positions->size(); ++i) {
    Dim spare = (*positions)[i] - y.dims[i + 1];
    if (spare.is_static() && !spare.is(0)) {
      return expected("gradients at " + to_string(*positions) + " positions", y.to_string());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Types> infer_conv_grad_input(const InferContext& c) {
  const TensorType &y = c.operand(0), &kernel = c.operand(1);
  const Dims& spatial = c.attrs.get<Dims>("spatial");
  std::int64_t groups = c.attrs.integer("groups");
  if (y.rank() < 3 || kernel.rank() != y.rank() || y.dtype != kernel.dtype || spatial.size() + 2 != y.dims.size()) {
    return expected(
        "a gradient [batch, positions…, outputs], a kernel of its rank and dtype, and the spatial dims of the result",
        absl::StrCat(y.to_string(), ", ", kernel.to_string(), " and ", to_string(spatial)));
  }
  Dims x = channels_last(y.dim(0), spatial, kernel.dim(-2) * Dim(groups));
  absl::Status fits = check_channels(x.back(), y.dim(-1), kernel.dim(-2), groups);
  if (fits.ok()) fits = check_positions(c, x, {kernel.dims.begin(), kernel.dims.end() - 2}, y);
  if (!fits.ok()) return fits;
  return Types{{y.dtype, std::move(x)}};
}

absl::StatusOr<Types> infer_conv_grad_kernel(const InferContext& c) {
  const TensorType &x = c.operand(0), &y = c.operand(1);
  Dims kernel = c.attrs.get<Dims>("window");
  std::optional<Dim> group_inputs =
      x.rank() < 3 ? std::nullopt : Dim::exact_div(x.dim(-1), Dim(c.attrs.integer("groups")));
  if (!group_inputs || y.rank() != x.rank() || x.dtype != y.dtype || kernel.size() + 2 != x.dims.size()) {
    return expected("x [batch, spatial…, channels], a gradient of its rank and dtype, and the dims of the window",
                    absl::StrCat(x.to_string(), ", ", y.to_string(), " and ", to_string(kernel)));
  }
  absl::Status fits = check_positions(c, x.dims, kernel, y);
  if (!fits.ok()) return fits;
  kernel.push_back(*group_inputs);
  kernel.push_back(y.dim(-1));
  return Types{{x.dtype, std::move(kernel)}};
}

// Sums of products in at least float32, of the products that lie inside: padding takes no part, be its partner
// infinite.
Expr sum_of_products(const DefineContext& c, const Dims& extents, const std::function<Expr(const Exprs&)>& product) {
  return loop::cast(c.reduce(loop::Reducer::kSum, extents, product), c.results[0].dtype);
}
Expr wide(const Expr& x) { return x->dtype.bytes() == 2 ? loop::cast(x, kFloat32) : x; }
Expr product_inside(const Expr& inside, const Expr& a, const Expr& b) {
  Expr product = wide(a) * wide(b);
  return loop::select(inside, product, loop::constant(0, product->dtype));
}

// y[n, p…, o] = sum over window…, i of x[n, p·stride + w·dilation - pad…, group·I + i] · kernel[w…, i, o]
Expr define_conv(const DefineContext& c, int, const Exprs& index) {
  ConvDims dims{c.operands[0].dims, c.operands[1].dims, c.results[0].dims, c.attrs.integer("groups")};
  SlidingWindow window = window_of(c.attrs, c.operands[0].rank());
  Dims extents = dims.window();
  extents.push_back(dims.group_inputs());
  return sum_of_products(c, extents, [&](const Exprs& vars) {
    Exprs tap(vars.begin(), vars.end() - 1);
    Expr group = index.back() / loop::dim(dims.group_outputs());
    SlidingWindow::Read read = window.input_of(spatial_part(index), tap, spatial_part(dims.x));
    Expr x = c.read(0, channels_last(index[0], read.index, group * loop::dim(dims.group_inputs()) + vars.back()));
    Exprs weight = vars;
    weight.push_back(index.back());
    return product_inside(read.inside, x, c.read(1, weight));
  });
}

Expr define_conv_grad_input(const DefineContext& c, int, const Exprs& index) {
  ConvDims dims{c.results[0].dims, c.operands[1].dims, c.operands[0].dims, c.attrs.integer("groups")};
  SlidingWindow window = window_of(c.attrs, c.results[0].rank());
  Dims extents = dims.window();
  extents.push_back(dims.group_outputs());
  return sum_of_products(c, extents, [&](const Exprs& vars) {
    Exprs tap(vars.begin(), vars.end() - 1), weight = tap;
    Expr group_inputs = loop::dim(dims.group_inputs());
    Expr output = index.back() / group_inputs * loop::dim(dims.group_outputs()) + vars.back();
    SlidingWindow::Read read = window.position_of(spatial_part(index), tap, spatial_part(dims.y));
    weight.push_back(index.back() % group_inputs);
    weight.push_back(output);
    return product_inside(read.inside, c.read(0, channels_last(index[0], read.index, output)), c.read(1, weight));
  });
}

Expr define_conv_grad_kernel(const DefineContext& c, int, const Exprs& index) {
  ConvDims dims{c.operands[0].dims, c.results[0].dims, c.operands[1].dims, c.attrs.integer("groups")};
  SlidingWindow window = window_of(c.attrs, c.operands[0].rank());
  Dims extents(dims.y.begin(), dims.y.end() - 1);
  return sum_of_products(c, extents, [&](const Exprs& vars) {
    Exprs position(vars.begin() + 1, vars.end()), tap(index.begin(), index.end() - 2), gradient = vars;
    Expr group = index.back() / loop::dim(dims.group_outputs());
    SlidingWindow::Read read = window.input_of(position, tap, spatial_part(dims.x));
    Expr channel = group * loop::dim(dims.group_inputs()) + index[index.size() - 2];
    gradient.push_back(index.back());
    return product_inside(read.inside, c.read(0, channels_last(vars[0], read.index, channel)), c.read(1, gradient));
  });
}

// Every product of the convolution once: f(position in x, in kernel, in y).
void for_each_product(const Attrs& attrs, const Ints& x, const Ints& kernel, const Ints& y,
                      const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& f) {
  SlidingWindow window = window_of(attrs, static_cast<int>(x.size()));
  std::int64_t outputs = y.back(), group_inputs = kernel[kernel.size() - 2];
  std::int64_t group_outputs = outputs / attrs.integer("groups");
  Ints taps(kernel.begin(), kernel.end() - 2), sizes = spatial_part(x);
  for_each_index({y.begin(), y.end() - 1}, [&](const Ints& where) {
    Ints position(where.begin() + 1, where.end());
    std::int64_t at_y = flat_index({y.begin(), y.end() - 1}, where) * outputs;
    for_each_index(taps, [&](const Ints& tap) {
      std::optional<Ints> input = window.input_of(position, tap, sizes);
      if (!input) return;
      std::int64_t at_x = flat_index(x, channels_last(where[0], *input, std::int64_t{0}));
      std::int64_t at_kernel = flat_index(taps, tap) * group_inputs * outputs;
      for (std::int64_t o = 0; o < outputs; ++o) {
        for (std::int64_t i = 0; i < group_inputs; ++i) {
          f(at_x + o / group_outputs * group_inputs + i, at_kernel + i * outputs + o, at_y + o);
        }
      }
    });
  });
}

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

absl::Status reference_conv(const RefContext& c) {
  const RefTensor &x = *c.operands[0], &kernel = *c.operands[1];
  RefTensor& y = c.results[0];
  for_each_product(c.attrs, x.dims, kernel.dims, y.dims, [&](std::int64_t i, std::int64_t k, std::int64_t o) {
    y.data[at(o)] += x.data[at(i)] * kernel.data[at(k)];
  });
  return absl::OkStatus();
}

absl::Status reference_conv_grad_input(const RefContext& c) {
  const RefTensor &y = *c.operands[0], &kernel = *c.operands[1];
  RefTensor& x = c.results[0];
  for_each_product(c.attrs, x.dims, kernel.dims, y.dims, [&](std::int64_t i, std::int64_t k, std::int64_t o) {
    x.data[at(i)] += y.data[at(o)] * kernel.data[at(k)];
  });
  return absl::OkStatus();
}

absl::Status reference_conv_grad_kernel(const RefContext& c) {
  const RefTensor &x = *c.operands[0], &y = *c.operands[1];
  RefTensor& kernel = c.results[0];
  for_each_product(c.attrs, x.dims, kernel.dims, y.dims, [&](std::int64_t i, std::int64_t k, std::int64_t o) {
    kernel.data[at(k)] += x.data[at(i)] * y.data[at(o)];
  });
  return absl::OkStatus();
}

// The three operations on values, with the sliding of `node`.
struct Convolution {
  Builder& b;
  Attrs attrs;
  Convolution(Builder& builder, const Node& node) : b(builder), attrs(SlidingWindow::attrs_of(node.attrs())) {
    attrs.set("groups", node.attrs().integer("groups"));
  }
  Value forward(Value x, Value kernel) const { return b.call("conv", {x, kernel}, attrs); }
  Value input(Value y, Value kernel, const Dims& x) const {
    Attrs own = attrs;
    own.set("spatial", spatial_part(x));
    return b.call("conv_grad_input", {y, kernel}, own);
  }
  Value kernel(Value x, Value y, const Dims& like) const {
    Attrs own = attrs;
    own.set("window", Dims(like.begin(), like.end() - 2));
    return b.call("conv_grad_kernel", {x, y}, own);
  }
};

Op convolution(std::string_view name, const char* a, const char* b) {
  Op op(name);
  op.input(a, "float").input(b, "float").fusion(FusionClass::kContraction);
  SlidingWindow::declare(op);
  op.attr("groups", std::int64_t{1}, "channels are split into this many groups that do not mix");
  return op;
}

bool library_takes_floats(const Node& node) {
  return library_has(node.operand(0).dtype()) && node.operand(0).rank() <= 5;
}

}  // namespace

void add_conv_ops(Registry& r) {
  Strings epilogues = {"relu", "tanh", "sigmoid", "gelu", "silu", "add", "multiply"};
  r.add(convolution("conv", "x", "kernel")
            .doc("Convolution of x [batch, spatial…, channels] with a kernel [window…, channels/groups, outputs].")
            .mirrors("keras.ops.conv")
            .infer(infer_conv)
            .define(define_conv)
            .reference(reference_conv)
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Convolution conv(b, n);
              return {conv.input(g[0], n.operand(1), n.operand(0).dims()),
                      conv.kernel(n.operand(0), g[0], n.operand(1).dims())};
            })
            .library({"onednn.conv", library_takes_floats, epilogues})
            .sample({.operands = {"f32[2,7,6,3]", "f32[3,2,3,4]"}})
            .sample({.operands = {"f32[N,9,4]", "f32[3,2,6]"},
                     .attrs = {{"strides", Ints{2}},
                               {"dilations", Ints{2}},
                               {"pad_low", Ints{1}},
                               {"pad_high", Ints{2}},
                               {"groups", std::int64_t{2}}},
                     .bindings = {{"N", 2}}})
            .sample({.operands = {"f32[1,5,6,3]", "f32[3,3,1,6]"},
                     .attrs = {{"pad_low", Ints{1, 1}}, {"pad_high", Ints{1, 1}}, {"groups", std::int64_t{3}}}})
            .sample({.operands = {"f32[1,3,4,3,2]", "f32[2,2,2,2,3]"}, .attrs = {{"strides", Ints{1, 2, 1}}}})
            .fixture("torch:conv2d"));
  r.add(convolution("conv_grad_input", "gradient", "kernel")
            .doc("The gradient of conv with respect to x; also the transposed convolution.")
            .mirrors("keras.ops.conv_transpose")
            .required_attr("spatial", Dims{}, "the spatial dims of the result")
            .infer(infer_conv_grad_input)
            .define(define_conv_grad_input)
            .reference(reference_conv_grad_input)
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Convolution conv(b, n);
              return {conv.forward(g[0], n.operand(1)), conv.kernel(g[0], n.operand(0), n.operand(1).dims())};
            })
            .library({"onednn.conv_grad_input", library_takes_floats, epilogues})
            .sample({.operands = {"f32[2,5,5,4]", "f32[3,2,3,4]"}, .attrs = {{"spatial", Dims{7, 6}}}})
            .sample({.operands = {"f32[N,4,6]", "f32[3,2,6]"},
                     .attrs = {{"strides", Ints{2}},
                               {"dilations", Ints{2}},
                               {"pad_low", Ints{1}},
                               {"pad_high", Ints{2}},
                               {"groups", std::int64_t{2}},
                               {"spatial", Dims{9}}},
                     .bindings = {{"N", 2}}})
            .fixture("torch:conv_transpose2d"));
  r.add(convolution("conv_grad_kernel", "x", "gradient")
            .doc("The gradient of conv with respect to its kernel.")
            .mirrors("torch.nn.grad.conv2d_weight")
            .required_attr("window", Dims{}, "the spatial dims of the kernel")
            .infer(infer_conv_grad_kernel)
            .define(define_conv_grad_kernel)
            .reference(reference_conv_grad_kernel)
            .vjp([](Builder& b, Node& n, const Values& g) -> Values {
              Convolution conv(b, n);
              return {conv.input(n.operand(1), g[0], n.operand(0).dims()), conv.forward(n.operand(0), g[0])};
            })
            .library({"onednn.conv_grad_kernel", library_takes_floats})
            .sample({.operands = {"f32[2,7,6,3]", "f32[2,5,5,4]"}, .attrs = {{"window", Dims{3, 2}}}})
            .sample({.operands = {"f32[N,9,4]", "f32[N,4,6]"},
                     .attrs = {{"strides", Ints{2}},
                               {"dilations", Ints{2}},
                               {"pad_low", Ints{1}},
                               {"pad_high", Ints{2}},
                               {"groups", std::int64_t{2}},
                               {"window", Dims{3}}},
                     .bindings = {{"N", 2}}})
            .fixture("torch:conv2d"));
}

}  // namespace mica::ir
