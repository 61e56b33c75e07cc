#include "frontend/mica/nn/image.h"

#include "absl/strings/str_cat.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using internal::function_of_tensors;
using internal::python_text;
using internal::stateless_module;

template <int N>
std::vector<std::int64_t> list_of(const Ints<N>& sizes) {
  std::vector<std::int64_t> list;
  for (int i = 0; i < N; ++i) list.push_back(sizes[i]);
  return list;
}

template <int N>
std::shared_ptr<CustomLayer> pad_module(const char* class_name, const Ints<N>& sizes, const F::PadOptions& options,
                                        std::string text) {
  return stateless_module(class_name, std::move(text),
                          [=](const Tensor& x) { return F::pad(x, list_of(sizes), options); });
}

std::shared_ptr<CustomLayer> upsample_module(const char* class_name, const F::InterpolateOptions& options) {
  std::string text;
  if (options.scale_factor) {
    text = absl::StrCat("scale_factor=", python_text(*options.scale_factor));
  } else {
    text = absl::StrCat("size=", options.size.size() == 1 ? python_text(options.size[0]) : python_text(options.size));
  }
  return stateless_module(class_name, absl::StrCat(text, ", mode='", options.mode, "'"),
                          [=](const Tensor& x) { return F::interpolate(x, options); });
}

F::InterpolateOptions with_mode(F::InterpolateOptions options, const char* mode, bool align_corners) {
  options.mode = mode;
  options.align_corners = align_corners;
  return options;
}

}  // namespace

ZeroPad1d::ZeroPad1d(PadSizes<1> padding)
    : Layer(pad_module<2>("ZeroPad1d", padding, {.mode = "constant"}, python_text(padding))) {}
ZeroPad2d::ZeroPad2d(PadSizes<2> padding)
    : Layer(pad_module<4>("ZeroPad2d", padding, {.mode = "constant"}, python_text(padding))) {}
ZeroPad3d::ZeroPad3d(PadSizes<3> padding)
    : Layer(pad_module<6>("ZeroPad3d", padding, {.mode = "constant"}, python_text(padding))) {}
ConstantPad1d::ConstantPad1d(PadSizes<1> padding, double value)
    : Layer(pad_module<2>("ConstantPad1d", padding, {.mode = "constant", .value = value},
                          absl::StrCat("padding=", python_text(padding), ", value=", python_text(value)))) {}
ConstantPad2d::ConstantPad2d(PadSizes<2> padding, double value)
    : Layer(pad_module<4>("ConstantPad2d", padding, {.mode = "constant", .value = value},
                          absl::StrCat("padding=", python_text(padding), ", value=", python_text(value)))) {}
ConstantPad3d::ConstantPad3d(PadSizes<3> padding, double value)
    : Layer(pad_module<6>("ConstantPad3d", padding, {.mode = "constant", .value = value},
                          absl::StrCat("padding=", python_text(padding), ", value=", python_text(value)))) {}
ReflectionPad1d::ReflectionPad1d(PadSizes<1> padding)
    : Layer(pad_module<2>("ReflectionPad1d", padding, {.mode = "reflect"}, python_text(padding))) {}
ReflectionPad2d::ReflectionPad2d(PadSizes<2> padding)
    : Layer(pad_module<4>("ReflectionPad2d", padding, {.mode = "reflect"}, python_text(padding))) {}
ReflectionPad3d::ReflectionPad3d(PadSizes<3> padding)
    : Layer(pad_module<6>("ReflectionPad3d", padding, {.mode = "reflect"}, python_text(padding))) {}
ReplicationPad1d::ReplicationPad1d(PadSizes<1> padding)
    : Layer(pad_module<2>("ReplicationPad1d", padding, {.mode = "replicate"}, python_text(padding))) {}
ReplicationPad2d::ReplicationPad2d(PadSizes<2> padding)
    : Layer(pad_module<4>("ReplicationPad2d", padding, {.mode = "replicate"}, python_text(padding))) {}
ReplicationPad3d::ReplicationPad3d(PadSizes<3> padding)
    : Layer(pad_module<6>("ReplicationPad3d", padding, {.mode = "replicate"}, python_text(padding))) {}
CircularPad1d::CircularPad1d(PadSizes<1> padding)
    : Layer(pad_module<2>("CircularPad1d", padding, {.mode = "circular"}, python_text(padding))) {}
CircularPad2d::CircularPad2d(PadSizes<2> padding)
    : Layer(pad_module<4>("CircularPad2d", padding, {.mode = "circular"}, python_text(padding))) {}
CircularPad3d::CircularPad3d(PadSizes<3> padding)
    : Layer(pad_module<6>("CircularPad3d", padding, {.mode = "circular"}, python_text(padding))) {}
Upsample::Upsample(F::InterpolateOptions options) : Layer(upsample_module("Upsample", options)) {}
UpsamplingNearest2d::UpsamplingNearest2d(F::InterpolateOptions options)
    : Layer(upsample_module("UpsamplingNearest2d", with_mode(std::move(options), "nearest", false))) {}
UpsamplingBilinear2d::UpsamplingBilinear2d(F::InterpolateOptions options)
    : Layer(upsample_module("UpsamplingBilinear2d", with_mode(std::move(options), "bilinear", true))) {}
PixelShuffle::PixelShuffle(std::int64_t upscale_factor)
    : Layer(stateless_module("PixelShuffle", absl::StrCat("upscale_factor=", upscale_factor),
                             [=](const Tensor& x) { return F::pixel_shuffle(x, upscale_factor); })) {}
PixelUnshuffle::PixelUnshuffle(std::int64_t downscale_factor)
    : Layer(stateless_module("PixelUnshuffle", absl::StrCat("downscale_factor=", downscale_factor),
                             [=](const Tensor& x) { return F::pixel_unshuffle(x, downscale_factor); })) {}
ChannelShuffle::ChannelShuffle(std::int64_t groups)
    : Layer(stateless_module("ChannelShuffle", absl::StrCat("groups=", groups),
                             [=](const Tensor& x) { return F::channel_shuffle(x, groups); })) {}
CosineSimilarity::CosineSimilarity(F::CosineOptions options)
    : Layer(function_of_tensors("CosineSimilarity", "", 2,
                                [=](const Tensors& xs) { return F::cosine_similarity(xs[0], xs[1], options); })) {}
PairwiseDistance::PairwiseDistance(F::DistanceOptions options)
    : Layer(function_of_tensors("PairwiseDistance", "", 2,
                                [=](const Tensors& xs) { return F::pairwise_distance(xs[0], xs[1], options); })) {}

}  // namespace mica::nn
