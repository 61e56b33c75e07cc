#include "frontend/files/hdf5/image.h"

#include "frontend/files/byte_source.h"
#include "frontend/files/hdf5/checksum.h"

namespace mica::files::hdf5 {
namespace {

constexpr const char* kDamagedHint = "Is the file damaged or cut off?";

std::string at_byte(std::string_view what, std::uint64_t address) {
  return std::string(what) + " at byte " + std::to_string(address);
}

}  // namespace

std::uint64_t Cursor::number(std::size_t width) {
  const Bytes field = take(width);
  std::uint64_t value = 0;
  if (!field.empty()) std::memcpy(&value, field.data(), field.size());
  return value;
}

std::uint64_t Cursor::address() {
  const auto width = static_cast<std::size_t>(sizes_.address);
  const std::uint64_t value = number(width), all_set = kUndefined >> (64 - 8 * width);
  return value == all_set ? kUndefined : value;
}

Bytes Cursor::take(std::uint64_t count) {
  if (!ok_ || count > bytes_.size() - position_) {
    ok_ = false;
    return {};
  }
  const Bytes taken = bytes_.subspan(position_, count);
  position_ += count;
  return taken;
}

Image Image::named(std::string where) const {
  Image image = *this;
  image.where_ = std::move(where);
  return image;
}

Image Image::with_layout(FieldSizes sizes, std::uint64_t base) const {
  Image image = *this;
  image.sizes_ = sizes;
  image.base_ = base;
  return image;
}

absl::StatusOr<Bytes> Image::at(std::uint64_t address, std::uint64_t size, std::string_view what) const {
  MICA_HDF5_LET(cursor, cursor_at(address, what));
  if (size > cursor.rest().size()) {
    return damaged(std::to_string(size) + " bytes of " + at_byte(what, address),
                   "a file that ends " + std::to_string(cursor.rest().size()) + " bytes after it begins");
  }
  return cursor.take(size);
}

absl::StatusOr<Cursor> Image::cursor_at(std::uint64_t address, std::string_view what) const {
  if (address > bytes_.size() || base_ > bytes_.size() - address) {
    return damaged(std::string(what) + " inside the file",
                   address == kUndefined ? "no address" : at_byte("one", address) + " of " + std::to_string(size()));
  }
  return Cursor(bytes_.subspan(base_ + address), sizes_);
}

absl::StatusOr<Cursor> Image::structure_at(std::uint64_t address, std::string_view signature, int version,
                                           std::string_view what) const {
  MICA_HDF5_LET(cursor, cursor_at(address, what));
  if (as_text(cursor.take(signature.size())) != signature) {
    return damaged(at_byte(what, address) + " ('" + std::string(signature) + "')", "other bytes");
  }
  const int received = cursor.u8();
  MICA_FILE_TRY(complete(cursor, what));
  if (received != version) {
    return refused(std::string(what) + " of version " + std::to_string(version), "version " + std::to_string(received));
  }
  return cursor;
}

absl::Status Image::verify_checksum(Bytes structure, std::string_view what) const {
  constexpr std::size_t kWidth = sizeof(std::uint32_t);
  if (checksums_ == Checksums::kIgnore) return absl::OkStatus();
  if (structure.size() >= kWidth) {
    const Bytes covered = structure.first(structure.size() - kWidth);
    if (load_le<std::uint32_t>(structure, covered.size()) == metadata_checksum(covered)) return absl::OkStatus();
  }
  return damaged(std::string(what) + " as its checksum promises", "other bytes");
}

absl::Status Image::complete(const Cursor& cursor, std::string_view what) const {
  return cursor.ok() ? absl::OkStatus() : damaged("a whole " + std::string(what), "one that is cut off");
}

absl::Status Image::check_claim(std::uint64_t bytes) const {
  if (bytes / kLargestDeflateRatio <= size()) return check_fits_in_memory(bytes, where_);
  return damaged("elements that fit into a file of " + std::to_string(size()) + " bytes",
                 "a claim of " + (bytes == kUndefined ? "too many to count" : std::to_string(bytes) + " bytes"));
}

absl::Status Image::damaged(const std::string& expected, const std::string& received) const {
  return content_error(where_, expected, received, kDamagedHint);
}

absl::Status Image::refused(const std::string& expected, const std::string& received) const {
  return content_error(where_, expected, received);
}

absl::Status Budget::spend(std::uint64_t bytes) {
  if (bytes > left_) return image_.damaged("structures that do not overlap", "ones that lead in circles");
  left_ -= bytes;
  return absl::OkStatus();
}

}  // namespace mica::files::hdf5
