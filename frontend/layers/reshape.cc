// Layers that move elements: Flatten, Reshape, Permute, RepeatVector, padding, cropping, upsampling.
#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/window.h"
#include "frontend/mica/layers/shape.h"

namespace mica::layers {
namespace {

using namespace internal;

class FlattenLayer final : public BuiltinLayer {
 public:
  explicit FlattenLayer(DataFormatOptions o)
      : BuiltinLayer({"Flatten", o.name, true, o.dtype}), data_format_(std::move(o.data_format)) {
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
  }
  void fields(FieldVisitor& v) override { v.field("data_format", data_format_); }

 protected:
  Tensor forward(const Tensor& input) override {
    Tensor x = input.dim() > 2 ? channels_to_last(input, data_format_) : input;
    const ir::Dims& dims = dims_of(x);
    return reshape_dims(x, {dims[0], ir::product(ir::Dims(dims.begin() + 1, dims.end()))});
  }

 private:
  std::string data_format_;
};

class ReshapeLayer final : public BuiltinLayer {
 public:
  ReshapeLayer(Shape target, const NameOptions& o)
      : BuiltinLayer({"Reshape", o.name, o.trainable, o.dtype}), target_(std::move(target)) {
    if (std::count(target_.begin(), target_.end(), kAny) > 1) fail("at most one dim to infer", target_.to_string());
  }
  void fields(FieldVisitor& v) override { v.field("target_shape", target_); }

 protected:
  Tensor forward(const Tensor& x) override {
    const ir::Dims& from = dims_of(x);
    ir::Dim elements = ir::product(ir::Dims(from.begin() + 1, from.end())), known(1);
    for (std::int64_t dim : target_) known = dim == kAny ? known : known * ir::Dim(dim);
    std::optional<ir::Dim> rest = ir::Dim::exact_div(elements, known);
    ir::Dims dims{from[0]};
    for (std::int64_t dim : target_) dims.push_back(dim == kAny && rest ? *rest : ir::Dim(dim));
    if (!rest || !(ir::product(dims) == ir::product(from))) {
      fail(absl::StrCat("an input whose elements fill ", target_.to_string()), describe(x),
           "target_shape leaves out the batch.");
    }
    return reshape_dims(x, std::move(dims));
  }

 private:
  Shape target_;
};

class PermuteLayer final : public BuiltinLayer {
 public:
  PermuteLayer(std::vector<std::int64_t> dims, const NameOptions& o)
      : BuiltinLayer({"Permute", o.name, o.trainable, o.dtype}), dims_(std::move(dims)) {
    std::vector<std::int64_t> sorted = dims_;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      if (sorted[i] != static_cast<std::int64_t>(i) + 1)
        fail("the axes 1, 2, … in some order", Shape(dims_).to_string());
    }
  }
  void fields(FieldVisitor& v) override { v.field("dims", dims_); }

 protected:
  Tensor forward(const Tensor& x) override {
    expect_rank(x.shape(), static_cast<int>(dims_.size()) + 1);
    std::vector<std::int64_t> order{0};
    order.insert(order.end(), dims_.begin(), dims_.end());
    return x.permute(order);
  }

 private:
  std::vector<std::int64_t> dims_;
};

class RepeatVectorLayer final : public BuiltinLayer {
 public:
  RepeatVectorLayer(std::int64_t n, const NameOptions& o)
      : BuiltinLayer({"RepeatVector", o.name, o.trainable, o.dtype}), n_(n) {
    expect_positive("n", n_);
  }
  void fields(FieldVisitor& v) override { v.field("n", n_); }

 protected:
  Tensor forward(const Tensor& x) override {
    expect_rank(x.shape(), 2);
    const ir::Dims& dims = dims_of(x);
    return apply("broadcast_to", {x.unsqueeze(1)}, {{"shape", ir::Dims{dims[0], ir::Dim(n_), dims[1]}}});
  }

 private:
  std::int64_t n_;
};

using SidePairs = std::vector<std::array<std::int64_t, 2>>;

// Elements added to, or taken from, both sides of every spatial axis.
class SidesLayer : public BuiltinLayer {
 public:
  SidesLayer(const char* class_name, const char* field, SidePairs sides, DataFormatOptions o)
      : BuiltinLayer({class_name, o.name, true, o.dtype}),
        field_(field),
        sides_(std::move(sides)),
        data_format_(std::move(o.data_format)) {
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
    for (const auto& side : sides_) {
      if (side[0] < 0 || side[1] < 0)
        fail(absl::StrCat(field, " of at least 0"), absl::StrCat(side[0], " and ", side[1]));
    }
  }
  void fields(FieldVisitor& v) override {
    std::vector<std::int64_t> flat;
    for (const auto& side : sides_) flat.insert(flat.end(), side.begin(), side.end());
    v.field(field_, flat);
    v.field("data_format", data_format_);
  }

 protected:
  int first_axis() const { return data_format_ == "channels_last" ? 1 : 2; }
  const char* field_;
  SidePairs sides_;
  std::string data_format_;
};

class ZeroPaddingLayer final : public SidesLayer {
 public:
  using SidesLayer::SidesLayer;

 protected:
  Tensor forward(const Tensor& x) override {
    expect_rank(x.shape(), static_cast<int>(sides_.size()) + 2);
    ir::Dims low(dims_of(x).size(), ir::Dim(0)), high = low;
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      std::size_t axis = i + static_cast<std::size_t>(first_axis());
      low[axis] = ir::Dim(sides_[i][0]);
      high[axis] = ir::Dim(sides_[i][1]);
    }
    return apply("pad", {x}, {{"low", low}, {"high", high}});
  }
};

class CroppingLayer final : public SidesLayer {
 public:
  using SidesLayer::SidesLayer;

 protected:
  Tensor forward(const Tensor& input) override {
    expect_rank(input.shape(), static_cast<int>(sides_.size()) + 2);
    Tensor x = input;
    for (std::size_t i = 0; i < sides_.size(); ++i) {
      if (sides_[i][0] == 0 && sides_[i][1] == 0) continue;
      std::size_t axis = i + static_cast<std::size_t>(first_axis());
      ir::Dim stop = dims_of(x)[axis] - ir::Dim(sides_[i][1]);
      if (stop.is_static() && stop.value() <= sides_[i][0])
        fail("an input that cropping leaves something of", describe(input));
      x = apply("slice", {x},
                {{"axis", static_cast<std::int64_t>(axis)},
                 {"start", ir::Dims{ir::Dim(sides_[i][0])}},
                 {"stop", ir::Dims{stop}}});
    }
    return x;
  }
};

class UpSamplingLayer final : public BuiltinLayer {
 public:
  UpSamplingLayer(const char* class_name, Sizes size, UpSamplingOptions o)
      : BuiltinLayer({class_name, o.name, true, o.dtype}),
        size_(std::move(size)),
        data_format_(std::move(o.data_format)),
        interpolation_(std::move(o.interpolation)) {
    for (std::int64_t factor : size_) expect_positive("size", factor);
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
    expect_choice("interpolation", interpolation_, {"nearest", "bilinear"});
  }
  void fields(FieldVisitor& v) override {
    v.field("size", size_);
    v.field("data_format", data_format_);
    v.field("interpolation", interpolation_);
  }

 protected:
  Tensor forward(const Tensor& input) override {
    expect_rank(input.shape(), static_cast<int>(size_.size()) + 2);
    Tensor x = channels_to_last(input, data_format_);
    if (interpolation_ == "nearest") return channels_back(repeated(x), data_format_);
    x = to_floating(x);
    for (std::size_t i = 0; i < size_.size(); ++i) x = interpolated(x, static_cast<int>(i) + 1, size_[i]);
    return channels_back(x, data_format_);
  }

 private:
  // [H, W] -> [H, 1, W, 1] -> [H, s, W, s] -> [H·s, W·s]
  Tensor repeated(const Tensor& x) const {
    const ir::Dims& from = dims_of(x);
    ir::Dims split{from[0]}, wide{from[0]}, merged{from[0]};
    for (std::size_t i = 0; i < size_.size(); ++i) {
      const ir::Dim& dim = from[i + 1];
      split.insert(split.end(), {dim, ir::Dim(1)});
      wide.insert(wide.end(), {dim, ir::Dim(size_[i])});
      merged.push_back(dim * ir::Dim(size_[i]));
    }
    for (ir::Dims* dims : {&split, &wide, &merged}) dims->push_back(from.back());
    return reshape_dims(apply("broadcast_to", {reshape_dims(x, split)}, {{"shape", wide}}), merged);
  }

  // Every element becomes `factor` phases between itself and a neighbour; at the ends the neighbour is the element
  // itself.
  static Tensor interpolated(const Tensor& x, int axis, std::int64_t factor) {
    if (factor == 1) return x;
    ir::Dims dims = dims_of(x);
    const ir::Dim extent = dims[static_cast<std::size_t>(axis)];
    auto part = [&](const ir::Dim& start, const ir::Dim& stop) {
      return apply("slice", {x}, {{"axis", std::int64_t{axis}}, {"start", ir::Dims{start}}, {"stop", ir::Dims{stop}}});
    };
    const ir::Dim one(1), zero(0);
    Tensor before = cat({part(zero, one), part(zero, extent - one)}, axis);
    Tensor after = cat({part(one, extent), part(extent - one, extent)}, axis);
    Tensors phases;
    for (std::int64_t phase = 0; phase < factor; ++phase) {
      double offset = (static_cast<double>(phase) + 0.5) / static_cast<double>(factor) - 0.5;
      const Tensor& neighbour = offset < 0 ? before : after;
      double share = std::abs(offset);
      phases.push_back(x * (1 - share) + neighbour * share);
    }
    dims[static_cast<std::size_t>(axis)] = extent * ir::Dim(factor);
    return reshape_dims(stack(phases, axis + 1), std::move(dims));
  }

  Sizes size_;
  std::string data_format_, interpolation_;
};

template <int N>
SidePairs pairs(const Sides<N>& sides) {
  return SidePairs(sides.all().begin(), sides.all().end());
}
SidePairs one_pair(const Ints<2>& sides) { return {{sides[0], sides[1]}}; }

}  // namespace

Flatten::Flatten(DataFormatOptions options) : Layer(std::make_shared<FlattenLayer>(std::move(options))) {}
Reshape::Reshape(const Shape& target_shape, NameOptions options)
    : Layer(std::make_shared<ReshapeLayer>(target_shape, options)) {}
Permute::Permute(std::initializer_list<std::int64_t> dims, NameOptions options)
    : Layer(std::make_shared<PermuteLayer>(std::vector<std::int64_t>(dims), options)) {}
RepeatVector::RepeatVector(std::int64_t n, NameOptions options)
    : Layer(std::make_shared<RepeatVectorLayer>(n, options)) {}
ZeroPadding1D::ZeroPadding1D(Ints<2> padding, DataFormatOptions options)
    : Layer(std::make_shared<ZeroPaddingLayer>("ZeroPadding1D", "padding", one_pair(padding), std::move(options))) {}
ZeroPadding2D::ZeroPadding2D(Sides<2> padding, DataFormatOptions options)
    : Layer(std::make_shared<ZeroPaddingLayer>("ZeroPadding2D", "padding", pairs(padding), std::move(options))) {}
ZeroPadding3D::ZeroPadding3D(Sides<3> padding, DataFormatOptions options)
    : Layer(std::make_shared<ZeroPaddingLayer>("ZeroPadding3D", "padding", pairs(padding), std::move(options))) {}
Cropping1D::Cropping1D(Ints<2> cropping, DataFormatOptions options)
    : Layer(std::make_shared<CroppingLayer>("Cropping1D", "cropping", one_pair(cropping), std::move(options))) {}
Cropping2D::Cropping2D(Sides<2> cropping, DataFormatOptions options)
    : Layer(std::make_shared<CroppingLayer>("Cropping2D", "cropping", pairs(cropping), std::move(options))) {}
Cropping3D::Cropping3D(Sides<3> cropping, DataFormatOptions options)
    : Layer(std::make_shared<CroppingLayer>("Cropping3D", "cropping", pairs(cropping), std::move(options))) {}
UpSampling1D::UpSampling1D(Ints<1> size, UpSamplingOptions options)
    : Layer(std::make_shared<UpSamplingLayer>("UpSampling1D", internal::to_vector(size), std::move(options))) {}
UpSampling2D::UpSampling2D(Ints<2> size, UpSamplingOptions options)
    : Layer(std::make_shared<UpSamplingLayer>("UpSampling2D", internal::to_vector(size), std::move(options))) {}
UpSampling3D::UpSampling3D(Ints<3> size, UpSamplingOptions options)
    : Layer(std::make_shared<UpSamplingLayer>("UpSampling3D", internal::to_vector(size), std::move(options))) {}

}  // namespace mica::layers
