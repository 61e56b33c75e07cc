// What keras.ops has for the compiler's operations. Most say it in their record (same_as); the others differ in how
// they say the same thing, and stand here.
#include <algorithm>
#include <map>

#include "compiler/ops/op_def.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

using List = Argument::List;
using Use = std::optional<OperationUse>;

Use use_of(std::string_view class_name, Arguments arguments) {
  return OperationUse{find_operation(class_name), std::move(arguments)};
}

// The place of an operand; the Call has the tensor.
Argument place() { return Tensor(); }

// Nothing for an open dim.
std::optional<Argument> sizes(const ir::Dims& dims) {
  List list;
  for (const ir::Dim& dim : dims) {
    if (!dim.is_static()) return std::nullopt;
    list.emplace_back(dim.value());
  }
  return Argument(std::move(list));
}

// An attribute as an argument; no axes are all of them.
struct AsArgument {
  template <class T>
  std::optional<Argument> operator()(const T& value) const {
    return Argument(value);
  }
  std::optional<Argument> operator()(const ir::Ints& list) const { return list.empty() ? Argument() : Argument(list); }
  std::optional<Argument> operator()(const ir::Dims& dims) const { return sizes(dims); }
  std::optional<Argument> operator()(const ir::Doubles&) const { return std::nullopt; }
  std::optional<Argument> operator()(const ir::Strings&) const { return std::nullopt; }
};

// A call of an operation that says it in its record.
Use same_use(const Call& call, const OperationDef& def) {
  if (call.inputs.size() > def.inputs.size()) return std::nullopt;
  Arguments arguments;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) arguments.set(def.inputs[i], place());
  for (const ir::AttrDef& attr : call.op->attrs) {
    const ir::Attr& value = *call.attrs.find(attr.name);
    auto option = std::find_if(def.same_as.options.begin(), def.same_as.options.end(),
                               [&](const auto& pair) { return pair.first == attr.name; });
    if (option == def.same_as.options.end()) {
      if (attr.required || value != attr.fallback) return std::nullopt;
      continue;
    }
    if (option->second.empty()) continue;  // changes no value
    std::optional<Argument> argument = std::visit(AsArgument(), value);
    if (!argument) return std::nullopt;
    // One axis is a number: not all of Keras' backends take a list of one.
    if (const auto* axes = std::get_if<ir::Ints>(&value); axes && option->second == "axis" && axes->size() == 1)
      argument = Argument((*axes)[0]);
    arguments.set(option->second, *std::move(argument));
  }
  return OperationUse{&def, std::move(arguments)};
}

// One open dim is what is left.
Use reshape(const Call& call) {
  List shape;
  int open = 0;
  for (const ir::Dim& dim : call.attrs.get<ir::Dims>("shape")) {
    shape.emplace_back(dim.is_static() ? dim.value() : -1);
    open += dim.is_static() ? 0 : 1;
  }
  if (open > 1) return std::nullopt;
  return use_of("Reshape", {{"x", place()}, {"newshape", shape}});
}

// A position of an axis counted from its front, or from its end where the axis is open.
std::optional<std::int64_t> position(const ir::Dim& dim, const ir::Dim& extent) {
  if (dim.is_static()) return dim.value();
  const ir::Dim from_end = dim - extent;
  return from_end.is_static() ? std::optional(from_end.value()) : std::nullopt;
}

Use slice(const Call& call) {
  const std::int64_t axis = call.attrs.integer("axis"), step = call.attrs.integer("step");
  const ir::Dim& extent = call.inputs[0]->type.dims[static_cast<std::size_t>(axis)];
  const ir::Dim &first = call.attrs.get<ir::Dims>("start")[0], &end = call.attrs.get<ir::Dims>("stop")[0];
  std::optional<std::int64_t> start = position(first, extent), stop = position(end, extent);
  if (!start || !stop || (first == extent && step > 0)) return std::nullopt;
  Slice range(start, stop, step);
  if (end == extent || end.is(-1)) range.stop = {};
  List key(static_cast<std::size_t>(axis), Argument(Slice()));
  key.emplace_back(range);
  return use_of("GetItem", {{"x", place()}, {"key", key}});
}

Use concat(const Call& call) {
  return use_of("Concatenate", {{"xs", List(call.inputs.size(), place())}, {"axis", call.attrs.integer("axis")}});
}

Use matmul(const Call& call) {
  const bool of_a = call.attrs.flag("transpose_a"), of_b = call.attrs.flag("transpose_b");
  if (!of_a && !of_b) return use_of("Matmul", {{"x1", place()}, {"x2", place()}});
  std::string subscripts = of_a ? "...ki," : "...ik,";
  subscripts += of_b ? "...jk->...ij" : "...kj->...ij";
  return use_of("Einsum", {{"subscripts", subscripts}, {"*operands", List(2, place())}});
}

Use pad(const Call& call) {
  const ir::Dims &low = call.attrs.get<ir::Dims>("low"), &high = call.attrs.get<ir::Dims>("high");
  List widths;
  const std::size_t rank = call.inputs[0]->type.dims.size();
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const ir::Dim before = axis < low.size() ? low[axis] : ir::Dim(0);
    const ir::Dim after = axis < high.size() ? high[axis] : ir::Dim(0);
    const bool is_padding = before.is_static() && after.is_static() && before.value() >= 0 && after.value() >= 0;
    if (!is_padding) return std::nullopt;
    widths.push_back(List{before.value(), after.value()});
  }
  const ir::Ints& interior = call.attrs.ints("interior");
  if (std::any_of(interior.begin(), interior.end(), [](std::int64_t gap) { return gap != 0; })) return std::nullopt;
  Arguments arguments{{"x", place()}, {"pad_width", widths}, {"mode", "constant"}};
  if (call.attrs.number("value") != 0) arguments.set("constant_values", call.attrs.number("value"));
  return use_of("Pad", std::move(arguments));
}

// The largest along the last axis, which is where Keras looks.
Use top_k(const Call& call) {
  const auto rank = static_cast<std::int64_t>(call.inputs[0]->type.dims.size());
  const std::int64_t axis = call.attrs.integer("axis");
  if ((axis != -1 && axis != rank - 1) || !call.attrs.flag("largest")) return std::nullopt;
  return use_of("TopK", {{"x", place()}, {"k", call.attrs.integer("k")}, {"sorted", true}});
}

// "valid" or "same", when the padding of a convolution or a pool is one of them.
std::optional<std::string> padding_of(const Call& call, const ir::Ints& window) {
  auto at = [&](const char* name, std::size_t axis, std::int64_t otherwise) {
    const ir::Ints& list = call.attrs.ints(name);
    return axis < list.size() ? list[axis] : otherwise;
  };
  bool is_valid = true, is_same = true;
  for (std::size_t axis = 0; axis < window.size(); ++axis) {
    const std::int64_t low = at("pad_low", axis, 0), high = at("pad_high", axis, 0);
    is_valid = is_valid && low == 0 && high == 0;
    const ir::Dim& size = call.inputs[0]->type.dims[axis + 1];
    if (!size.is_static()) is_same = false;
    if (!is_same) continue;
    const std::int64_t stride = at("strides", axis, 1);
    const std::int64_t extent = (window[axis] - 1) * at("dilations", axis, 1) + 1;
    const std::int64_t windows = (size.value() + stride - 1) / stride;
    const std::int64_t both = std::max<std::int64_t>((windows - 1) * stride + extent - size.value(), 0);
    is_same = low == both / 2 && high == both - both / 2;
  }
  if (is_valid) return "valid";
  return is_same ? std::optional<std::string>("same") : std::nullopt;
}

ir::Ints or_ones(const ir::Ints& list, std::size_t axes) { return list.empty() ? ir::Ints(axes, 1) : list; }

Use convolution(const Call& call) {
  const ir::Dims& kernel = call.inputs[1]->type.dims;
  ir::Ints window;
  for (std::size_t axis = 0; axis + 2 < kernel.size(); ++axis) {
    if (!kernel[axis].is_static()) return std::nullopt;
    window.push_back(kernel[axis].value());
  }
  std::optional<std::string> padding = padding_of(call, window);
  if (!padding) return std::nullopt;
  return use_of("Conv", {{"inputs", place()},
                         {"kernel", place()},
                         {"strides", or_ones(call.attrs.ints("strides"), window.size())},
                         {"padding", *padding},
                         {"data_format", "channels_last"},
                         {"dilation_rate", or_ones(call.attrs.ints("dilations"), window.size())}});
}

// One number where all axes have the same: Keras takes no list for it, and files hold no tuples.
Argument per_axis(const ir::Ints& values) {
  const bool all_equal = std::equal(values.begin() + 1, values.end(), values.begin());
  return all_equal ? Argument(values[0]) : Argument(values);
}

Use pooling(const Call& call, std::string_view class_name) {
  const ir::Ints &window = call.attrs.ints("window"), &dilations = call.attrs.ints("dilations");
  std::optional<std::string> padding = padding_of(call, window);
  const bool is_dilated = std::any_of(dilations.begin(), dilations.end(), [](std::int64_t d) { return d != 1; });
  if (!padding || is_dilated) return std::nullopt;
  return use_of(class_name, {{"inputs", place()},
                             {"pool_size", per_axis(window)},
                             {"strides", per_axis(or_ones(call.attrs.ints("strides"), window.size()))},
                             {"padding", *padding},
                             {"data_format", "channels_last"}});
}

Use max_pool(const Call& call) { return pooling(call, "MaxPool"); }
// Padding that counts is none of Keras'.
Use avg_pool(const Call& call) {
  Use use = pooling(call, "AveragePool");
  const bool counts = call.attrs.flag("count_include_pad");
  return use && counts && use->arguments.text("padding") == "same" ? std::nullopt : use;
}

Use same_as_record(const Call& call) {
  const OperationDef* def = operation_same_as(call.op->name);
  return def ? same_use(call, *def) : std::nullopt;
}

Use one_hot(const Call& call) {
  Use use = same_as_record(call);
  if (use) use->arguments.set("sparse", false);
  return use;
}

// Keras' has both weights.
Use layer_normalization(const Call& call) {
  Use use = call.inputs.size() == 3 ? same_as_record(call) : std::nullopt;
  if (use) use->arguments.set("rms_scaling", false);
  return use;
}

}  // namespace

std::optional<OperationUse> keras_equivalent(const Call& call) {
  static const std::map<std::string_view, Use (*)(const Call&)> said_otherwise = {
      {"avg_pool", avg_pool}, {"concat", concat},     {"conv", convolution},
      {"matmul", matmul},     {"max_pool", max_pool}, {"layer_normalization", layer_normalization},
      {"one_hot", one_hot},   {"pad", pad},           {"reshape", reshape},
      {"slice", slice},       {"top_k", top_k},
  };
  if (auto it = said_otherwise.find(call.op->name); it != said_otherwise.end()) return it->second(call);
  return same_as_record(call);
}

}  // namespace mica::internal
