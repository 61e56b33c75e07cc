#include "frontend/files/png.h"

#include <png.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "frontend/files/byte_source.h"
#include "frontend/files/file_error.h"

namespace mica::files {
namespace {

constexpr int kDecoded = 4;  // channels that libpng gives: red, green, blue, opacity

int channels_of(png_uint_32 format) {
  if (format & PNG_FORMAT_FLAG_ALPHA) return 4;
  return format & PNG_FORMAT_FLAG_COLOR ? 3 : 1;
}

// A picture of so many pixels cannot come out of so few bytes: a pixel has a bit at least.
absl::Status check_size(const png_image& image, std::size_t bytes, std::string_view where) {
  const std::uint64_t pixels = std::uint64_t{image.width} * image.height;
  if (pixels / 8 > bytes * kLargestDeflateRatio) {
    return content_error(where, "fewer pixels, as its " + std::to_string(bytes) + " bytes have",
                         std::to_string(image.width) + " x " + std::to_string(image.height));
  }
  return check_fits_in_memory(pixels * kDecoded, where);
}

std::uint8_t luma(const std::uint8_t* pixel) {
  return static_cast<std::uint8_t>(std::lround(0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]));
}

void take_channels(const std::vector<std::uint8_t>& pixels, int channels, std::uint8_t* out) {
  for (std::size_t at = 0; at < pixels.size(); at += kDecoded, out += channels) {
    if (channels == 1) {
      *out = luma(&pixels[at]);
    } else {
      std::memcpy(out, &pixels[at], static_cast<std::size_t>(channels));
    }
  }
}

}  // namespace

absl::StatusOr<rt::Array> decode_png(Bytes content, int channels, std::string_view where) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const absl::Cleanup free = [&] { png_image_free(&image); };
  if (!png_image_begin_read_from_memory(&image, content.data(), content.size())) {
    return content_error(where, "a PNG picture", std::string("one that libpng refuses (") + image.message + ")");
  }
  MICA_FILE_TRY(check_size(image, content.size(), where));
  if (channels == 0) channels = channels_of(image.format);
  image.format = PNG_FORMAT_RGBA;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  std::vector<std::uint8_t> pixels(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr)) {
    return content_error(where, "a whole PNG picture", std::string("one that libpng refuses (") + image.message + ")");
  }
  rt::Array array = rt::Array::uninitialized(kUInt8, {image.height, image.width, channels});
  take_channels(pixels, channels, array.as<std::uint8_t>());
  return array;
}

absl::StatusOr<std::string> encode_png(const rt::Array& picture, std::string_view where) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(picture.dims()[0]);
  image.width = static_cast<png_uint_32>(picture.dims()[1]);
  image.format = picture.dims()[2] == 1 ? PNG_FORMAT_GRAY : picture.dims()[2] == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string content(size, '\0');
  if (!png_image_write_to_memory(&image, content.data(), &size, 0, picture.data(), 0, nullptr)) {
    return content_error(where, "a picture that libpng writes", image.message);
  }
  content.resize(size);
  return content;
}

}  // namespace mica::files
