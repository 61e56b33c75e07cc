#include "frontend/files/idx.h"

#include <optional>

#include "frontend/files/byte_source.h"
#include "frontend/files/file_error.h"
#include "frontend/files/mapped_file.h"

namespace mica::files {
namespace {

std::optional<DType> dtype_of_code(int code) {
  switch (code) {
    case 0x08:
      return kUInt8;
    case 0x09:
      return kInt8;
    case 0x0B:
      return kInt16;
    case 0x0C:
      return kInt32;
    case 0x0D:
      return kFloat32;
    case 0x0E:
      return kFloat64;
    default:
      return std::nullopt;
  }
}

// Dims as 32-bit big-endian numbers; *bytes becomes the size of all elements.
absl::StatusOr<std::vector<std::int64_t>> read_dims(ByteSource& source, std::size_t rank, std::int64_t* bytes) {
  std::vector<std::uint32_t> raw(rank);
  const auto raw_bytes = std::as_writable_bytes(std::span(raw));
  MICA_FILE_TRY(source.read_exactly(raw_bytes, "IDX dimensions"));
  swap_elements(raw_bytes, sizeof(std::uint32_t));
  for (const std::uint32_t dim : raw) {
    if (__builtin_mul_overflow(*bytes, static_cast<std::int64_t>(dim), bytes)) {
      return content_error(source.where(), "fewer than 2^63 bytes", "dimensions with more");
    }
  }
  return std::vector<std::int64_t>(raw.begin(), raw.end());
}

}  // namespace

absl::StatusOr<IdxHeader> read_idx_header(ByteSource& source) {
  std::byte magic[4];
  MICA_FILE_TRY(source.read_exactly(magic, "an IDX header"));
  const std::optional<DType> dtype = dtype_of_code(std::to_integer<int>(magic[2]));
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0} || !dtype) {
    return content_error(source.where(), "an IDX file, as MNIST's", "a file that does not begin like one");
  }
  IdxHeader header{.dtype = *dtype, .dims = {}, .bytes = dtype->bytes()};
  auto dims = read_dims(source, std::to_integer<std::size_t>(magic[3]), &header.bytes);
  MICA_FILE_TRY(dims.status());
  header.dims = *std::move(dims);
  if (static_cast<std::uint64_t>(header.bytes) > source.at_most()) {
    return content_error(source.where(), std::to_string(header.bytes) + " bytes of elements",
                         "a file with at most " + std::to_string(source.at_most()), "Was the file cut off?");
  }
  return header;
}

absl::StatusOr<rt::Array> read_idx(std::string_view path) {
  absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  MICA_FILE_TRY(file.status());
  const Bytes bytes = (*file)->bytes();
  const std::unique_ptr<ByteSource> source = open_source(bytes, detect_compression(bytes), (*file)->path());
  absl::StatusOr<IdxHeader> header = read_idx_header(*source);
  MICA_FILE_TRY(header.status());
  MICA_FILE_TRY(check_fits_in_memory(static_cast<std::uint64_t>(header->bytes), source->where()));
  rt::Array array = rt::Array::uninitialized(header->dtype, header->dims);
  const std::span<std::byte> elements(array.as<std::byte>(), static_cast<std::size_t>(header->bytes));
  MICA_FILE_TRY(source->read_exactly(elements, "elements"));
  MICA_FILE_TRY(source->expect_end());
  swap_elements(elements, header->dtype.bytes());
  return array;
}

}  // namespace mica::files
