// Adaptive poolings: as many windows as the result shall have elements, laid over the whole axis.
#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/registry.h"
#include "frontend/layers/window.h"
#include "frontend/mica/layers/pooling.h"

namespace mica::inline layers {
namespace {

using namespace internal;

// The windows of an axis of n elements: window i begins at floor(i·n / count) and ends before ceil((i+1)·n / count).
class AdaptiveWindows {
 public:
  AdaptiveWindows(ir::Dim n, std::int64_t count) : n_(std::move(n)), count_(count) {}

  // All windows are of this size, side by side, where count divides n.
  std::optional<ir::Dim> even_size() const { return ir::Dim::exact_div(n_, ir::Dim(count_)); }
  // No window is longer.
  ir::Dim most_taps() const { return ir::Dim::floor_div(n_ + (count_ - 1), count_) + 1; }

  // Positions in the axis, [count, most_taps]; the last of a window again where it has no more.
  Tensor positions() const { return minimum(start() + tap(), end() - 1); }
  // What each tap adds to the mean of its window.
  Tensor shares(DType dtype) const {
    Tensor size = end() - start();
    return where(tap() < size, 1 / cast(size, dtype), 0);
  }

 private:
  Tensor iota(const ir::Dim& size, int axis) const {
    ir::Dims shape(2, ir::Dim(1));
    shape[static_cast<std::size_t>(axis)] = size;
    return apply("iota", {}, {{"shape", shape}, {"axis", std::int64_t{axis}}, {"dtype", kInt64}});
  }
  Tensor scaled(const Tensor& window) const {
    return window * apply("dim", {}, {{"dim", ir::Dims{n_}}, {"dtype", kInt64}});
  }
  Tensor floor_div(const Tensor& x, std::int64_t divisor) const { return apply("floor_divide", {x, weak(divisor, x)}); }
  Tensor window() const { return iota(ir::Dim(count_), 0); }
  Tensor tap() const { return iota(most_taps(), 1); }
  Tensor start() const { return floor_div(scaled(window()), count_); }
  Tensor end() const { return floor_div(scaled(window() + 1) + (count_ - 1), count_); }

  ir::Dim n_;
  std::int64_t count_;
};

class AdaptivePoolLayer final : public BuiltinLayer {
 public:
  AdaptivePoolLayer(const char* class_name, bool average, Sizes output_size, const DataFormatOptions& o)
      : BuiltinLayer({class_name, o.name, true, o.dtype}),
        average_(average),
        spatial_rank_(static_cast<int>(output_size.size())),
        output_size_(std::move(output_size)),
        data_format_(o.data_format) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    v.field("output_size", output_size_);
    v.field("data_format", data_format_);
  }

 protected:
  void settle() override {
    expect_sizes("output_size", output_size_, spatial_rank_);
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
  }
  Tensor forward(const Tensor& input) override {
    expect_rank(input.shape(), spatial_rank_ + 2);
    Tensor x = to_floating(input);
    const int first = data_format_ == "channels_last" ? 1 : 2;
    for (int i = 0; i < spatial_rank_; ++i) x = pooled(x, first + i, output_size_[static_cast<std::size_t>(i)]);
    return x;
  }

 private:
  Tensor pooled(const Tensor& x, int axis, std::int64_t count) const {
    const ir::Dim n = dims_of(x)[static_cast<std::size_t>(axis)];
    if (n == ir::Dim(count)) return x;
    AdaptiveWindows windows(n, count);
    if (std::optional<ir::Dim> size = windows.even_size()) {
      return folded(average_ ? "reduce_mean" : "reduce_max", split(x, axis, {ir::Dim(count), *size}), axis + 1);
    }
    Tensor taken = apply("gather", {x, windows.positions()}, {{"axis", std::int64_t{axis}}});
    if (!average_) return folded("reduce_max", taken, axis + 1);
    Tensor shares = windows.shares(x.dtype());
    for (int i = axis + 1; i < x.dim(); ++i) shares = shares.unsqueeze(-1);
    return folded("reduce_sum", taken * shares, axis + 1);
  }
  static Tensor folded(const char* op, const Tensor& x, int axis) {
    return apply(op, {x}, {{"axes", ir::Ints{axis}}, {"keepdims", false}});
  }
  static Tensor split(const Tensor& x, int axis, const std::array<ir::Dim, 2>& parts) {
    ir::Dims dims = dims_of(x);
    auto at = dims.erase(dims.begin() + axis);
    dims.insert(at, parts.begin(), parts.end());
    return reshape_dims(x, std::move(dims));
  }

  bool average_;
  int spatial_rank_;
  Sizes output_size_;
  std::string data_format_;
};

template <int N>
std::shared_ptr<BuiltinLayer> make_adaptive(const char* name, bool average, const Ints<N>& output_size,
                                            const DataFormatOptions& o) {
  return std::make_shared<AdaptivePoolLayer>(name, average, internal::to_vector(output_size), o);
}

}  // namespace

AdaptiveAveragePooling1D::AdaptiveAveragePooling1D(Ints<1> output_size, DataFormatOptions options)
    : Layer(make_adaptive("AdaptiveAveragePooling1D", true, output_size, options)) {}
AdaptiveAveragePooling2D::AdaptiveAveragePooling2D(Ints<2> output_size, DataFormatOptions options)
    : Layer(make_adaptive("AdaptiveAveragePooling2D", true, output_size, options)) {}
AdaptiveAveragePooling3D::AdaptiveAveragePooling3D(Ints<3> output_size, DataFormatOptions options)
    : Layer(make_adaptive("AdaptiveAveragePooling3D", true, output_size, options)) {}
AdaptiveMaxPooling1D::AdaptiveMaxPooling1D(Ints<1> output_size, DataFormatOptions options)
    : Layer(make_adaptive("AdaptiveMaxPooling1D", false, output_size, options)) {}
AdaptiveMaxPooling2D::AdaptiveMaxPooling2D(Ints<2> output_size, DataFormatOptions options)
    : Layer(make_adaptive("AdaptiveMaxPooling2D", false, output_size, options)) {}
AdaptiveMaxPooling3D::AdaptiveMaxPooling3D(Ints<3> output_size, DataFormatOptions options)
    : Layer(make_adaptive("AdaptiveMaxPooling3D", false, output_size, options)) {}

}  // namespace mica::inline layers

namespace mica::internal {

std::vector<LayerClass> adaptive_pooling_layers() {
  return {
      {"AdaptiveAveragePooling1D", [] { return layers::make_adaptive<1>("AdaptiveAveragePooling1D", true, 1, {}); }},
      {"AdaptiveAveragePooling2D", [] { return layers::make_adaptive<2>("AdaptiveAveragePooling2D", true, 1, {}); }},
      {"AdaptiveAveragePooling3D", [] { return layers::make_adaptive<3>("AdaptiveAveragePooling3D", true, 1, {}); }},
      {"AdaptiveMaxPooling1D", [] { return layers::make_adaptive<1>("AdaptiveMaxPooling1D", false, 1, {}); }},
      {"AdaptiveMaxPooling2D", [] { return layers::make_adaptive<2>("AdaptiveMaxPooling2D", false, 1, {}); }},
      {"AdaptiveMaxPooling3D", [] { return layers::make_adaptive<3>("AdaptiveMaxPooling3D", false, 1, {}); }},
  };
}

}  // namespace mica::internal
