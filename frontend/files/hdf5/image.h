// Image: the bytes of an HDF5 file, and the only way to them. Every look is checked against their end; every failure
// names the file, and the object in it that was being read. Cursor: the fields of one structure in order.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/bytes.h"
#include "frontend/files/file_error.h"

namespace mica::files::hdf5 {

inline constexpr std::uint64_t kUndefined = ~std::uint64_t{0};  // the address of nothing

// kIgnore lets tests of damaged files reach what lies behind a checksum.
enum class Checksums { kVerify, kIgnore };

// How many bytes a field for numbers up to `largest` takes.
constexpr std::size_t bytes_for(std::uint64_t largest) {
  std::size_t width = 1;
  while ((largest >>= 8) != 0) ++width;
  return width;
}

// How many bytes addresses and lengths take; the superblock says so.
struct FieldSizes {
  int address = 8, length = 8;
};

// Reading beyond the end gives zeros and is remembered: a parser asks once, when it has everything.
class Cursor {
 public:
  Cursor(Bytes bytes, FieldSizes sizes) : bytes_(bytes), sizes_(sizes) {}

  std::uint64_t number(std::size_t width);  // little-endian, at most 8 bytes
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t length() { return number(static_cast<std::size_t>(sizes_.length)); }
  std::uint64_t address();  // kUndefined when all its bits are set
  Bytes take(std::uint64_t count);
  void skip(std::uint64_t count) { take(count); }
  void align(std::size_t multiple) { skip((multiple - position_ % multiple) % multiple); }

  bool ok() const { return ok_; }  // false once a field lay beyond the end
  std::size_t position() const { return position_; }
  Bytes rest() const { return bytes_.subspan(position_); }

 private:
  Bytes bytes_;
  FieldSizes sizes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

class Image {
 public:
  Image(Bytes bytes, std::string where, Checksums checksums)
      : bytes_(bytes), where_(std::move(where)), checksums_(checksums) {}

  // The same bytes; errors name `where`.
  Image named(std::string where) const;
  // What the superblock said: the sizes of fields, and where address 0 lies.
  Image with_layout(FieldSizes sizes, std::uint64_t base) const;

  absl::StatusOr<Bytes> at(std::uint64_t address, std::uint64_t size, std::string_view what) const;
  // Everything from `address` to the end of the file.
  absl::StatusOr<Cursor> cursor_at(std::uint64_t address, std::string_view what) const;
  // The same behind a signature of four letters and a version, which must be `version`.
  absl::StatusOr<Cursor> structure_at(std::uint64_t address, std::string_view signature, int version,
                                      std::string_view what) const;
  // `structure` ends with the checksum of what stands before it.
  absl::Status verify_checksum(Bytes structure, std::string_view what) const;
  // An error when the cursor ran over its end while it read `what`.
  absl::Status complete(const Cursor& cursor, std::string_view what) const;

  // An error when `bytes` is more than deflate can pack into a file of this size: nobody stored so much here.
  absl::Status check_claim(std::uint64_t bytes) const;

  absl::Status damaged(const std::string& expected, const std::string& received) const;
  absl::Status refused(const std::string& expected, const std::string& received) const;

  const std::string& where() const { return where_; }
  std::uint64_t size() const { return bytes_.size(); }  // of the whole file
  FieldSizes sizes() const { return sizes_; }
  Checksums checksums() const { return checksums_; }

 private:
  Bytes bytes_;
  std::string where_;
  Checksums checksums_;
  FieldSizes sizes_;
  std::uint64_t base_ = 0;
};

// How many bytes of structures one walk may still read. The structures of a sound file do not overlap, so that a walk
// that reads more than the whole file goes in circles.
class Budget {
 public:
  explicit Budget(const Image& image) : image_(image), left_(image.size()) {}
  absl::Status spend(std::uint64_t bytes);

 private:
  const Image& image_;
  std::uint64_t left_;
};

}  // namespace mica::files::hdf5

// Declares `name`, or leaves the function with the error of the expression.
#define MICA_HDF5_LET(name, expression) \
  auto name##_or = (expression);        \
  MICA_FILE_TRY(name##_or.status());    \
  auto& name = *name##_or
