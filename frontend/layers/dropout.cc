// Layers that draw random numbers in training and are the identity in inference, and ActivityRegularization.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/random.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/regularization.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

// The dims of the noise that noise_shape asks for on x: its own where open, all of x's without one.
ir::Dims noise_dims(const Tensor& x, const std::optional<Shape>& noise_shape) {
  ir::Dims dims = dims_of(x);
  for (int i = 0; noise_shape && i < noise_shape->rank(); ++i) {
    if ((*noise_shape)[i] != kAny) dims[static_cast<std::size_t>(i)] = ir::Dim((*noise_shape)[i]);
  }
  return dims;
}

std::optional<Shape> given_shape(const Shape& shape) { return shape.rank() > 0 ? std::optional(shape) : std::nullopt; }

// A layer with a rate and a seed.
class RandomLayer : public BuiltinLayer {
 public:
  RandomLayer(const char* class_name, double rate, const DropoutOptions& o)
      : BuiltinLayer({class_name, o.name, o.trainable, o.dtype}), rate_(rate), seed_(o.seed) {}
  void settle() override {
    if (!(rate_ >= 0 && rate_ <= 1)) fail("a rate from 0 to 1", absl::StrCat(rate_));
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.required("rate", rate_);
    v.field("seed", seed_);
  }

 protected:
  virtual Tensor randomized(const Tensor& x) const = 0;
  Tensor forward(const Tensor& x) override { return training() && rate_ > 0 ? randomized(floating(x)) : x; }

  double rate_;
  std::optional<std::int64_t> seed_;
};

// Dropout and AlphaDropout: one draw for each element of noise_shape.
class ShapedNoiseLayer : public RandomLayer {
 public:
  ShapedNoiseLayer(const char* class_name, double rate, const DropoutOptions& o)
      : RandomLayer(class_name, rate, o), noise_shape_(given_shape(o.noise_shape)) {
    settle();
  }
  void settle() override {
    RandomLayer::settle();
    for (int i = 0; noise_shape_ && i < noise_shape_->rank(); ++i) {
      if ((*noise_shape_)[i] != kAny) expect_positive("noise_shape", (*noise_shape_)[i]);
    }
  }
  void fields(FieldVisitor& v) override {
    RandomLayer::fields(v);
    v.field("noise_shape", noise_shape_);
  }

 protected:
  ir::Dims noise_of(const Tensor& x) const {
    if (noise_shape_) expect_rank(x.shape(), noise_shape_->rank());
    return noise_dims(x, noise_shape_);
  }

 private:
  std::optional<Shape> noise_shape_;
};

class DropoutLayer final : public ShapedNoiseLayer {
 public:
  DropoutLayer(double rate, const DropoutOptions& o) : ShapedNoiseLayer("Dropout", rate, o) {}
  DropoutLayer() : DropoutLayer(0, {}) {}

 protected:
  Tensor randomized(const Tensor& x) const override {
    return apply("dropout", {x, random_state(seed_)}, {{"rate", rate_}, {"noise_shape", noise_of(x)}});
  }
};

// Dropped elements take the value that SELU has far below 0; a scale and an offset keep mean and variance.
class AlphaDropoutLayer final : public ShapedNoiseLayer {
 public:
  AlphaDropoutLayer(double rate, const DropoutOptions& o) : ShapedNoiseLayer("AlphaDropout", rate, o) {}
  AlphaDropoutLayer() : AlphaDropoutLayer(0, {}) {}

 protected:
  Tensor randomized(const Tensor& x) const override {
    constexpr double kAlpha = 1.6732632423543772848170429916717, kScale = 1.0507009873554804934193349852946;
    constexpr double kDropped = -kAlpha * kScale;
    double scale = 1 / std::sqrt((1 - rate_) * (1 + rate_ * kDropped * kDropped));
    Tensor uniform = apply("random_uniform", {random_state(seed_)}, {{"shape", noise_of(x)}, {"dtype", x.dtype()}});
    return where(uniform >= rate_, x, kDropped) * scale - scale * kDropped * rate_;
  }
};

// Whole channels are dropped.
class SpatialDropoutLayer final : public RandomLayer {
 public:
  SpatialDropoutLayer(int spatial_rank, double rate, const SpatialDropoutOptions& o)
      : RandomLayer(class_of(spatial_rank), rate, {.seed = o.seed, .name = o.name, .dtype = o.dtype}),
        spatial_rank_(spatial_rank),
        data_format_(o.data_format) {
    settle();
  }
  void settle() override {
    RandomLayer::settle();
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
  }
  void fields(FieldVisitor& v) override {
    RandomLayer::fields(v);
    if (spatial_rank_ > 1) v.field("data_format", data_format_);
  }

 protected:
  bool has_trainable_field() const override { return false; }
  Tensor randomized(const Tensor& x) const override {
    expect_rank(x.shape(), spatial_rank_ + 2);
    ir::Dims noise(dims_of(x).size(), ir::Dim(1));
    std::size_t channels = data_format_ == "channels_last" ? noise.size() - 1 : 1;
    for (std::size_t axis : {std::size_t{0}, channels}) noise[axis] = dims_of(x)[axis];
    return apply("dropout", {x, random_state(seed_)}, {{"rate", rate_}, {"noise_shape", noise}});
  }

 private:
  static const char* class_of(int spatial_rank) {
    return spatial_rank == 1 ? "SpatialDropout1D" : spatial_rank == 2 ? "SpatialDropout2D" : "SpatialDropout3D";
  }
  int spatial_rank_;
  std::string data_format_;
};

template <int N>
std::shared_ptr<BuiltinLayer> spatial_dropout() {
  return std::make_shared<SpatialDropoutLayer>(N, 0.0, SpatialDropoutOptions{});
}

Tensor normal_like(const Tensor& x, std::optional<std::int64_t> seed) {
  return apply("random_normal", {random_state(seed)}, {{"shape", dims_of(x)}, {"dtype", x.dtype()}});
}

// x times normal numbers of mean 1 and the deviation that Dropout of the same rate has.
class GaussianDropoutLayer final : public RandomLayer {
 public:
  GaussianDropoutLayer(double rate, const DropoutOptions& o) : RandomLayer("GaussianDropout", rate, o) { settle(); }
  GaussianDropoutLayer() : GaussianDropoutLayer(0, {}) {}
  void settle() override {
    RandomLayer::settle();
    if (rate_ == 1) fail("a rate below 1", "1");
  }

 protected:
  Tensor randomized(const Tensor& x) const override {
    return x * (normal_like(x, seed_) * std::sqrt(rate_ / (1 - rate_)) + 1);
  }
};

class GaussianNoiseLayer final : public BuiltinLayer {
 public:
  GaussianNoiseLayer(double stddev, const DropoutOptions& o)
      : BuiltinLayer({"GaussianNoise", o.name, o.trainable, o.dtype}), stddev_(stddev), seed_(o.seed) {
    settle();
  }
  GaussianNoiseLayer() : GaussianNoiseLayer(0, {}) {}
  void settle() override {
    if (!(stddev_ >= 0)) fail("stddev of at least 0", absl::StrCat(stddev_));
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.required("stddev", stddev_);
    v.field("seed", seed_);
  }

 protected:
  Tensor forward(const Tensor& input) override {
    if (!training() || stddev_ == 0) return input;
    Tensor x = floating(input);
    return x + normal_like(x, seed_) * stddev_;
  }

 private:
  double stddev_;
  std::optional<std::int64_t> seed_;
};

class ActivityRegularizationLayer final : public BuiltinLayer {
 public:
  explicit ActivityRegularizationLayer(const ActivityRegularizationOptions& o = {})
      : BuiltinLayer({"ActivityRegularization", o.name, o.trainable, o.dtype}), l1_(o.l1), l2_(o.l2) {
    settle();
  }
  void settle() override {
    state().passes_masks = true;
    state().activity_regularizer = regularizers::L1L2(l1_, l2_).fn();
  }
  void fields(FieldVisitor& v) override {
    v.field("l1", l1_);
    v.field("l2", l2_);
  }

 private:
  double l1_, l2_;
};

}  // namespace

Dropout::Dropout(double rate, DropoutOptions options) : Layer(std::make_shared<DropoutLayer>(rate, options)) {}
AlphaDropout::AlphaDropout(double rate, DropoutOptions options)
    : Layer(std::make_shared<AlphaDropoutLayer>(rate, options)) {}
SpatialDropout1D::SpatialDropout1D(double rate, SpatialDropoutOptions options)
    : Layer(std::make_shared<SpatialDropoutLayer>(1, rate, options)) {}
SpatialDropout2D::SpatialDropout2D(double rate, SpatialDropoutOptions options)
    : Layer(std::make_shared<SpatialDropoutLayer>(2, rate, options)) {}
SpatialDropout3D::SpatialDropout3D(double rate, SpatialDropoutOptions options)
    : Layer(std::make_shared<SpatialDropoutLayer>(3, rate, options)) {}
GaussianDropout::GaussianDropout(double rate, DropoutOptions options)
    : Layer(std::make_shared<GaussianDropoutLayer>(rate, options)) {}
GaussianNoise::GaussianNoise(double stddev, DropoutOptions options)
    : Layer(std::make_shared<GaussianNoiseLayer>(stddev, options)) {}
ActivityRegularization::ActivityRegularization(ActivityRegularizationOptions options)
    : Layer(std::make_shared<ActivityRegularizationLayer>(options)) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::regularization_layers() {
  using namespace layers;
  return {{"ActivityRegularization", make_default<ActivityRegularizationLayer>},
          {"AlphaDropout", make_default<AlphaDropoutLayer>},
          {"Dropout", make_default<DropoutLayer>},
          {"GaussianDropout", make_default<GaussianDropoutLayer>},
          {"GaussianNoise", make_default<GaussianNoiseLayer>},
          {"SpatialDropout1D", spatial_dropout<1>},
          {"SpatialDropout2D", spatial_dropout<2>},
          {"SpatialDropout3D", spatial_dropout<3>}};
}

}  // namespace mica
