#include "frontend/files/hdf5/superblock.h"

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";

bool is_field_size(int size) { return size == 2 || size == 4 || size == 8; }

absl::StatusOr<FieldSizes> read_sizes(const Image& file, Cursor* cursor) {
  const int address = cursor->u8(), length = cursor->u8();
  if (!is_field_size(address) || !is_field_size(length)) {
    return file.damaged("addresses and lengths of 2, 4 or 8 bytes", absl::StrCat(address, " and ", length));
  }
  return FieldSizes{address, length};
}

// A file that was cut off says so itself.
absl::Status check_end(const Image& image, std::uint64_t base, std::uint64_t end) {
  if (end <= image.size() && base <= end) return absl::OkStatus();
  return image.damaged(absl::StrCat("the ", end, " bytes that the superblock claims"), absl::StrCat(image.size()));
}

// Versions 0 and 1: the root group stands in a symbol table entry at the end.
absl::StatusOr<Superblock> read_old(const Image& file, Cursor cursor, int version) {
  cursor.skip(4);  // versions of parts, reserved
  MICA_HDF5_LET(sizes, read_sizes(file, &cursor));
  cursor.skip(1 + 2 + 2 + 4);            // reserved, sizes of B-tree nodes, flags
  if (version == 1) cursor.skip(2 + 2);  // size of the nodes of chunk indexes, reserved
  Cursor fields(cursor.rest(), sizes);
  const std::uint64_t base = fields.address();
  fields.address();  // free space
  const std::uint64_t end = fields.address();
  fields.address();  // driver information
  fields.length();   // the root's name
  const std::uint64_t root = fields.address();
  MICA_FILE_TRY(file.complete(fields, "superblock"));
  MICA_FILE_TRY(check_end(file, base, end));
  return Superblock{file.with_layout(sizes, base), root};
}

absl::StatusOr<Superblock> read_new(const Image& file, Bytes bytes, Cursor cursor) {
  MICA_HDF5_LET(sizes, read_sizes(file, &cursor));
  cursor.skip(1);  // flags
  const std::size_t start = cursor.position();
  Cursor fields(cursor.rest(), sizes);
  const std::uint64_t base = fields.address();
  fields.address();  // extension: nothing that reading needs
  const std::uint64_t end = fields.address();
  const std::uint64_t root = fields.address();
  fields.skip(4);  // checksum
  MICA_FILE_TRY(file.complete(fields, "superblock"));
  MICA_FILE_TRY(file.verify_checksum(bytes.first(start + fields.position()), "a superblock"));
  MICA_FILE_TRY(check_end(file, base, end));
  return Superblock{file.with_layout(sizes, base), root};
}

}  // namespace

absl::StatusOr<Superblock> read_superblock(const Image& file) {
  MICA_HDF5_LET(cursor, file.cursor_at(0, "superblock"));
  const Bytes bytes = cursor.rest();
  if (as_text(cursor.take(kSignature.size())) != kSignature) {
    return file.damaged("an HDF5 file", absl::StrCat(bytes.size(), " bytes that do not begin like one"));
  }
  const int version = cursor.u8();
  if (version <= 1) return read_old(file, cursor, version);
  if (version <= 3) return read_new(file, bytes, cursor);
  return file.refused("a superblock of version 0 to 3", absl::StrCat("version ", version));
}

}  // namespace mica::files::hdf5
