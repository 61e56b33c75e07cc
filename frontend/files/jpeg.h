// JPEG in memory, by libjpeg.
#pragma once
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "frontend/files/bytes.h"
#include "frontend/files/image.h"
#include "runtime/array.h"

namespace mica::files {

// `where` names the content in errors; one that ends early is an error.
absl::StatusOr<rt::Array> decode_jpeg(Bytes content, int channels, JpegTransform transform, std::string_view where);
absl::StatusOr<std::string> encode_jpeg(const rt::Array& image, std::string_view where);

}  // namespace mica::files
