// Upsampling: every element repeated, or values between the elements.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/interpolation.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/window.h"
#include "frontend/mica/layers/shape.h"

namespace mica::inline layers {
namespace {

using namespace internal;

class UpSamplingLayer final : public BuiltinLayer {
 public:
  UpSamplingLayer(const char* class_name, Sizes size, const UpSamplingOptions& o)
      : BuiltinLayer({class_name, o.name, true, o.dtype}),
        spatial_rank_(static_cast<int>(size.size())),
        size_(std::move(size)),
        data_format_(o.data_format),
        interpolation_(o.interpolation) {
    settle();
  }
  // Only images have an interpolation, and sequences no data format.
  void fields(FieldVisitor& v) override {
    if (spatial_rank_ == 1) return v.field("size", size_[0]);
    v.field("size", size_);
    v.field("data_format", data_format_);
    if (spatial_rank_ == 2) v.field("interpolation", interpolation_);
  }

 protected:
  void settle() override {
    expect_sizes("size", size_, spatial_rank_);
    if (spatial_rank_ == 1) {
      expect_choice("data_format", data_format_, {"channels_last"});
    } else {
      expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
    }
    if (spatial_rank_ == 2) {
      expect_choice("interpolation", interpolation_, kInterpolations);
    } else {
      expect_choice("interpolation", interpolation_, {"nearest"});
    }
  }
  Tensor forward(const Tensor& input) override {
    expect_rank(input.shape(), spatial_rank_ + 2);
    if (interpolation_ == "nearest") return repeated(input);
    Tensor x = to_floating(channels_to_last(input, data_format_));
    ir::Dims size;
    for (std::size_t i = 0; i < size_.size(); ++i) size.push_back(dims_of(x)[i + 1] * ir::Dim(size_[i]));
    return channels_back(interpolated(x, size, interpolation_), data_format_);
  }

 private:
  // [H, W] -> [H, 1, W, 1] -> [H, s, W, s] -> [H·s, W·s]
  Tensor repeated(const Tensor& x) const {
    const std::size_t first = data_format_ == "channels_last" ? 1 : 2;
    ir::Dims split, wide, merged;
    for (std::size_t axis = 0; axis < dims_of(x).size(); ++axis) {
      const ir::Dim& dim = dims_of(x)[axis];
      const bool spatial = axis >= first && axis < first + size_.size();
      const ir::Dim factor(spatial ? size_[axis - first] : 1);
      for (ir::Dims* dims : {&split, &wide}) dims->push_back(dim);
      merged.push_back(dim * factor);
      if (!spatial) continue;
      split.push_back(ir::Dim(1));
      wide.push_back(factor);
    }
    return reshape_dims(apply("broadcast_to", {reshape_dims(x, split)}, {{"shape", wide}}), merged);
  }

  int spatial_rank_;
  Sizes size_;
  std::string data_format_, interpolation_;
};

template <int N>
std::shared_ptr<BuiltinLayer> make_upsampling(const char* class_name, const Ints<N>& size, const UpSamplingOptions& o) {
  return std::make_shared<UpSamplingLayer>(class_name, internal::to_vector(size), o);
}

}  // namespace

UpSampling1D::UpSampling1D(Ints<1> size, UpSamplingOptions options)
    : Layer(make_upsampling("UpSampling1D", size, options)) {}
UpSampling2D::UpSampling2D(Ints<2> size, UpSamplingOptions options)
    : Layer(make_upsampling("UpSampling2D", size, options)) {}
UpSampling3D::UpSampling3D(Ints<3> size, UpSamplingOptions options)
    : Layer(make_upsampling("UpSampling3D", size, options)) {}

}  // namespace mica::inline layers

namespace mica::internal {

std::vector<LayerClass> upsampling_layers() {
  return {
      {"UpSampling1D", [] { return layers::make_upsampling<1>("UpSampling1D", 1, {}); }},
      {"UpSampling2D", [] { return layers::make_upsampling<2>("UpSampling2D", 1, {}); }},
      {"UpSampling3D", [] { return layers::make_upsampling<3>("UpSampling3D", 1, {}); }},
  };
}

}  // namespace mica::internal
