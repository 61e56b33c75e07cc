// Images brought to a size.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

struct ResizingOptions {
  std::string interpolation = "bilinear";
  bool crop_to_aspect_ratio = false, pad_to_aspect_ratio = false;
  std::string fill_mode = "constant";
  double fill_value = 0;
  bool antialias = false;
  std::string data_format = "channels_last";
  std::string name = {};
};
class Resizing : public Layer {
 public:
  Resizing(std::int64_t height, std::int64_t width, ResizingOptions options = {});
};
class CenterCrop : public Layer {
 public:
  CenterCrop(std::int64_t height, std::int64_t width, DataFormatOptions options = {});
};

}  // namespace layers
}  // namespace mica
