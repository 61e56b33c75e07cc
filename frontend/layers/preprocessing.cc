// Rescaling and Normalization.
#include "frontend/mica/layers/preprocessing.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/unit_length.h"

namespace mica {
namespace internal {
namespace {

// Axes that Keras keeps as a list: none of them is an empty one.
struct AxisList {
  Axes axes;
};

}  // namespace

template <>
struct FieldValue<AxisList> {
  static Config::Value write(const AxisList& value) { return value.axes.list(); }
  static std::optional<AxisList> read(const Config::Value& value) {
    std::optional<Axes> axes = FieldValue<Axes>::read(value);
    return axes ? std::optional(AxisList{*axes}) : std::nullopt;
  }
  static std::string expected() { return FieldValue<Axes>::expected(); }
};

}  // namespace internal

inline namespace layers {
namespace {

using namespace internal;

Tensor number(double value) { return full({}, value, {.dtype = kFloat64}); }

class RescalingLayer final : public BuiltinLayer {
 public:
  RescalingLayer(const Tensor& scale, const Tensor& offset, const NameOptions& o)
      : BuiltinLayer({"Rescaling", o.name, o.trainable, o.dtype}), scale_(scale), offset_(offset) {
    settle();
  }
  RescalingLayer() : RescalingLayer(number(1), number(0), {}) {}
  void settle() override {
    if (!scale_.defined()) fail("a scale", "none");
    if (!offset_.defined()) offset_ = number(0);
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.required("scale", scale_);
    v.field("offset", offset_);
  }

 protected:
  Tensor forward(const Tensor& input) override {
    Tensor x = cast(input, compute_dtype());
    Tensor scaled = scale_.dim() == 0 ? x * scale_.item() : x * cast(scale_, x.dtype());
    if (offset_.dim() != 0) return scaled + cast(offset_, x.dtype());
    return offset_.item() == 0 ? scaled : scaled + offset_.item();
  }

 private:
  Tensor scale_, offset_;
};

class NormalizationLayer final : public BuiltinLayer {
 public:
  explicit NormalizationLayer(NormalizationOptions o = {})
      : BuiltinLayer({"Normalization", o.name, o.trainable, o.dtype}), o_(std::move(o)) {
    settle();
  }
  void settle() override {
    state().passes_masks = true;
    if (o_.mean.defined() != o_.variance.defined()) {
      fail("mean and variance", o_.mean.defined() ? "a mean alone" : "a variance alone");
    }
    if (!o_.mean.defined()) return;
    if (o_.mean.shape() != o_.variance.shape()) {
      fail("mean and variance of one shape",
           absl::StrCat(o_.mean.shape().to_string(), " and ", o_.variance.shape().to_string()));
    }
    if (o_.mean.dim() > static_cast<int>(o_.axis.list().size())) {
      fail(absl::StrCat("a mean of at most ", o_.axis.list().size(), " axes, those of axis"),
           o_.mean.shape().to_string());
    }
  }
  void fields(FieldVisitor& v) override {
    AxisList axes{o_.axis};
    v.field("axis", axes);
    o_.axis = axes.axes;
    v.field("invert", o_.invert);
    v.field("mean", o_.mean);
    v.field("variance", o_.variance);
  }

  void adapt(const Tensor& data) {
    if (o_.mean.defined()) fail("a layer without mean and variance", "both", "It has nothing to learn.");
    ensure_built(shared_from_this(), {data.shape()});
    std::vector<std::int64_t> kept = kept_axes(data.shape());
    ir::Ints folded;
    for (int i = 0; i < data.dim(); ++i) {
      if (std::find(kept.begin(), kept.end(), i) == kept.end()) folded.push_back(i);
    }
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (data.size(static_cast<int>(kept[i])) != mean_.size(static_cast<int>(i))) {
        fail(absl::StrCat("data like the input it was built on, ", state().build_shapes[0].to_string()),
             describe(data));
      }
    }
    Tensor exact = data.to(kFloat64);
    mean_.assign(apply("reduce_mean", {exact}, {{"axes", folded}}).to(mean_.dtype()));
    variance_.assign(apply("reduce_variance", {exact}, {{"axes", folded}}).to(variance_.dtype()));
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    std::vector<std::int64_t> sizes;
    for (std::int64_t axis : kept_axes(inputs[0])) sizes.push_back(known_dim(inputs[0], static_cast<int>(axis)));
    if (o_.mean.defined()) return;
    Shape shape(sizes);
    auto statistic = [&](const char* weight, const char* initializer, const Shape& of, DType dtype) {
      return add_weight({.shape = of, .initializer = initializer, .dtype = dtype, .trainable = false, .name = weight});
    };
    mean_ = statistic("mean", "zeros", shape, weight_dtype());
    variance_ = statistic("variance", "ones", shape, weight_dtype());
    statistic("count", "zeros", {}, kInt32);
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = cast(input, compute_dtype());
    Tensor mean = aligned(o_.mean.defined() ? o_.mean : mean_, x);
    Tensor variance = aligned(o_.mean.defined() ? o_.variance : variance_, x);
    Tensor deviation = variance.sqrt().clamp(kKerasEpsilon);
    return o_.invert ? mean + x * deviation : (x - mean) / deviation;
  }

 private:
  std::vector<std::int64_t> kept_axes(const Shape& input) const {
    std::vector<std::int64_t> kept;
    for (std::int64_t axis : o_.axis.list()) kept.push_back(checked_axis(axis, input.rank(), name()));
    std::sort(kept.begin(), kept.end());
    return kept;
  }
  // The last axes of a statistic are the last kept ones of x; 1 stands in all others.
  Tensor aligned(const Tensor& statistic, const Tensor& x) const {
    std::vector<std::int64_t> kept = kept_axes(x.shape());
    ir::Dims dims(static_cast<std::size_t>(x.dim()), ir::Dim(1));
    auto axis = kept.end() - statistic.dim();
    for (const ir::Dim& dim : dims_of(statistic)) dims[static_cast<std::size_t>(*axis++)] = dim;
    return reshape_dims(cast(statistic, x.dtype()), std::move(dims));
  }

  NormalizationOptions o_;
  Variable mean_, variance_;
};

}  // namespace

Rescaling::Rescaling(double scale, double offset, NameOptions options)
    : Rescaling(number(scale), number(offset), std::move(options)) {}
Rescaling::Rescaling(const Tensor& scale, const Tensor& offset, NameOptions options)
    : Layer(std::make_shared<RescalingLayer>(scale, offset, options)) {}
Normalization::Normalization(NormalizationOptions options)
    : Layer(std::make_shared<NormalizationLayer>(std::move(options))) {}
void Normalization::adapt(const Tensor& data) const { get_if<NormalizationLayer>()->adapt(data); }

}  // namespace layers

std::vector<internal::LayerClass> internal::preprocessing_layers() {
  return {{"Normalization", make_default<layers::NormalizationLayer>},
          {"Rescaling", make_default<layers::RescalingLayer>}};
}

}  // namespace mica
