// Layers on lines, images and volumes.
#include "tests/keras_opens/cases.h"

namespace mica::keras_opens {

std::vector<Case> convolution_cases() {
  Shape line{9, 4}, image{9, 8, 4}, volume{5, 6, 5, 4};
  return {
      one("Conv1D", line, Conv1D(6, 3, {.padding = "causal", .dilation_rate = 2, .groups = 2, .activation = "relu"})),
      one("Conv2D", image, Conv2D(6, {3, 2}, {.strides = {2, 1}, .padding = "same", .use_bias = false})),
      one("Conv3D", volume, Conv3D(2, 2, {.activation = "tanh"})),
      one("Conv1DTranspose", line, Conv1DTranspose(3, 3, {.strides = 2})),
      one("Conv2DTranspose", image, Conv2DTranspose(3, 3, {.strides = 2, .output_padding = 1})),
      one("Conv3DTranspose", volume, Conv3DTranspose(2, 2, {.padding = "same"})),
      one("DepthwiseConv1D", line, DepthwiseConv1D(3, {.depth_multiplier = 2})),
      one("DepthwiseConv2D", image, DepthwiseConv2D(3, {.strides = 2, .padding = "same"})),
      one("SeparableConv1D", line, SeparableConv1D(5, 3, {.padding = "same"})),
      one("SeparableConv2D", image, SeparableConv2D(5, 3, {.depth_multiplier = 2})),
  };
}

std::vector<Case> pooling_cases() {
  Shape line{9, 4}, image{9, 8, 4}, volume{5, 6, 5, 4};
  return {
      one("MaxPooling1D", line, MaxPooling1D(2, {.strides = 3})),
      one("MaxPooling2D", image, MaxPooling2D({3, 2}, {.padding = "same"})),
      one("MaxPooling3D", volume, MaxPooling3D(2)),
      one("AveragePooling1D", line, AveragePooling1D(2, {.padding = "same"})),
      one("AveragePooling2D", image, AveragePooling2D({3, 2}, {.strides = 2})),
      one("AveragePooling3D", volume, AveragePooling3D(2)),
      one("GlobalAveragePooling1D", line, GlobalAveragePooling1D()),
      one("GlobalAveragePooling2D", image, GlobalAveragePooling2D({.keepdims = true})),
      one("GlobalAveragePooling3D", volume, GlobalAveragePooling3D()),
      one("GlobalMaxPooling1D", line, GlobalMaxPooling1D()),
      one("GlobalMaxPooling2D", image, GlobalMaxPooling2D()),
      one("GlobalMaxPooling3D", volume, GlobalMaxPooling3D({.keepdims = true})),
      one("AdaptiveAveragePooling1D", line, AdaptiveAveragePooling1D(4)),
      one("AdaptiveAveragePooling2D", image, AdaptiveAveragePooling2D({4, 3})),
      one("AdaptiveAveragePooling3D", volume, AdaptiveAveragePooling3D(2)),
      one("AdaptiveMaxPooling1D", line, AdaptiveMaxPooling1D(4)),
      one("AdaptiveMaxPooling2D", image, AdaptiveMaxPooling2D({4, 3})),
      one("AdaptiveMaxPooling3D", volume, AdaptiveMaxPooling3D(2)),
  };
}

std::vector<Case> shape_cases() {
  Shape line{9, 4}, image{9, 8, 4}, volume{5, 6, 5, 4};
  return {
      one("Flatten", image, Flatten()),
      one("Reshape", line, Reshape({3, kAny})),
      one("Permute", image, Permute({3, 1, 2})),
      one("RepeatVector", {4}, RepeatVector(3)),
      one("ZeroPadding1D", line, ZeroPadding1D({1, 2})),
      one("ZeroPadding2D", image, ZeroPadding2D({{1, 2}, {0, 3}})),
      one("ZeroPadding3D", volume, ZeroPadding3D(1)),
      one("Cropping1D", line, Cropping1D({1, 2})),
      one("Cropping2D", image, Cropping2D({{1, 2}, {0, 3}})),
      one("Cropping3D", volume, Cropping3D(1)),
      one("UpSampling1D", line, UpSampling1D(3)),
      one("UpSampling2D", image, UpSampling2D({2, 3}, {.interpolation = "bilinear"})),
      one("UpSampling3D", volume, UpSampling3D(2)),
  };
}

}  // namespace mica::keras_opens
