#include "frontend/files/image.h"

#include "absl/strings/match.h"
#include "frontend/files/atomic_file.h"
#include "frontend/files/file_error.h"
#include "frontend/files/jpeg.h"
#include "frontend/files/mapped_file.h"
#include "frontend/files/png.h"

namespace mica::files {
namespace {

constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegMagic = "\xff\xd8\xff";

bool is_jpeg_name(std::string_view path) {
  const std::string name(path);
  return absl::EndsWithIgnoreCase(name, ".jpg") || absl::EndsWithIgnoreCase(name, ".jpeg");
}

bool is_picture(const rt::Array& image, bool with_opacity) {
  const std::vector<std::int64_t>& dims = image.dims();
  if (image.dtype() != kUInt8 || dims.size() != 3 || dims[0] < 1 || dims[1] < 1) return false;
  return dims[2] == 1 || dims[2] == 3 || (dims[2] == 4 && with_opacity);
}

std::string text_of(const rt::Array& image) {
  std::string dims;
  for (std::int64_t dim : image.dims()) dims += (dims.empty() ? "" : ",") + std::to_string(dim);
  return std::string(image.dtype().name()) + "[" + dims + "]";
}

}  // namespace

bool is_image_name(std::string_view name) {
  return is_jpeg_name(name) || absl::EndsWithIgnoreCase(std::string(name), ".png");
}

absl::StatusOr<rt::Array> read_image(std::string_view path, int channels, JpegTransform transform) {
  absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  MICA_FILE_TRY(file.status());
  const Bytes bytes = (*file)->bytes();
  if (as_text(bytes).starts_with(kPngMagic)) return decode_png(bytes, channels, path);
  if (as_text(bytes).starts_with(kJpegMagic)) return decode_jpeg(bytes, channels, transform, path);
  return content_error(path, "a PNG or JPEG picture", "a file that does not begin like one");
}

absl::Status write_image(std::string_view path, const rt::Array& image) {
  const bool is_jpeg = is_jpeg_name(path);
  if (!is_image_name(path)) {
    return content_error(path, "a name that ends with .png, .jpg or .jpeg", "another one");
  }
  if (!is_picture(image, !is_jpeg)) {
    return content_error(path, is_jpeg ? "uint8 [height, width, 1 or 3]" : "uint8 [height, width, 1, 3 or 4]",
                         text_of(image));
  }
  const absl::StatusOr<std::string> content = is_jpeg ? encode_jpeg(image, path) : encode_png(image, path);
  MICA_FILE_TRY(content.status());
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path);
  MICA_FILE_TRY(file.status());
  MICA_FILE_TRY(file->write(as_bytes(*content)));
  return file->commit();
}

}  // namespace mica::files
