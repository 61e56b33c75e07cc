// BatchNormalization, with batch renormalization.
#include <tuple>

#include "frontend/layers/affine_normalization.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/unit_length.h"
#include "frontend/mica/layers/normalization.h"

namespace mica {
namespace internal {

// Keras' dictionary; a bound that it lacks does not hold.
template <>
struct FieldValue<RenormClipping> {
  static Config::Value write(const RenormClipping& clipping) {
    Config config;
    for (auto [name, bound] : {std::pair("rmin", clipping.rmin), {"rmax", clipping.rmax}, {"dmax", clipping.dmax}}) {
      if (bound) config.set(name, *bound);
    }
    return config.items().empty() ? Config::Value() : Config::Value(config);
  }
  static std::optional<RenormClipping> read(const Config::Value& value) {
    if (value.is_null()) return RenormClipping();
    if (value.kind() != Config::Value::Kind::kObject) return std::nullopt;
    RenormClipping clipping;
    for (const auto& [name, bound] : value.object().items()) {
      std::optional<double>* known = name == "rmin"   ? &clipping.rmin
                                     : name == "rmax" ? &clipping.rmax
                                     : name == "dmax" ? &clipping.dmax
                                                      : nullptr;
      std::optional<std::optional<double>> number = FieldValue<std::optional<double>>::read(bound);
      if (!known || !number) return std::nullopt;
      *known = *number;
    }
    return clipping;
  }
  static std::string expected() { return "null or the numbers rmin, rmax and dmax"; }
};

}  // namespace internal

inline namespace layers {
namespace {

using namespace internal;

// Statistics of a batch, or those kept over many, [C].
struct Moments {
  Tensor mean, variance;
};

class BatchNormalizationLayer final : public AffineNormalization<BatchNormalizationOptions> {
 public:
  explicit BatchNormalizationLayer(BatchNormalizationOptions o = {})
      : AffineNormalization("BatchNormalization", std::move(o)) {
    settle();
  }
  void settle() override {
    AffineNormalization::settle();
    if (!(o_.momentum >= 0 && o_.momentum <= 1)) fail("momentum from 0 to 1", absl::StrCat(o_.momentum));
    const RenormClipping& clipping = o_.renorm_clipping;
    if (clipping.rmin && clipping.rmax && *clipping.rmax < *clipping.rmin) {
      fail("rmax of at least rmin", absl::StrCat(*clipping.rmax, " and ", *clipping.rmin));
    }
    if (clipping.dmax && *clipping.dmax < 0) fail("dmax of at least 0", absl::StrCat(*clipping.dmax));
    state().takes_mask = true;
  }
  void fields(FieldVisitor& v) override {
    v.field("axis", o_.axis);
    v.field("momentum", o_.momentum);
    v.field("epsilon", o_.epsilon);
    v.field("center", o_.center);
    v.field("scale", o_.scale);
    initializer_fields(v);
    v.field("moving_mean_initializer", o_.moving_mean_initializer);
    v.field("moving_variance_initializer", o_.moving_variance_initializer);
    penalty_fields(v);
    v.field("synchronized", o_.synchronized);
    v.field("renorm", o_.renorm);
    v.field("renorm_clipping", o_.renorm_clipping);
    v.field("renorm_momentum", o_.renorm_momentum);
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    Shape channels{known_dim(inputs[0], checked_axis(o_.axis, inputs[0].rank(), name()))};
    make_affine(channels);
    moving_mean_ = statistic(channels, "moving_mean", o_.moving_mean_initializer);
    moving_variance_ = statistic(channels, "moving_variance", o_.moving_variance_initializer);
    if (!o_.renorm) return;
    Initializer stddev = [variance = o_.moving_variance_initializer](const Shape& shape, DType dtype) {
      return variance(shape, dtype).sqrt();
    };
    moving_stddev_ = statistic(channels, "moving_stddev", stddev);
    renorm_mean_ = statistic(channels, "renorm_mean", o_.moving_mean_initializer);
    renorm_stddev_ = statistic(channels, "renorm_stddev", stddev);
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = in_single_precision(floating(input));
    int axis = checked_axis(o_.axis, x.dim(), name());
    if (x.size(axis) != moving_mean_.size(0)) {
      fail(absl::StrCat("an input of ", moving_mean_.size(0), " channels along axis ", axis), describe(x));
    }
    auto spread = [&](const Tensor& values) { return along_axis(values, x, axis); };
    bool learns = training() && state().trainable;  // a frozen one infers
    Moments moments =
        learns ? of_batch(x, axis) : Moments{cast(moving_mean_, x.dtype()), cast(moving_variance_, x.dtype())};
    if (learns && o_.renorm) {
      moments = renormalized(moments);
    } else if (learns) {
      follow(moving_mean_, moments.mean, o_.momentum);
      follow(moving_variance_, moments.variance, o_.momentum);
    }
    return normalized("batch_normalization", {x, spread(moments.mean), spread(moments.variance)},
                      {{"epsilon", o_.epsilon}}, spread);
  }

 private:
  Variable statistic(const Shape& shape, const char* weight, const Initializer& initializer) {
    return add_weight(
        {.shape = shape, .initializer = initializer, .dtype = weight_dtype(), .trainable = false, .name = weight},
        WeightRead::kAsStored);
  }

  Tensor follow(const Variable& kept, const Tensor& batch, double momentum) {
    Tensor next = cast(kept, batch.dtype()) * momentum + batch * (1 - momentum);
    add_update(kept, next);
    return next;
  }

  // Under a mask, of the valid steps only.
  Moments of_batch(const Tensor& x, int axis) const {
    ir::Ints axes;
    for (int i = 0; i < x.dim(); ++i) {
      if (i != axis) axes.push_back(i);
    }
    auto fold = [&](const char* op, const Tensor& values) {
      return apply(op, {values}, {{"axes", axes}, {"keepdims", true}});
    };
    Tensor valid = mask();
    ir::Dims channels = dims_of(moving_mean_);
    if (!valid.defined()) {
      // Axes kept, as the variance folds its own mean: one sum serves both.
      return {reshape_dims(fold("reduce_mean", x), channels), reshape_dims(fold("reduce_variance", x), channels)};
    }
    if (valid.dim() != x.dim() - 1) {
      fail("a mask of one axis less than the input", absl::StrCat(describe(valid), " for ", describe(x)));
    }
    valid = valid.to(kBool).unsqueeze(-1);
    auto of_valid = [&](const Tensor& values) { return where(valid, values, 0.0); };
    Tensor count = fold("reduce_sum", of_valid(ones_like(x))) + kKerasEpsilon;
    Tensor mean = fold("reduce_sum", of_valid(x)) / count;
    Tensor variance = fold("reduce_sum", of_valid(x - mean).square()) / count;
    return {reshape_dims(mean, channels), reshape_dims(variance, channels)};
  }

  // The moments with which (x - mean) / stddev is what batch renormalization makes of the batch's: corrected by r and
  // d, which are no functions of x to a gradient, toward the kept ones.
  Moments renormalized(const Moments& batch) {
    Tensor stddev = (batch.variance + o_.epsilon).sqrt();
    Tensor kept_stddev = cast(renorm_stddev_, stddev.dtype()).clamp(std::sqrt(o_.epsilon));
    Tensor r = stddev / kept_stddev, d = (batch.mean - cast(renorm_mean_, stddev.dtype())) / kept_stddev;
    const RenormClipping& clipping = o_.renorm_clipping;
    if (clipping.rmin || clipping.rmax) r = r.clamp(clipping.rmin, clipping.rmax);
    if (clipping.dmax) d = d.clamp(-*clipping.dmax, *clipping.dmax);
    r = apply("stop_gradient", {r});
    d = apply("stop_gradient", {d});

    follow(renorm_mean_, batch.mean, o_.renorm_momentum);
    follow(renorm_stddev_, stddev, o_.renorm_momentum);
    follow(moving_mean_, batch.mean, o_.momentum);
    Tensor moving = follow(moving_stddev_, stddev, o_.momentum);
    add_update(moving_variance_, (moving.square() - o_.epsilon).relu());
    // (x - m) / s · r + d = (x - (m - d · s / r)) / (s / r)
    Tensor corrected = stddev / r;
    return {batch.mean - d * corrected, corrected.square() - o_.epsilon};
  }

  Variable moving_mean_, moving_variance_, moving_stddev_, renorm_mean_, renorm_stddev_;
};

}  // namespace

BatchNormalization::BatchNormalization(BatchNormalizationOptions options)
    : Layer(std::make_shared<BatchNormalizationLayer>(std::move(options))) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::batch_normalization_layers() {
  return {{"BatchNormalization", make_default<layers::BatchNormalizationLayer>}};
}

}  // namespace mica
