#include "frontend/files/npy.h"

#include <algorithm>
#include <numeric>

#include "frontend/files/atomic_file.h"
#include "frontend/files/file_error.h"
#include "frontend/files/mapped_file.h"

namespace mica::files {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kMagicAndVersion = 8;
constexpr std::size_t kAlignment = 64;
constexpr std::uint32_t kLongestHeader = 1 << 20;  // far above what any shape needs

// Column-major elements in row-major order.
rt::Array from_fortran_order(const rt::Array& columns) {
  const std::vector<std::int64_t>& dims = columns.dims();
  rt::Array rows = rt::Array::uninitialized(columns.dtype(), dims);
  std::vector<std::int64_t> index(dims.size(), 0), strides(dims.size(), 1);
  std::partial_sum(dims.begin(), dims.end() - 1, strides.begin() + 1, std::multiplies<>());
  const std::int64_t width = columns.dtype().bytes();
  std::byte* out = rows.as<std::byte>();
  for (std::int64_t left = columns.numel(); left > 0; --left, out += width) {
    const std::int64_t from = std::inner_product(index.begin(), index.end(), strides.begin(), std::int64_t{0});
    std::copy_n(columns.as<std::byte>() + from * width, width, out);
    for (std::size_t axis = dims.size(); axis-- > 0 && ++index[axis] == dims[axis];) index[axis] = 0;
  }
  return rows;
}

}  // namespace

absl::StatusOr<NpyHeader> read_npy_header(ByteSource& source) {
  std::byte fixed[kMagicAndVersion + 4];
  MICA_FILE_TRY(source.read_exactly(std::span(fixed).first(kMagicAndVersion), "a .npy header"));
  const std::string_view magic = as_text(std::span(fixed).first(kMagic.size()));
  if (magic != kMagic) return content_error(source.where(), "a .npy array", "a file that does not begin like one");
  const int version = std::to_integer<int>(fixed[kMagic.size()]);
  if (version < 1 || version > 3) {
    return content_error(source.where(), ".npy version 1, 2 or 3", "version " + std::to_string(version));
  }
  const std::size_t width = version == 1 ? 2 : 4;
  MICA_FILE_TRY(source.read_exactly(std::span(fixed).subspan(kMagicAndVersion, width), "a .npy header"));
  const std::uint32_t size =
      width == 2 ? load_le<std::uint16_t>(fixed, kMagicAndVersion) : load_le<std::uint32_t>(fixed, kMagicAndVersion);
  if (size > kLongestHeader) {
    return content_error(source.where(), "a header of at most 1 MiB", std::to_string(size) + " bytes");
  }
  std::string text(size, '\0');
  MICA_FILE_TRY(source.read_exactly(std::as_writable_bytes(std::span(text)), "a .npy header"));
  absl::StatusOr<NpyHeader> header = parse_npy_header(text, source.where());
  if (header.ok() && static_cast<std::uint64_t>(header->bytes) != source.at_most()) {
    return content_error(source.where(), std::to_string(header->bytes) + " bytes after the header",
                         std::to_string(source.at_most()), "Is the file damaged or cut off?");
  }
  return header;
}

absl::StatusOr<rt::Array> read_npy(ByteSource& source) {
  absl::StatusOr<NpyHeader> header = read_npy_header(source);
  MICA_FILE_TRY(header.status());
  MICA_FILE_TRY(check_fits_in_memory(static_cast<std::uint64_t>(header->bytes), source.where()));
  rt::Array array = rt::Array::uninitialized(header->dtype, header->dims);
  const std::span<std::byte> elements(array.as<std::byte>(), static_cast<std::size_t>(header->bytes));
  MICA_FILE_TRY(source.read_exactly(elements, "elements"));
  MICA_FILE_TRY(source.expect_end());
  if (header->big_endian) swap_elements(elements, header->dtype.bytes());
  return header->fortran_order && header->dims.size() > 1 ? from_fortran_order(array) : array;
}

absl::StatusOr<rt::Array> read_npy(std::span<std::byte> content, const std::shared_ptr<void>& owner,
                                   std::string where) {
  const std::unique_ptr<ByteSource> source = open_source(content, Compression::kNone, std::move(where));
  absl::StatusOr<NpyHeader> header = read_npy_header(*source);
  MICA_FILE_TRY(header.status());
  std::byte* elements = content.data() + content.size() - header->bytes;
  const bool aligned = reinterpret_cast<std::uintptr_t>(elements) % kAlignment == 0;
  const bool row_major = !header->fortran_order || header->dims.size() < 2;
  if (aligned && row_major && !header->big_endian && header->bytes > 0) {
    return rt::Array::borrow(elements, header->dtype, header->dims, owner);
  }
  return read_npy(*open_source(content, Compression::kNone, source->where()));
}

absl::StatusOr<rt::Array> read_npy(std::string_view path) {
  absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  MICA_FILE_TRY(file.status());
  return read_npy({(*file)->data(), (*file)->bytes().size()}, *file, (*file)->path());
}

std::string npy_preamble(DType dtype, const std::vector<std::int64_t>& dims) {
  std::string header = npy_header_text(dtype, dims);
  const std::size_t unpadded = kMagicAndVersion + 2 + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ').push_back('\n');
  std::string preamble(kMagic);
  preamble.append("\x01\x00", 2);
  append_le<std::uint16_t>(preamble, static_cast<std::uint16_t>(header.size()));
  return preamble + header;
}

Bytes bytes_of(const rt::Array& array) { return {array.as<std::byte>(), static_cast<std::size_t>(array.bytes())}; }

absl::Status write_npy(std::string_view path, const rt::Array& array) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path);
  MICA_FILE_TRY(file.status());
  MICA_FILE_TRY(file->write(as_bytes(npy_preamble(array.dtype(), array.dims()))));
  MICA_FILE_TRY(file->write(bytes_of(array)));
  return file->commit();
}

}  // namespace mica::files
