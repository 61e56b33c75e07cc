// Poolings over windows and over all of space.
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/window.h"
#include "frontend/mica/layers/pooling.h"

namespace mica::inline layers {
namespace {

using namespace internal;

class PoolLayer final : public BuiltinLayer {
 public:
  PoolLayer(Common common, bool average, Sizes size, std::optional<Sizes> strides, std::string padding,
            std::string data_format)
      : BuiltinLayer(std::move(common)),
        average_(average),
        spatial_rank_(static_cast<int>(size.size())),
        size_(std::move(size)),
        strides_(std::move(strides)),
        padding_(std::move(padding)),
        data_format_(std::move(data_format)) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("pool_size", size_);
    v.field("padding", padding_);
    v.field("strides", strides_);
    v.field("data_format", data_format_);
  }

 protected:
  void settle() override {
    if (!strides_) strides_ = size_;
    expect_sizes("pool_size", size_, spatial_rank_);
    expect_sizes("strides", *strides_, spatial_rank_);
    expect_choice("padding", padding_, {"valid", "same"});
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
  }
  Tensor forward(const Tensor& input) override {
    expect_rank(input.shape(), spatial_rank_ + 2);
    Tensor x = channels_to_last(to_floating(input), data_format_);
    expect_pool_fits(x);
    return channels_back(pool_windows(x, average_, padding_, size_, *strides_), data_format_);
  }

 private:
  void expect_pool_fits(const Tensor& x) const {
    ir::Dims spatial = spatial_dims(x);
    for (std::size_t i = 0; i < spatial.size(); ++i) {
      if (padding_ == "same" || !spatial[i].is_static() || spatial[i].value() >= size_[i]) continue;
      fail(absl::StrCat("an input of at least ", size_[i], " along axis ", i + 1, ", the size of the pool"),
           spatial[i].to_string(), "Use padding \"same\", or a smaller pool_size.");
    }
  }

  bool average_;
  int spatial_rank_;
  Sizes size_;
  std::optional<Sizes> strides_;
  std::string padding_, data_format_;
};

class GlobalPoolLayer final : public BuiltinLayer {
 public:
  GlobalPoolLayer(Common common, int spatial_rank, bool average, std::string data_format, bool keepdims)
      : BuiltinLayer(std::move(common)),
        spatial_rank_(spatial_rank),
        average_(average),
        data_format_(std::move(data_format)),
        keepdims_(keepdims) {
    state().takes_mask = average_ && spatial_rank_ == 1;
    settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("data_format", data_format_);
    v.field("keepdims", keepdims_);
  }

 protected:
  void settle() override { expect_choice("data_format", data_format_, {"channels_last", "channels_first"}); }
  Tensor forward(const Tensor& input) override {
    expect_rank(input.shape(), spatial_rank_ + 2);
    Tensor x = to_floating(input);
    ir::Ints axes;
    int first = data_format_ == "channels_last" ? 1 : 2;
    for (int i = 0; i < spatial_rank_; ++i) axes.push_back(first + i);
    if (Tensor valid = mask(); state().takes_mask && valid.defined()) {
      Tensor kept = valid.unsqueeze(data_format_ == "channels_last" ? 2 : 1);
      return folded("reduce_sum", where(kept, x, 0), axes) / folded("reduce_sum", cast(kept, x.dtype()), axes);
    }
    return folded(average_ ? "reduce_mean" : "reduce_max", x, axes);
  }

 private:
  Tensor folded(const char* op, const Tensor& x, const ir::Ints& axes) const {
    return apply(op, {x}, {{"axes", axes}, {"keepdims", keepdims_}});
  }
  int spatial_rank_;
  bool average_;
  std::string data_format_;
  bool keepdims_;
};

template <int N>
std::shared_ptr<BuiltinLayer> make_pool(const char* name, bool average, const Ints<N>& size,
                                        const PoolingOptions<N>& o) {
  std::optional<Sizes> strides;
  if (o.strides) strides = internal::to_vector(*o.strides);
  return std::make_shared<PoolLayer>(BuiltinLayer::Common{name, o.name, true, o.dtype}, average,
                                     internal::to_vector(size), std::move(strides), o.padding, o.data_format);
}
std::shared_ptr<BuiltinLayer> make_global(const char* name, int rank, bool average, const GlobalPoolingOptions& o) {
  return std::make_shared<GlobalPoolLayer>(BuiltinLayer::Common{name, o.name, true, o.dtype}, rank, average,
                                           o.data_format, o.keepdims);
}

}  // namespace

MaxPooling1D::MaxPooling1D(Ints<1> size, PoolingOptions<1> options)
    : Layer(make_pool("MaxPooling1D", false, size, options)) {}
MaxPooling2D::MaxPooling2D(Ints<2> size, PoolingOptions<2> options)
    : Layer(make_pool("MaxPooling2D", false, size, options)) {}
MaxPooling3D::MaxPooling3D(Ints<3> size, PoolingOptions<3> options)
    : Layer(make_pool("MaxPooling3D", false, size, options)) {}
AveragePooling1D::AveragePooling1D(Ints<1> size, PoolingOptions<1> options)
    : Layer(make_pool("AveragePooling1D", true, size, options)) {}
AveragePooling2D::AveragePooling2D(Ints<2> size, PoolingOptions<2> options)
    : Layer(make_pool("AveragePooling2D", true, size, options)) {}
AveragePooling3D::AveragePooling3D(Ints<3> size, PoolingOptions<3> options)
    : Layer(make_pool("AveragePooling3D", true, size, options)) {}
GlobalAveragePooling1D::GlobalAveragePooling1D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalAveragePooling1D", 1, true, options)) {}
GlobalAveragePooling2D::GlobalAveragePooling2D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalAveragePooling2D", 2, true, options)) {}
GlobalAveragePooling3D::GlobalAveragePooling3D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalAveragePooling3D", 3, true, options)) {}
GlobalMaxPooling1D::GlobalMaxPooling1D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalMaxPooling1D", 1, false, options)) {}
GlobalMaxPooling2D::GlobalMaxPooling2D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalMaxPooling2D", 2, false, options)) {}
GlobalMaxPooling3D::GlobalMaxPooling3D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalMaxPooling3D", 3, false, options)) {}

}  // namespace mica::inline layers

namespace mica::internal {

std::vector<LayerClass> pooling_layers() {
  return {
      {"MaxPooling1D", [] { return layers::make_pool<1>("MaxPooling1D", false, 1, {}); }},
      {"MaxPooling2D", [] { return layers::make_pool<2>("MaxPooling2D", false, 1, {}); }},
      {"MaxPooling3D", [] { return layers::make_pool<3>("MaxPooling3D", false, 1, {}); }},
      {"AveragePooling1D", [] { return layers::make_pool<1>("AveragePooling1D", true, 1, {}); }},
      {"AveragePooling2D", [] { return layers::make_pool<2>("AveragePooling2D", true, 1, {}); }},
      {"AveragePooling3D", [] { return layers::make_pool<3>("AveragePooling3D", true, 1, {}); }},
      {"GlobalAveragePooling1D", [] { return layers::make_global("GlobalAveragePooling1D", 1, true, {}); }},
      {"GlobalAveragePooling2D", [] { return layers::make_global("GlobalAveragePooling2D", 2, true, {}); }},
      {"GlobalAveragePooling3D", [] { return layers::make_global("GlobalAveragePooling3D", 3, true, {}); }},
      {"GlobalMaxPooling1D", [] { return layers::make_global("GlobalMaxPooling1D", 1, false, {}); }},
      {"GlobalMaxPooling2D", [] { return layers::make_global("GlobalMaxPooling2D", 2, false, {}); }},
      {"GlobalMaxPooling3D", [] { return layers::make_global("GlobalMaxPooling3D", 3, false, {}); }},
  };
}

}  // namespace mica::internal
