// Poolings over windows and over all of space.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/window.h"
#include "frontend/mica/layers/pooling.h"

namespace mica::layers {
namespace {

using namespace internal;

class PoolLayer final : public BuiltinLayer {
 public:
  PoolLayer(Common common, const char* op, Sizes size, Sizes strides, std::string padding, std::string data_format)
      : BuiltinLayer(std::move(common)),
        op_(op),
        size_(std::move(size)),
        strides_(std::move(strides)),
        padding_(std::move(padding)),
        data_format_(std::move(data_format)) {
    for (std::int64_t extent : size_) expect_positive("pool_size", extent);
    for (std::int64_t stride : strides_) expect_positive("strides", stride);
    expect_choice("padding", padding_, {"valid", "same"});
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
  }
  void fields(FieldVisitor& v) override {
    v.field("pool_size", size_);
    v.field("strides", strides_);
    v.field("padding", padding_);
    v.field("data_format", data_format_);
  }

 protected:
  Tensor forward(const Tensor& input) override {
    expect_rank(input.shape(), static_cast<int>(size_.size()) + 2);
    Tensor x = channels_to_last(to_floating(input), data_format_);
    ir::Dims spatial = spatial_dims(x);
    PadSizes padding = padding_of(padding_, spatial, size_, strides_, Sizes(size_.size(), 1), name());
    for (std::size_t i = 0; i < spatial.size(); ++i) {
      if (!spatial[i].is_static() || spatial[i].value() + padding.low[i] + padding.high[i] >= size_[i]) continue;
      fail(absl::StrCat("an input of at least ", size_[i], " along axis ", i + 1, ", the size of the pool"),
           spatial[i].to_string(), "Use padding \"same\", or a smaller pool_size.");
    }
    Tensor y = apply(op_, {x},
                     {{"window", size_}, {"strides", strides_}, {"pad_low", padding.low}, {"pad_high", padding.high}});
    return channels_back(y, data_format_);
  }

 private:
  const char* op_;
  Sizes size_, strides_;
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
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
    state().takes_mask = average_ && spatial_rank_ == 1;
  }
  void fields(FieldVisitor& v) override {
    v.field("data_format", data_format_);
    v.field("keepdims", keepdims_);
  }

 protected:
  Tensor forward(const Tensor& input) override {
    expect_rank(input.shape(), spatial_rank_ + 2);
    Tensor x = to_floating(input);
    ir::Ints axes;
    int first = data_format_ == "channels_last" ? 1 : 2;
    for (int i = 0; i < spatial_rank_; ++i) axes.push_back(first + i);
    if (Tensor valid = mask(); state().takes_mask && valid.defined()) {
      Tensor weights = valid.to(x.dtype()).unsqueeze(data_format_ == "channels_last" ? 2 : 1);
      return folded("reduce_sum", x * weights, axes) / folded("reduce_sum", weights, axes);
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
std::shared_ptr<CustomLayer> make_pool(const char* name, const char* op, Ints<N> size, PoolingOptions<N> o) {
  return std::make_shared<PoolLayer>(BuiltinLayer::Common{name, o.name, true, o.dtype}, op, internal::to_vector(size),
                                     internal::to_vector(o.strides.value_or(size)), o.padding, o.data_format);
}
std::shared_ptr<CustomLayer> make_global(const char* name, int rank, bool average, GlobalPoolingOptions o) {
  return std::make_shared<GlobalPoolLayer>(BuiltinLayer::Common{name, o.name, true, o.dtype}, rank, average,
                                           o.data_format, o.keepdims);
}

}  // namespace

MaxPooling1D::MaxPooling1D(Ints<1> size, PoolingOptions<1> options)
    : Layer(make_pool("MaxPooling1D", "max_pool", size, std::move(options))) {}
MaxPooling2D::MaxPooling2D(Ints<2> size, PoolingOptions<2> options)
    : Layer(make_pool("MaxPooling2D", "max_pool", size, std::move(options))) {}
MaxPooling3D::MaxPooling3D(Ints<3> size, PoolingOptions<3> options)
    : Layer(make_pool("MaxPooling3D", "max_pool", size, std::move(options))) {}
AveragePooling1D::AveragePooling1D(Ints<1> size, PoolingOptions<1> options)
    : Layer(make_pool("AveragePooling1D", "avg_pool", size, std::move(options))) {}
AveragePooling2D::AveragePooling2D(Ints<2> size, PoolingOptions<2> options)
    : Layer(make_pool("AveragePooling2D", "avg_pool", size, std::move(options))) {}
AveragePooling3D::AveragePooling3D(Ints<3> size, PoolingOptions<3> options)
    : Layer(make_pool("AveragePooling3D", "avg_pool", size, std::move(options))) {}
GlobalAveragePooling1D::GlobalAveragePooling1D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalAveragePooling1D", 1, true, std::move(options))) {}
GlobalAveragePooling2D::GlobalAveragePooling2D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalAveragePooling2D", 2, true, std::move(options))) {}
GlobalAveragePooling3D::GlobalAveragePooling3D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalAveragePooling3D", 3, true, std::move(options))) {}
GlobalMaxPooling1D::GlobalMaxPooling1D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalMaxPooling1D", 1, false, std::move(options))) {}
GlobalMaxPooling2D::GlobalMaxPooling2D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalMaxPooling2D", 2, false, std::move(options))) {}
GlobalMaxPooling3D::GlobalMaxPooling3D(GlobalPoolingOptions options)
    : Layer(make_global("GlobalMaxPooling3D", 3, false, std::move(options))) {}

}  // namespace mica::layers
