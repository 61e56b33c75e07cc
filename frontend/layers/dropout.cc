// Layers that draw random numbers in training and are the identity in inference.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/random.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/regularization.h"

namespace mica::layers {
namespace {

using namespace internal;

class DropoutLayer final : public BuiltinLayer {
 public:
  // `spatial_rank` axes after the batch share their noise: whole channels are dropped. 0: every element has its own.
  DropoutLayer(const char* class_name, double rate, int spatial_rank, DropoutOptions o)
      : BuiltinLayer({class_name, o.name, o.trainable, o.dtype}),
        rate_(rate),
        spatial_rank_(spatial_rank),
        noise_shape_(std::move(o.noise_shape)),
        seed_(o.seed) {
    if (!(rate_ >= 0 && rate_ <= 1)) fail("a rate from 0 to 1", absl::StrCat(rate_));
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.field("rate", rate_);
    v.field("seed", seed_);
    if (spatial_rank_ == 0 && noise_shape_.rank() > 0) v.field("noise_shape", noise_shape_);
  }

 protected:
  Tensor forward(const Tensor& x) override {
    if (!training() || rate_ == 0) return x;
    return apply("dropout", {to_floating(x), random_state(seed_)}, {{"rate", rate_}, {"noise_shape", noise_dims(x)}});
  }

 private:
  ir::Dims noise_dims(const Tensor& x) const {
    const ir::Dims& dims = dims_of(x);
    ir::Dims noise;
    if (spatial_rank_ > 0) {
      expect_rank(x.shape(), spatial_rank_ + 2);
      noise.assign(dims.size(), ir::Dim(1));
      noise.front() = dims.front();
      noise.back() = dims.back();
    } else if (noise_shape_.rank() > 0) {
      expect_rank(x.shape(), noise_shape_.rank());
      for (int i = 0; i < noise_shape_.rank(); ++i) {
        noise.push_back(noise_shape_[i] == kAny ? dims[static_cast<std::size_t>(i)] : ir::Dim(noise_shape_[i]));
      }
    }
    return noise;
  }

  double rate_;
  int spatial_rank_;
  Shape noise_shape_;
  std::optional<std::int64_t> seed_;
};

// x + noise or x · noise, the noise normal.
class GaussianLayer final : public BuiltinLayer {
 public:
  GaussianLayer(const char* class_name, const char* field, double amount, bool multiplies, DropoutOptions o)
      : BuiltinLayer({class_name, o.name, o.trainable, o.dtype}),
        field_(field),
        amount_(amount),
        multiplies_(multiplies),
        seed_(o.seed) {
    if (!(amount_ >= 0 && (amount_ < 1 || !multiplies_))) {
      fail(absl::StrCat(field_, multiplies_ ? " from 0 to below 1" : " of at least 0"), absl::StrCat(amount_));
    }
    state().passes_masks = true;
  }
  void fields(FieldVisitor& v) override {
    v.field(field_, amount_);
    v.field("seed", seed_);
  }

 protected:
  Tensor forward(const Tensor& input) override {
    if (!training() || amount_ == 0) return input;
    Tensor x = to_floating(input);
    Tensor noise = apply("random_normal", {random_state(seed_)}, {{"shape", dims_of(x)}, {"dtype", x.dtype()}});
    return multiplies_ ? x * (noise * std::sqrt(amount_ / (1 - amount_)) + 1) : x + noise * amount_;
  }

 private:
  const char* field_;
  double amount_;
  bool multiplies_;
  std::optional<std::int64_t> seed_;
};

}  // namespace

Dropout::Dropout(double rate, DropoutOptions options)
    : Layer(std::make_shared<DropoutLayer>("Dropout", rate, 0, std::move(options))) {}
SpatialDropout1D::SpatialDropout1D(double rate, DropoutOptions options)
    : Layer(std::make_shared<DropoutLayer>("SpatialDropout1D", rate, 1, std::move(options))) {}
SpatialDropout2D::SpatialDropout2D(double rate, DropoutOptions options)
    : Layer(std::make_shared<DropoutLayer>("SpatialDropout2D", rate, 2, std::move(options))) {}
SpatialDropout3D::SpatialDropout3D(double rate, DropoutOptions options)
    : Layer(std::make_shared<DropoutLayer>("SpatialDropout3D", rate, 3, std::move(options))) {}
GaussianDropout::GaussianDropout(double rate, DropoutOptions options)
    : Layer(std::make_shared<GaussianLayer>("GaussianDropout", "rate", rate, true, std::move(options))) {}
GaussianNoise::GaussianNoise(double stddev, DropoutOptions options)
    : Layer(std::make_shared<GaussianLayer>("GaussianNoise", "stddev", stddev, false, std::move(options))) {}

}  // namespace mica::layers

namespace mica::internal {

std::vector<LayerClass> regularization_layers() { return {}; }

}  // namespace mica::internal
