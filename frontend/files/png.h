// PNG in memory, by libpng.
#pragma once
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "frontend/files/bytes.h"
#include "runtime/array.h"

namespace mica::files {

// `where` names the content in errors. Opacity is dropped where it is not asked for; grey of colours is their luma.
absl::StatusOr<rt::Array> decode_png(Bytes content, int channels, std::string_view where);
absl::StatusOr<std::string> encode_png(const rt::Array& image, std::string_view where);

}  // namespace mica::files
