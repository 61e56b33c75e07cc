// Activations, windows, normalisations, losses and attention.
#include <cmath>

#include "frontend/graph/apply.h"
#include "frontend/layers/interpolation.h"
#include "frontend/layers/window.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

OperationDef activation(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors { return {apply(op, {to_floating(a.tensor("x"))})}; };
  return {class_name, "nn", {}, {"x"}, compute, {op}};
}

// With a number as option, called `attr` by the compiler.
OperationDef activation(std::string_view class_name, std::string_view op, std::string_view option,
                        std::string_view attr, double fallback) {
  auto compute = [=](const Arguments& a) -> Tensors {
    return {apply(op, {to_floating(a.tensor("x"))}, {{std::string(attr), a.real(option, fallback)}})};
  };
  return {class_name, "nn", {option}, {"x"}, compute, {op, {{attr, option}}}};
}

// Along one axis, or several taken as one.
OperationDef along_axis(std::string_view class_name, std::string_view op) {
  auto compute = [op](const Arguments& a) -> Tensors {
    Tensor x = to_floating(a.tensor("x"));
    if (!a.find("axis")) return {reshape_dims(apply(op, {x.flatten()}, {{"axis", std::int64_t{0}}}), dims_of(x))};
    return {apply(op, {x}, {{"axis", std::int64_t{checked_axis(a.integer("axis"), x.dim(), op)}}})};
  };
  return {class_name, "nn", {"axis"}, {"x"}, compute, {op, {{"axis", "axis"}}}};
}

Tensors glu(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  auto [left, right] = x.chunk<2>(checked_axis(a.integer("axis", -1), x.dim(), "Glu"));
  return {left * right.sigmoid()};
}

// One number for every axis, or one an axis.
Sizes sizes_of(const Arguments& a, std::string_view name, std::size_t axes, std::int64_t fallback) {
  if (!a.find(name)) return Sizes(axes, fallback);
  Sizes sizes = a.integers(name);
  return sizes.size() == 1 ? Sizes(axes, sizes[0]) : sizes;
}

OperationDef pooling(std::string_view class_name, bool average) {
  return {class_name,
          "nn",
          {"pool_size", "strides", "padding", "data_format"},
          {"inputs"},
          [average](const Arguments& a) -> Tensors {
            std::string format = a.text("data_format", "channels_last");
            Tensor x = channels_to_last(to_floating(a.tensor("inputs")), format);
            auto axes = static_cast<std::size_t>(x.dim() - 2);
            Sizes window = sizes_of(a, "pool_size", axes, 2);
            Sizes strides = a.find("strides") ? sizes_of(a, "strides", axes, 1) : window;
            return {channels_back(pool_windows(x, average, a.text("padding", "valid"), window, strides), format)};
          }};
}

Tensor convolved(const Arguments& a, const Tensor& x, const Tensor& kernel, std::int64_t groups) {
  auto axes = static_cast<std::size_t>(x.dim() - 2);
  Sizes window(kernel.shape().begin(), kernel.shape().begin() + axes);
  Sizes strides = sizes_of(a, "strides", axes, 1), dilations = sizes_of(a, "dilation_rate", axes, 1);
  PaddedInput padded = padded_input(x, a.text("padding", "valid"), window, strides, dilations);
  return apply("conv", {padded.x, kernel},
               {{"strides", strides},
                {"dilations", dilations},
                {"pad_low", padded.padding.low},
                {"pad_high", padded.padding.high},
                {"groups", groups}});
}

// A kernel [window…, channels, multiplier] as one of `channels` groups.
Tensor depthwise_kernel(const Tensor& kernel) {
  Shape shape = kernel.shape();
  std::vector<std::int64_t> dims(shape.begin(), shape.end());
  std::int64_t outputs = dims[dims.size() - 2] * dims.back();
  dims[dims.size() - 2] = 1;
  dims.back() = outputs;
  return kernel.reshape(Shape(dims));
}

OperationDef convolution(std::string_view class_name, std::vector<std::string_view> inputs,
                         Tensor (*compute)(const Arguments&, const Tensor& x)) {
  return {class_name,
          "nn",
          {"strides", "padding", "data_format", "dilation_rate"},
          std::move(inputs),
          [compute](const Arguments& a) -> Tensors {
            std::string format = a.text("data_format", "channels_last");
            Tensor x = channels_to_last(to_floating(a.tensor("inputs")), format);
            return {channels_back(compute(a, x), format)};
          }};
}

Tensor plain_conv(const Arguments& a, const Tensor& x) {
  Tensor kernel = a.tensor("kernel");
  return convolved(a, x, kernel, x.size(-1) / kernel.size(-2));
}
Tensor depthwise_conv(const Arguments& a, const Tensor& x) {
  return convolved(a, x, depthwise_kernel(a.tensor("kernel")), x.size(-1));
}
Tensor separable_conv(const Arguments& a, const Tensor& x) {
  Tensor mixed = convolved(a, x, depthwise_kernel(a.tensor("depthwise_kernel")), x.size(-1));
  return convolved({}, mixed, a.tensor("pointwise_kernel"), 1);
}

Tensors layer_norm(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  Tensors operands{x};
  if (a.find("gamma")) operands.push_back(a.tensor("gamma"));
  bool rms = a.truth("rms_scaling");
  Tensor y = apply(rms ? "rms_normalization" : "layer_normalization", operands,
                   {{"axes", axes_of(a, "axis", x)}, {"epsilon", a.real("epsilon", 1e-7)}});
  return {a.find("beta") ? y + a.tensor("beta") : y};
}

Tensors rms_norm(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  Tensors operands{x};
  if (a.find("scale")) operands.push_back(a.tensor("scale"));
  return {
      apply("rms_normalization", operands, {{"axes", axes_of(a, "axis", x)}, {"epsilon", a.real("epsilon", 1e-7)}})};
}

Tensors batch_norm(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  int axis = checked_axis(a.integer("axis"), x.dim(), "BatchNorm");
  auto spread = [&](std::string_view name) {
    ir::Dims dims(static_cast<std::size_t>(x.dim()), ir::Dim(1));
    Tensor values = a.tensor(name);
    dims[static_cast<std::size_t>(axis)] = dims_of(values)[0];
    return reshape_dims(values, std::move(dims));
  };
  Tensor y =
      apply("batch_normalization", {x, spread("mean"), spread("variance")}, {{"epsilon", a.real("epsilon", 1e-3)}});
  if (a.find("scale")) y = y * spread("scale");
  return {a.find("offset") ? y + spread("offset") : y};
}

// x divided by its norm, which counts as `epsilon` where it is smaller.
Tensors normalize(const Arguments& a) {
  Tensor x = to_floating(a.tensor("x"));
  double order = a.real("order", 2), epsilon = a.real("epsilon", 1e-7);
  NormOptions options{.p = order, .dim = Axes(), .keepdim = true};
  options.dim = Axes(checked_axis(a.integer("axis", -1), x.dim(), "Normalize"));
  if (order != 2) return {x / apply_promoted("maximum", x.norm(options), Scalar(epsilon))};
  Tensor inverse = rsqrt(square(x).sum(*options.dim, {.keepdim = true}));
  return {x * apply_promoted("minimum", inverse, Scalar(1 / epsilon))};
}

// Images at another size.
Tensors resize(const Arguments& a) {
  for (std::string_view option : {"crop_to_aspect_ratio", "pad_to_aspect_ratio"}) {
    if (!a.truth(option)) continue;
    throw Error({.where = "Resize",
                 .expected = std::string(option) + " = false",
                 .received = "true",
                 .hint = "The layer Resizing keeps the aspect ratio."});
  }
  std::string format = a.text("data_format", "channels_last");
  Tensor given = a.tensor("images"), x = to_floating(given);
  bool single = x.dim() == 3;
  x = channels_to_last(single ? x.unsqueeze(0) : x, format);
  ir::Dims size;
  for (std::int64_t dim : a.integers("size")) size.emplace_back(dim);
  Tensor resized = interpolated(x, size, a.text("interpolation", "bilinear"), a.truth("antialias"));
  Tensor y = channels_back(resized, format);
  return {cast(single ? y.squeeze(0) : y, given.dtype())};
}

// softmax(query key^T * scale + bias) value of [batch, steps, heads, size].
Tensors attention(const Arguments& a) {
  Tensor query = to_floating(a.tensor("query")), key = a.tensor("key"), value = a.tensor("value");
  double scale = a.real("scale", 1 / std::sqrt(static_cast<double>(query.size(-1))));
  Tensor logits = einsum("btnh,bsnh->bnts", {query, key}) * scale;
  if (a.find("bias")) logits = logits + a.tensor("bias");
  constexpr double kMasked = -3.4028235e38 * 0.7;  // far below all, yet finite when bias is added
  Tensor mask = a.find("mask") ? cast(a.tensor("mask"), kBool) : Tensor();
  if (a.truth("is_causal")) {
    ir::Dims square{dims_of(query)[1], dims_of(key)[1]};
    Tensor row = apply("iota", {}, {{"shape", square}, {"axis", std::int64_t{0}}});
    Tensor column = apply("iota", {}, {{"shape", square}, {"axis", std::int64_t{1}}});
    Tensor causal = row >= column;
    mask = mask.defined() ? mask & causal : causal;
  }
  if (mask.defined()) logits = mica::where(mask, logits, Scalar(kMasked));
  return {einsum("bnts,bsnh->btnh", {logits.softmax(-1), value})};
}

}  // namespace

OperationDefs neural_operations() {
  return {
      activation("Relu", "relu"),
      activation("Relu6", "relu6"),
      activation("Sigmoid", "sigmoid"),
      activation("SparseSigmoid", "sparse_sigmoid"),
      activation("Softplus", "softplus"),
      activation("SparsePlus", "sparse_plus"),
      activation("Softsign", "softsign"),
      activation("Silu", "silu"),
      activation("HardSigmoid", "hard_sigmoid"),
      activation("HardSilu", "hard_silu"),
      activation("HardTanh", "hard_tanh"),
      activation("TanhShrink", "tanh_shrink"),
      activation("LogSigmoid", "log_sigmoid"),
      activation("Selu", "selu"),
      activation("LeakyRelu", "leaky_relu", "negative_slope", "negative_slope", 0.2),
      activation("Elu", "elu", "alpha", "alpha", 1),
      activation("Celu", "celu", "alpha", "alpha", 1),
      activation("Squareplus", "squareplus", "b", "b", 4),
      activation("HardShrink", "hard_shrink", "threshold", "lambda", 0.5),
      activation("SoftShrink", "soft_shrink", "threshold", "lambda", 0.5),
      along_axis("Softmax", "softmax"),
      along_axis("LogSoftmax", "log_softmax"),
      {"Gelu",
       "nn",
       {"approximate"},
       {"x"},
       [](const Arguments& a) -> Tensors {
         return {apply("gelu", {to_floating(a.tensor("x"))}, {{"approximate", a.truth("approximate", true)}})};
       },
       {"gelu", {{"approximate", "approximate"}}}},
      {"Threshold",
       "nn",
       {"threshold", "default_value"},
       {"x"},
       [](const Arguments& a) -> Tensors {
         return {apply("threshold", {to_floating(a.tensor("x"))},
                       {{"threshold", a.real("threshold")}, {"value", a.real("default_value")}})};
       },
       {"threshold", {{"threshold", "threshold"}, {"value", "default_value"}}}},
      {"Glu", "nn", {"axis"}, {"x"}, glu},
      pooling("MaxPool", false),
      pooling("AveragePool", true),
      convolution("Conv", {"inputs", "kernel"}, plain_conv),
      convolution("DepthwiseConv", {"inputs", "kernel"}, depthwise_conv),
      convolution("SeparableConv", {"inputs", "depthwise_kernel", "pointwise_kernel"}, separable_conv),
      {"LayerNorm",
       "nn",
       {"axis", "epsilon", "rms_scaling"},
       {"x", "gamma", "beta"},
       layer_norm,
       {"layer_normalization", {{"axes", "axis"}, {"epsilon", "epsilon"}}}},
      {"RMSNorm",
       "nn",
       {"axis", "epsilon"},
       {"x", "scale"},
       rms_norm,
       {"rms_normalization", {{"axes", "axis"}, {"epsilon", "epsilon"}}}},
      {"BatchNorm", "nn", {"axis", "epsilon"}, {"x", "mean", "variance", "offset", "scale"}, batch_norm},
      {"Normalize", "nn", {"axis", "order", "epsilon"}, {"x"}, normalize},
      {"Resize",
       "image",
       {"size", "interpolation", "antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_mode", "fill_value",
        "data_format"},
       {"images"},
       resize},
      {"DotProductAttention",
       "nn",
       {"is_causal", "flash_attention", "attn_logits_soft_cap"},
       {"query", "key", "value", "bias", "mask", "scale"},
       attention},
  };
}

}  // namespace mica::internal
