// Images brought to a size: resized, or cut at the center.
#include "frontend/layers/image.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/builtin.h"
#include "frontend/layers/interpolation.h"
#include "frontend/layers/window.h"
#include "frontend/mica/layers/image.h"

namespace mica::inline layers {
namespace {

using namespace internal;

struct ImageSize {
  std::int64_t height, width;
};

// An axis that became `length` elements of which the first is `start`: below 0 for padding.
struct Part {
  std::int64_t start, length;
};

std::int64_t scaled(std::int64_t length, std::int64_t target, std::int64_t other_target) {
  return static_cast<std::int64_t>(static_cast<double>(length * target) / static_cast<double>(other_target));
}
Part largest_part(std::int64_t length, std::int64_t wanted) {
  std::int64_t part = std::max<std::int64_t>(std::min(length, wanted), 1);
  return {(length - part) / 2, part};
}
Part padded_part(std::int64_t length, std::int64_t wanted) {
  std::int64_t before = (std::max(length, wanted) - length) / 2;
  return {-before, length + 2 * before};
}

// What layers of images share: one image or a batch of them, in either data format, computed as channels-last batches.
class ImageLayer : public BuiltinLayer {
 protected:
  ImageLayer(Common common, ImageSize size, std::string data_format)
      : BuiltinLayer(std::move(common)), size_(size), data_format_(std::move(data_format)) {}

  void settle() override {
    expect_positive("height", size_.height);
    expect_positive("width", size_.width);
    expect_choice("data_format", data_format_, {"channels_last", "channels_first"});
  }
  void size_fields(FieldVisitor& v) {
    v.field("data_format", data_format_);
    v.field("height", size_.height);
    v.field("width", size_.width);
  }

  Tensor forward(const Tensor& input) final {
    if (input.dim() == 3) return forward(input.unsqueeze(0)).squeeze(0);
    expect_rank(input.shape(), 4);
    return channels_back(brought_to_size(channels_to_last(input, data_format_)), data_format_);
  }
  virtual Tensor brought_to_size(const Tensor& images) const = 0;

  // The part of the images that has the wanted ratio of height and width: cut out, or with a border.
  Tensor at_aspect_ratio(const Tensor& images, Part (*part)(std::int64_t, std::int64_t), double border) const {
    const std::int64_t height = known_dim(images.shape(), 1), width = known_dim(images.shape(), 2);
    Part rows = part(height, scaled(width, size_.height, size_.width));
    Part columns = part(width, scaled(height, size_.width, size_.height));
    ir::Dims low{0, -rows.start, -columns.start, 0};
    ir::Dims high{0, rows.start + rows.length - height, columns.start + columns.length - width, 0};
    return apply("pad", {images}, {{"low", low}, {"high", high}, {"value", border}});
  }

  ImageSize size_;
  std::string data_format_;
};

class ResizingLayer final : public ImageLayer {
 public:
  explicit ResizingLayer(std::int64_t height = 1, std::int64_t width = 1, const ResizingOptions& o = {})
      : ImageLayer({"Resizing", o.name}, {height, width}, o.data_format), o_(o) {
    settle();
  }
  void fields(FieldVisitor& v) override {
    size_fields(v);
    v.field("interpolation", o_.interpolation);
    v.field("crop_to_aspect_ratio", o_.crop_to_aspect_ratio);
    v.field("pad_to_aspect_ratio", o_.pad_to_aspect_ratio);
    v.field("fill_mode", o_.fill_mode);
    v.field("fill_value", o_.fill_value);
    v.field("antialias", o_.antialias);
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    expect_choice("interpolation", o_.interpolation, kInterpolations);
    expect_choice("fill_mode", o_.fill_mode, {"constant"});
    if (o_.crop_to_aspect_ratio && o_.pad_to_aspect_ratio)
      fail("one of crop_to_aspect_ratio and pad_to_aspect_ratio at most", "both");
  }
  Tensor brought_to_size(const Tensor& images) const override {
    Tensor x = to_floating(images);
    if (o_.crop_to_aspect_ratio) x = at_aspect_ratio(x, largest_part, 0);
    if (o_.pad_to_aspect_ratio) x = at_aspect_ratio(x, padded_part, o_.fill_value);
    x = interpolated(x, {size_.height, size_.width}, o_.interpolation, o_.antialias);
    return images.dtype().is_floating() ? x : saturated(round(x), images.dtype());
  }

 private:
  // Interpolation may leave the range of small integers.
  static Tensor saturated(const Tensor& x, DType dtype) {
    const int bits = 8 * static_cast<int>(dtype.bytes());
    if (bits > 16) return cast(x, dtype);
    const double most = std::ldexp(1.0, dtype.is_unsigned() ? bits : bits - 1) - 1;
    return cast(x.clamp(dtype.is_unsigned() ? 0 : -most - 1, most), dtype);
  }

  ResizingOptions o_;
};

class CenterCropLayer final : public ImageLayer {
 public:
  explicit CenterCropLayer(std::int64_t height = 1, std::int64_t width = 1, const DataFormatOptions& o = {})
      : ImageLayer({"CenterCrop", o.name, true, o.dtype}, {height, width}, o.data_format) {
    settle();
  }
  void fields(FieldVisitor& v) override { size_fields(v); }

 protected:
  // Smaller images are resized, from the largest part of the wanted ratio.
  Tensor brought_to_size(const Tensor& images) const override {
    Tensor x = to_floating(images);
    const ir::Dims& dims = dims_of(x);
    auto fits = [](const ir::Dim& dim, std::int64_t size) { return !dim.is_static() || dim.value() >= size; };
    if (fits(dims[1], size_.height) && fits(dims[2], size_.width))
      return centered(centered(x, 1, size_.height), 2, size_.width);
    return interpolated(at_aspect_ratio(x, largest_part, 0), {size_.height, size_.width}, "bilinear");
  }

 private:
  static Tensor centered(const Tensor& x, int axis, std::int64_t length) {
    const ir::Dim start = ir::Dim::floor_div(dims_of(x)[static_cast<std::size_t>(axis)] - length, 2);
    return apply("slice", {x},
                 {{"axis", std::int64_t{axis}}, {"start", ir::Dims{start}}, {"stop", ir::Dims{start + length}}});
  }
};

}  // namespace

Resizing::Resizing(std::int64_t height, std::int64_t width, ResizingOptions options)
    : Layer(std::make_shared<ResizingLayer>(height, width, options)) {}
CenterCrop::CenterCrop(std::int64_t height, std::int64_t width, DataFormatOptions options)
    : Layer(std::make_shared<CenterCropLayer>(height, width, options)) {}

}  // namespace mica::inline layers

namespace mica::internal {

std::vector<LayerClass> image_layers() {
  return {
      {"CenterCrop", make_default<layers::CenterCropLayer>},
      {"Resizing", make_default<layers::ResizingLayer>},
  };
}

}  // namespace mica::internal
