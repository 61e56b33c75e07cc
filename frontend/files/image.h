// Pictures: PNG through libpng, JPEG through libjpeg, as uint8 arrays [height, width, channels].
#pragma once
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/array.h"

namespace mica::files {

// Pixels of a JPEG picture depend on the arithmetic of its cosine transform, up to some steps of 255.
enum class JpegTransform { kAccurate, kFast };  // as Pillow reads; as TensorFlow reads

// `channels`: 1 grey, 3 colour, 4 with opacity, 0 as the file has it. The kind is told by the content.
absl::StatusOr<rt::Array> read_image(std::string_view path, int channels = 0,
                                     JpegTransform transform = JpegTransform::kAccurate);
// Whether the name ends as those that write_image takes.
bool is_image_name(std::string_view name);
// By the end of the name: .png of 1, 3 or 4 channels; .jpg or .jpeg of 1 or 3, at libjpeg's usual quality.
absl::Status write_image(std::string_view path, const rt::Array& image);

}  // namespace mica::files
