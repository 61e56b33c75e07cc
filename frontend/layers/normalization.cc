// LayerNormalization, GroupNormalization, RMSNormalization and UnitNormalization.
#include "frontend/mica/layers/normalization.h"

#include <algorithm>

#include "frontend/layers/affine_normalization.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/unit_length.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

// Axes counted from the front, in order.
std::vector<std::int64_t> sorted_axes(const Axes& axes, int rank, std::string_view layer) {
  std::vector<std::int64_t> sorted;
  for (std::int64_t axis : axes.list()) sorted.push_back(checked_axis(axis, rank, layer));
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// A weight over `axes` of x with axes of 1 where x has others, from the first one on.
Tensor spread_over(const Tensor& weight, const Tensor& x, const std::vector<std::int64_t>& axes) {
  ir::Dims dims;
  for (int i = static_cast<int>(axes[0]); i < x.dim(); ++i) {
    bool own = std::find(axes.begin(), axes.end(), i) != axes.end();
    dims.push_back(own ? dims_of(x)[static_cast<std::size_t>(i)] : ir::Dim(1));
  }
  return reshape_dims(weight, std::move(dims));
}

class LayerNormalizationLayer final : public AffineNormalization<LayerNormalizationOptions> {
 public:
  explicit LayerNormalizationLayer(LayerNormalizationOptions o = {})
      : AffineNormalization("LayerNormalization", std::move(o)) {
    settle();
  }
  void settle() override {
    AffineNormalization::settle();
    set_autocast(false);
    if (o_.axis.list().empty()) fail("an axis", "none");
    std::vector<std::int64_t> given = o_.axis.list();
    std::sort(given.begin(), given.end());  // as written, so that negative axes come first, as Keras' do
    o_.axis = Axes(std::move(given));
  }
  void fields(FieldVisitor& v) override {
    v.axis_list("axis", o_.axis);
    v.field("epsilon", o_.epsilon);
    v.field("center", o_.center);
    v.field("scale", o_.scale);
    v.fixed("rms_scaling", false);
    initializer_fields(v);
    penalty_fields(v);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    std::vector<std::int64_t> given = o_.axis.list(), sizes;
    std::sort(given.begin(), given.end());  // as written: Keras puts negative axes first
    for (std::int64_t axis : given) sizes.push_back(known_dim(inputs[0], checked_axis(axis, inputs[0].rank(), name())));
    make_affine(Shape(sizes));
  }
  Tensor forward(const Tensor& input) override {
    Tensor x = in_single_precision(floating(input));
    std::vector<std::int64_t> axes = sorted_axes(o_.axis, x.dim(), name());
    return normalized("layer_normalization", {x}, {{"axes", axes}, {"epsilon", o_.epsilon}},
                      [&](const Tensor& weight) { return spread_over(weight, x, axes); });
  }
};

class GroupNormalizationLayer final : public AffineNormalization<GroupNormalizationOptions> {
 public:
  GroupNormalizationLayer(std::int64_t groups, GroupNormalizationOptions o)
      : AffineNormalization("GroupNormalization", std::move(o)), groups_(groups) {
    settle();
  }
  GroupNormalizationLayer() : GroupNormalizationLayer(32, {}) {}
  void settle() override {
    AffineNormalization::settle();
    set_autocast(false);
    if (groups_ < 1 && groups_ != -1) {
      fail("groups of at least 1", absl::StrCat(groups_), "-1 gives every channel a group of its own.");
    }
  }
  void fields(FieldVisitor& v) override {
    v.field("groups", groups_);
    v.field("axis", o_.axis);
    v.field("epsilon", o_.epsilon);
    v.field("center", o_.center);
    v.field("scale", o_.scale);
    initializer_fields(v);
    penalty_fields(v);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs[0], 2);
    int axis = checked_axis(o_.axis, inputs[0].rank(), name());
    if (axis == 0) fail("an axis after the batch", "axis 0");
    std::int64_t channels = known_dim(inputs[0], axis);
    if (groups_ == -1) groups_ = channels;
    if (channels % groups_ != 0) {
      fail(absl::StrCat("channels in ", groups_, " groups of one size"), absl::StrCat(channels, " channels"));
    }
    make_affine({channels});
  }
  Tensor forward(const Tensor& input) override {
    Tensor x = in_single_precision(floating(input));
    int axis = checked_axis(o_.axis, x.dim(), name());
    return normalized("group_normalization", {x},
                      {{"groups", groups_}, {"axis", std::int64_t{axis}}, {"epsilon", o_.epsilon}},
                      [&](const Tensor& weight) { return along_axis(weight, x, axis); });
  }

 private:
  std::int64_t groups_;
};

class RMSNormalizationLayer final : public BuiltinLayer {
 public:
  explicit RMSNormalizationLayer(RMSNormalizationOptions o = {})
      : BuiltinLayer({"RMSNormalization", o.name, o.trainable, o.dtype}), axis_(o.axis), epsilon_(o.epsilon) {
    settle();
  }
  void settle() override {
    if (!(epsilon_ > 0)) fail("epsilon above 0", absl::StrCat(epsilon_));
    if (axis_.list().empty()) fail("an axis", "none");
  }
  void fields(FieldVisitor& v) override {
    v.axis_list("axis", axis_);
    v.field("epsilon", epsilon_);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    std::vector<std::int64_t> sizes;
    for (std::int64_t axis : sorted_axes(axis_, inputs[0].rank(), name())) {
      sizes.push_back(known_dim(inputs[0], static_cast<int>(axis)));
    }
    scale_ = add_weight({.shape = Shape(sizes), .initializer = "ones", .dtype = weight_dtype(), .name = "scale"});
  }
  Tensor forward(const Tensor& input) override {
    Tensor given = floating(input), x = in_single_precision(given);
    std::vector<std::int64_t> axes = sorted_axes(axis_, x.dim(), name());
    Tensor scale = spread_over(cast(scale_, x.dtype()), x, axes);
    return cast(apply("rms_normalization", {x, scale}, {{"axes", axes}, {"epsilon", epsilon_}}), given.dtype());
  }

 private:
  Axes axis_;
  double epsilon_;
  Variable scale_;
};

class UnitNormalizationLayer final : public BuiltinLayer {
 public:
  explicit UnitNormalizationLayer(UnitNormalizationOptions o = {})
      : BuiltinLayer({"UnitNormalization", o.name, o.trainable, o.dtype}), axis_(std::move(o.axis)) {
    settle();
  }
  void settle() override {
    if (axis_.list().empty()) fail("an axis", "none");
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override { v.field("axis", axis_); }

 protected:
  Tensor forward(const Tensor& input) override {
    Tensor x = floating(input);
    return unit_length(x, sorted_axes(axis_, x.dim(), name()), 1e-12);
  }

 private:
  Axes axis_;
};

}  // namespace

LayerNormalization::LayerNormalization(LayerNormalizationOptions options)
    : Layer(std::make_shared<LayerNormalizationLayer>(std::move(options))) {}
GroupNormalization::GroupNormalization(std::int64_t groups, GroupNormalizationOptions options)
    : Layer(std::make_shared<GroupNormalizationLayer>(groups, std::move(options))) {}
RMSNormalization::RMSNormalization(RMSNormalizationOptions options)
    : Layer(std::make_shared<RMSNormalizationLayer>(std::move(options))) {}
UnitNormalization::UnitNormalization(UnitNormalizationOptions options)
    : Layer(std::make_shared<UnitNormalizationLayer>(std::move(options))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::normalization_layers() {
  using namespace layers;
  return {{"GroupNormalization", make_default<GroupNormalizationLayer>},
          {"LayerNormalization", make_default<LayerNormalizationLayer>},
          {"RMSNormalization", make_default<RMSNormalizationLayer>},
          {"UnitNormalization", make_default<UnitNormalizationLayer>}};
}

}  // namespace mica
