// Resampling of the spatial axes of channels-last arrays, an axis at a time.
//
// Every method is a weighted sum of a few neighbours: for each position of the result the first neighbour and the
// weights of all, which depend on sizes only. `resample` is that sum; `resize` makes its tables.
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"
#include "compiler/ops/window.h"

namespace mica::ir {
namespace {

using loop::Expr;
using loop::Exprs;

absl::StatusOr<Types> infer_resample(const InferContext& c) {
  const TensorType &x = c.operand(0), &first = c.operand(1), &weights = c.operand(2);
  absl::StatusOr<int> axis = normalize_axis(c.attrs.integer("axis"), x.rank());
  if (!axis.ok()) return axis.status();
  if (first.rank() != 1 || weights.rank() != 2 || weights.dims[0] != first.dims[0] || weights.dtype != x.dtype) {
    return expected("the first neighbour of each position, and the weights of its neighbours",
                    absl::StrCat(first.to_string(), " and ", weights.to_string()));
  }
  Dims dims = x.dims;
  dims[static_cast<std::size_t>(*axis)] = first.dims[0];
  return Types{{x.dtype, std::move(dims)}};
}

Expr define_resample(const DefineContext& c, int, const Exprs& index) {
  const TensorType& x = c.operands[0];
  const auto axis = static_cast<std::size_t>(axis_of(c.attrs, x.rank()));
  const DType sums_in = x.dtype.bytes() == 2 ? kFloat32 : x.dtype;
  Expr last = loop::dim(x.dims[axis]) - 1;
  Expr sum = c.reduce(loop::Reducer::kSum, {c.operands[2].dims[1]}, [&](const Exprs& k) {
    Exprs where = index;
    Expr neighbour = loop::cast(c.read(1, {index[axis]}), kInt64) + k[0];
    where[axis] = loop::max(loop::integer(0), loop::min(neighbour, last));
    return loop::cast(c.read(0, where), sums_in) * loop::cast(c.read(2, {index[axis], k[0]}), sums_in);
  });
  return loop::cast(sum, x.dtype);
}

double reference_resample(const RefContext& c, const Ints& index) {
  const RefTensor &x = *c.operands[0], &weights = *c.operands[2];
  const auto axis = static_cast<std::size_t>(axis_of(c.attrs, static_cast<int>(x.dims.size())));
  const auto first = static_cast<std::int64_t>(element(*c.operands[1], {index[axis]}));
  double sum = 0;
  for (std::int64_t k = 0; k < weights.dims[1]; ++k) {
    Ints where = index;
    where[axis] = std::clamp<std::int64_t>(first + k, 0, x.dims[axis] - 1);
    sum += element(x, where) * element(weights, {index[axis], k});
  }
  return sum;
}

// Each neighbour takes its share; each weight, what its neighbours would have added.
Values vjp_resample(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0), first = node.operand(1), weights = node.operand(2);
  const int axis = axis_of(node.attrs(), x.rank());
  Dims along(static_cast<std::size_t>(x.rank()), Dim(1));
  along[static_cast<std::size_t>(axis)] = first.dims()[0];
  Value sum = b.full_like(0, x), g = grads[0];
  Values weighed;
  Ints others;
  for (int other = 0; other < x.rank(); ++other) {
    if (other != axis) others.push_back(other);
  }
  Value last = b.dim_value(x.type().dim(axis) - 1, first.dtype());
  for (std::int64_t k = 0; k < weights.dims()[1].value(); ++k) {
    Value neighbour = b.min(b.max(first + static_cast<double>(k), b.like(0, first)), last);
    Value share = g * b.reshape(b.slice(weights, 1, k, k + 1), along);
    sum = b.call("scatter_add", {sum, neighbour, share}, {{"axis", std::int64_t{axis}}});
    Value read = g * b.call("gather", {x, neighbour}, {{"axis", std::int64_t{axis}}});
    weighed.push_back(b.expand_dims(others.empty() ? read : b.sum(read, others), 1));
  }
  return {sum, Value{}, b.concat(weighed, 1)};
}

// What a neighbour at `distance` weighs, for distances below `radius`.
struct Filter {
  int radius;
  Value (*weight)(Builder& b, Value distance, const Attrs& attrs);
};

Value linear_weight(Builder& b, Value distance, const Attrs&) { return b.max(1.0 - distance, b.like(0, distance)); }

// Keys' cubic with the slope `a` at 1.
Value cubic_weight(Builder& b, Value distance, const Attrs& attrs) {
  const double a = attrs.number("cubic_slope");
  Value d = distance, near = ((a + 2) * d - (a + 3)) * d * d + 1.0, far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return b.where(b.le(d, b.like(1, d)), near, b.where(b.lt(d, b.like(2, d)), far, b.like(0, d)));
}

template <int kRadius>
Value lanczos_weight(Builder& b, Value distance, const Attrs&) {
  Value d = distance, angle = d * std::numbers::pi, at_center = b.lt(d, b.like(1e-3, d));
  Value waves = b.unary("sin", angle) * b.unary("sin", angle / kRadius) * kRadius;
  Value weight = waves / b.where(at_center, b.like(1, d), angle * angle);
  return b.where(at_center, b.like(1, d), b.where(b.gt(d, b.like(kRadius, d)), b.like(0, d), weight));
}

const Filter& filter_of(const Attrs& attrs) {
  static const std::unordered_map<std::string, Filter> filters = {
      {"linear", {1, linear_weight}},
      {"cubic", {2, cubic_weight}},
      {"lanczos3", {3, lanczos_weight<3>}},
      {"lanczos5", {5, lanczos_weight<5>}},
  };
  return filters.at(attrs.text("method"));
}

bool is_filtered(const Attrs& attrs) { return attrs.text("method") != "nearest" && attrs.text("method") != "area"; }

absl::StatusOr<Types> infer_resize(const InferContext& c) {
  const TensorType& x = c.operand(0);
  const Dims& size = c.attrs.get<Dims>("size");
  const Doubles& scale = c.attrs.get<Doubles>("scale");
  bool fits = x.rank() >= 3 && size.size() + 2 == x.dims.size() && (scale.empty() || scale.size() == size.size());
  for (const Dim& n : size) fits = fits && (!n.is_static() || n.value() >= 0);
  if (!fits) {
    return expected("x [batch, spatial…, channels] and a size for each spatial axis",
                    absl::StrCat(x.to_string(), " and ", to_string(size)));
  }
  // As many neighbours as positions of x fall on one of the result: a number that tables are made for.
  if (c.attrs.flag("antialias") || c.attrs.text("method") == "area") {
    Dims spatial = spatial_part(x.dims);
    spatial.insert(spatial.end(), size.begin(), size.end());
    if (!all_static(spatial)) return expected("known sizes, to average over", x.to_string());
  }
  return Types{{x.dtype, channels_last(x.dim(0), size, x.dim(-1))}};
}

// The tables of one spatial axis.
class AxisTables {
 public:
  AxisTables(Builder& b, const Node& node, std::size_t spatial_axis)
      : b_(b),
        attrs_(node.attrs()),
        length_(node.operand(0).dims()[spatial_axis + 1]),
        size_(attrs_.get<Dims>("size")[spatial_axis]),
        dtype_(node.operand(0).dtype()) {
    const Doubles& scale = attrs_.get<Doubles>("scale");
    if (!scale.empty()) scale_ = scale[spatial_axis];
  }

  Value nearest() const {
    const double center = attrs_.text("coordinates") == "half_pixel" ? 0.5 : 0;
    return b_.cast(b_.min(b_.unary("floor", (index({size_}) + center) * step()), last()), kInt32);
  }

  // The first neighbours [size] and the weights [size, neighbours].
  std::pair<Value, Value> filtered() const {
    const Filter& filter = filter_of(attrs_);
    const double stretch = attrs_.flag("antialias") ? std::max(static_step(), 1.0) : 1;
    const auto reach = static_cast<std::int64_t>(std::ceil(filter.radius * stretch));
    auto first = [&](Value position) { return b_.unary("floor", position) - static_cast<double>(reach - 1); };
    Dims table = {size_, Dim(2 * reach)};
    Value position = this->position(index(table)), neighbour = first(position) + index(table, 1);
    Value distance = b_.cast(b_.abs(position - neighbour) / stretch, dtype_);
    Value weights = filter.weight(b_, distance, attrs_);
    if (attrs_.text("border") == "inside") weights = normalized(inside(neighbour, weights));
    return {b_.cast(first(this->position(index({size_}))), kInt32), weights};
  }

  // The mean of the elements between the edges of a position.
  std::pair<Value, Value> area() const {
    const std::int64_t length = length_.value(), size = size_.value();
    const double step = static_cast<double>(length) / static_cast<double>(size);
    Dims table = {size_, Dim((length + size - 1) / size + 1)};
    auto first = [&](Value i) { return b_.unary("floor", i * step); };
    Value i = index(table), neighbour = first(i) + index(table, 1);
    Value covered = b_.lt(neighbour, b_.unary("ceil", (i + 1.0) * step));
    return {b_.cast(first(index({size_})), kInt32), normalized(inside(neighbour, b_.cast(covered, dtype_)))};
  }

 private:
  Value index(const Dims& dims, std::int64_t axis = 0) const {
    return b_.call("iota", {}, {{"shape", dims}, {"axis", axis}, {"dtype", kFloat64}});
  }
  Value last() const { return b_.dim_value(length_ - 1, kFloat64); }
  double static_step() const {
    return scale_ ? 1 / *scale_ : static_cast<double>(length_.value()) / static_cast<double>(size_.value());
  }
  Value step() const {
    if (scale_ || (length_.is_static() && size_.is_static())) return b_.constant(static_step(), kFloat64);
    return b_.dim_value(length_, kFloat64) / b_.dim_value(size_, kFloat64);
  }

  // Where in x the elements of the result lie.
  Value position(Value index) const {
    const std::string& coordinates = attrs_.text("coordinates");
    if (coordinates == "align_corners") {
      return size_.is(1) ? index * 0.0 : index * (last() / b_.dim_value(size_ - 1, kFloat64));
    }
    const double center = coordinates == "half_pixel" ? 0.5 : 0;
    Value position = (index + center) * step() - center;
    const bool between = attrs_.text("method") == "linear";  // beyond the outer elements there is nothing to mix
    return between && !attrs_.flag("antialias") ? b_.min(b_.max(position, b_.like(0, position)), last()) : position;
  }

  Value inside(Value neighbour, Value weights) const {
    Value is_inside = b_.call("logical_and", {b_.le(b_.like(0, neighbour), neighbour), b_.le(neighbour, last())});
    return b_.where(is_inside, weights, b_.like(0, weights));
  }
  Value normalized(Value weights) const { return weights / b_.sum(weights, {1}, true); }

  Builder& b_;
  const Attrs& attrs_;
  Dim length_, size_;
  DType dtype_;
  std::optional<double> scale_;
};

Value resize_axis(Builder& b, const Node& node, Value x, std::size_t spatial_axis) {
  const Attrs axis = {{"axis", static_cast<std::int64_t>(spatial_axis) + 1}};
  AxisTables tables(b, node, spatial_axis);
  if (node.attrs().text("method") == "nearest") return b.call("gather", {x, tables.nearest()}, axis);
  auto [first, weights] = is_filtered(node.attrs()) ? tables.filtered() : tables.area();
  return b.call("resample", {x, first, weights}, axis);
}

Attrs sample_attrs(Dims size, std::string method, std::string coordinates = "half_pixel") {
  return {{"size", std::move(size)}, {"method", std::move(method)}, {"coordinates", std::move(coordinates)}};
}

Attrs with(Attrs attrs, std::string_view name, Attr value) {
  attrs.set(name, std::move(value));
  return attrs;
}

}  // namespace

void add_resize_ops(Registry& r) {
  r.add(Op("resample")
            .doc("Weighted sums of neighbours along an axis of x. Neighbours outside of x are its outer elements.")
            .mirrors("torch.nn.functional.interpolate")
            .input("x", "float")
            .input("first", "int", "[size]: the first neighbour of each position of the result")
            .input("weights", "float", "[size, neighbours]: what each one weighs")
            .required_attr("axis", std::int64_t{0}, "the axis to resample")
            .fusion(FusionClass::kContraction)
            .infer(infer_resample)
            .bounds(bounds_of_indexed)
            .define(define_resample)
            .reference(each_element(reference_resample))
            .vjp(vjp_resample)
            .sample({.operands = {"f32[2,4,17]", "i32[5]:-1..3", "f32[5,2]"}, .attrs = {{"axis", std::int64_t{1}}}})
            .sample({.operands = {"f32[N,6]", "i32[7]:-2..5", "f32[7,4]"},
                     .attrs = {{"axis", std::int64_t{-1}}},
                     .bindings = {{"N", 3}}})
            .fixture("torch:interp_bicubic"));
  r.add(Op("resize")
            .doc("The spatial axes of x [batch, spatial…, channels] at another size: the nearest element, a sum of "
                 "neighbours weighed by their distance, or the mean of what a position covers.")
            .mirrors("keras.ops.image.resize")
            .input("x", "float")
            .required_attr("size", Dims{}, "the spatial dims of the result")
            .choice("method", "linear", {"nearest", "linear", "cubic", "lanczos3", "lanczos5", "area"},
                    "what a position between elements gives")
            .choice("coordinates", "half_pixel", {"half_pixel", "align_corners", "asymmetric"},
                    "whether centers, the outer elements or the front edges of both sizes meet")
            .attr("scale", Doubles{}, "how much larger the result is, where that is not exactly size / size of x")
            .attr("antialias", false, "whether a smaller result sums up all elements that fall on a position")
            .attr("cubic_slope", -0.5, "the free number of the cubic (PyTorch's is -0.75)")
            .choice("border", "inside", {"inside", "repeat"},
                    "whether the weights of neighbours outside of x go to those inside, or to the outer element")
            .infer(infer_resize)
            .decompose([](Builder& b, const Node& n) -> Values {
              Value x = n.operand(0);
              for (std::size_t i = 0; i < n.attrs().get<Dims>("size").size(); ++i) x = resize_axis(b, n, x, i);
              return {x};
            })
            .sample({.operands = {"f32[2,4,5,3]"}, .attrs = sample_attrs({7, 3}, "linear")})
            .sample({.operands = {"f32[N,4,3]"},
                     .attrs = sample_attrs({6}, "linear", "align_corners"),
                     .bindings = {{"N", 2}}})
            .sample({.operands = {"f32[1,4,5,2]"}, .attrs = sample_attrs({8, 10}, "nearest", "asymmetric")})
            .sample({.operands = {"f32[1,H,5,2]"},
                     .attrs = sample_attrs({Dim::symbol("H") * 2, 3}, "cubic"),
                     .bindings = {{"H", 4}}})
            .sample({.operands = {"f32[1,7,2]"}, .attrs = with(sample_attrs({4}, "lanczos3"), "antialias", true)})
            .sample({.operands = {"f32[1,9,2]"}, .attrs = sample_attrs({13}, "lanczos5")})
            .sample({.operands = {"f32[2,7,5,3]"}, .attrs = sample_attrs({3, 4}, "area")})
            .sample({.operands = {"f32[2,6,3]"},
                     .attrs = with(sample_attrs({4}, "cubic"), "border", std::string("repeat"))})
            .fixture("torch:interp_bilinear"));
}

}  // namespace mica::ir
