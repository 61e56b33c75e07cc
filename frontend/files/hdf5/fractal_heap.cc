#include "frontend/files/hdf5/fractal_heap.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "frontend/files/hdf5/btree_v2.h"

namespace mica::files::hdf5 {

// Reads the header, then walks the doubling table: rows of blocks, each row's blocks twice as large as the row's before
// (the first two rows alike). Rows of blocks up to a limit are data, the rest are tables of the same kind.
class HeapReader {
 public:
  HeapReader(const Image& image, FractalHeap* heap) : image_(image), budget_(image), heap_(*heap) {}

  absl::Status read(std::uint64_t address) {
    address_ = address;
    MICA_HDF5_LET(start, image_.cursor_at(address, "fractal heap"));
    MICA_HDF5_LET(cursor, image_.structure_at(address, "FRHP", 0, "fractal heap"));
    heap_.id_size_ = cursor.u16();
    if (cursor.u16() != 0) return image_.refused("a heap without filters", "a filtered one");
    const int flags = cursor.u8();
    const std::uint64_t largest_managed = cursor.u32();
    cursor.length();  // next huge identifier
    heap_.huge_objects_ = cursor.address();
    cursor.length(), cursor.address();            // free space
    for (int i = 0; i < 8; ++i) cursor.length();  // sizes and counts of managed, huge and tiny objects
    columns_ = cursor.u16();
    first_block_ = cursor.length();
    largest_direct_ = cursor.length();
    const std::uint64_t offset_bits = cursor.u16();
    cursor.u16();  // rows at first
    const std::uint64_t root = cursor.address(), rows = cursor.u16();
    cursor.skip(kChecksumSize);
    MICA_FILE_TRY(image_.complete(cursor, "fractal heap"));
    MICA_FILE_TRY(image_.verify_checksum(start.take(cursor.position()), "a fractal heap"));
    MICA_FILE_TRY(check_sizes(offset_bits, rows));
    has_block_checksums_ = (flags & kBlockChecksumsFlag) != 0;
    heap_.offset_width_ = (offset_bits + 7) / 8;
    heap_.length_width_ = bytes_for(std::min(largest_direct_, largest_managed));
    if (root == kUndefined) return absl::OkStatus();
    return rows == 0 ? direct_block(root, 0, first_block_) : indirect_block(root, 0, rows);
  }

 private:
  static constexpr int kBlockChecksumsFlag = 1 << 1;
  static constexpr std::uint64_t kChecksumSize = 4;

  absl::Status check_sizes(std::uint64_t offset_bits, std::uint64_t rows) const {
    const bool powers =
        std::has_single_bit(columns_) && std::has_single_bit(first_block_) && std::has_single_bit(largest_direct_);
    const auto columns_log2 = static_cast<std::uint64_t>(std::countr_zero(columns_));
    const auto first_log2 = static_cast<std::uint64_t>(std::countr_zero(first_block_));
    if (!powers || first_block_ > largest_direct_ || offset_bits > 64 || rows + columns_log2 + first_log2 > 64) {
      return image_.damaged("a fractal heap of sensible sizes",
                            absl::StrCat(columns_, " columns, ", rows, " rows, blocks of ", first_block_, " to ",
                                         largest_direct_, " bytes, offsets of ", offset_bits, " bits"));
    }
    return absl::OkStatus();
  }

  std::uint64_t block_size(std::uint64_t row) const { return row < 2 ? first_block_ : first_block_ << (row - 1); }

  // The prefix of a block: signature, version, whose it is and where it begins.
  absl::StatusOr<Cursor> block_at(std::uint64_t address, std::string_view signature, std::uint64_t start) const {
    MICA_HDF5_LET(cursor, image_.structure_at(address, signature, 0, "block of a fractal heap"));
    const std::uint64_t owner = cursor.address(), own_start = cursor.number(heap_.offset_width_);
    MICA_FILE_TRY(image_.complete(cursor, "block of a fractal heap"));
    if (owner != address_ || own_start != start) {
      return image_.damaged(absl::StrCat("a block of the heap at byte ", address_, " with offset ", start),
                            absl::StrCat("byte ", owner, ", offset ", own_start));
    }
    return cursor;
  }

  absl::Status direct_block(std::uint64_t address, std::uint64_t start, std::uint64_t size) {
    MICA_HDF5_LET(bytes, image_.at(address, size, "block of a fractal heap"));
    MICA_FILE_TRY(budget_.spend(size));
    MICA_HDF5_LET(cursor, block_at(address, "FHDB", start));
    if (has_block_checksums_) {
      MICA_FILE_TRY(verify_direct_block(bytes, cursor.position()));
    }
    heap_.blocks_.push_back({start, bytes});
    return absl::OkStatus();
  }

  // The checksum stands inside what it covers, as zero while it is computed.
  absl::Status verify_direct_block(Bytes bytes, std::size_t checksum_at) const {
    if (bytes.size() < checksum_at + kChecksumSize) return image_.damaged("a block with a checksum", "a smaller one");
    std::vector<std::byte> copy(bytes.begin(), bytes.end());
    std::fill_n(copy.begin() + static_cast<std::ptrdiff_t>(checksum_at), kChecksumSize, std::byte{0});
    const Bytes checksum = bytes.subspan(checksum_at, kChecksumSize);
    copy.insert(copy.end(), checksum.begin(), checksum.end());
    return image_.verify_checksum(copy, "a block of a fractal heap");
  }

  absl::Status indirect_block(std::uint64_t address, std::uint64_t start, std::uint64_t rows) {
    MICA_HDF5_LET(cursor, block_at(address, "FHIB", start));
    MICA_HDF5_LET(whole, image_.cursor_at(address, "block of a fractal heap"));
    Cursor entries = cursor;
    cursor.skip(rows * columns_ * static_cast<std::uint64_t>(image_.sizes().address));
    cursor.skip(kChecksumSize);
    MICA_FILE_TRY(image_.complete(cursor, "block of a fractal heap"));
    MICA_FILE_TRY(budget_.spend(cursor.position()));
    MICA_FILE_TRY(image_.verify_checksum(whole.take(cursor.position()), "a block of a fractal heap"));
    for (std::uint64_t row = 0; row < rows; ++row) {
      for (std::uint64_t column = 0; column < columns_; ++column) {
        const std::uint64_t child = entries.address();
        if (child != kUndefined) MICA_FILE_TRY(child_block(child, start, row));
        start += block_size(row);
      }
    }
    return absl::OkStatus();
  }

  absl::Status child_block(std::uint64_t address, std::uint64_t start, std::uint64_t row) {
    const std::uint64_t size = block_size(row);
    if (size <= largest_direct_) return direct_block(address, start, size);
    // A table that covers `size` bytes: its rows before the last cover as many as the last.
    const auto columns_log2 = static_cast<std::uint64_t>(std::countr_zero(columns_));
    if (row <= columns_log2) return image_.damaged("tables of a fractal heap that fit their place", "smaller ones");
    return indirect_block(address, start, row - columns_log2);
  }

  const Image& image_;
  Budget budget_;
  FractalHeap& heap_;
  std::uint64_t address_ = 0, columns_ = 0, first_block_ = 0, largest_direct_ = 0;
  bool has_block_checksums_ = false;
};

absl::StatusOr<FractalHeap> FractalHeap::open(const Image& image, std::uint64_t address) {
  FractalHeap heap;
  MICA_FILE_TRY(HeapReader(image, &heap).read(address));
  return heap;
}

absl::StatusOr<Bytes> FractalHeap::object(const Image& image, Bytes id) const {
  enum Kind { kManaged, kHuge, kTiny };
  if (id.empty() || id.size() != id_size_) {
    return image.damaged(absl::StrCat("identifiers of ", id_size_, " bytes"), absl::StrCat(id.size()));
  }
  const int first = std::to_integer<int>(id[0]), kind = (first >> 4) & 3;
  if (kind == kManaged) return managed_object(image, id.subspan(1));
  if (kind == kHuge) return huge_object(image, id.subspan(1));
  constexpr std::size_t kShortTinyId = 17;  // beyond it, the length takes a second byte
  const bool is_long = id.size() > kShortTinyId + 1;
  if (kind != kTiny || (is_long && id.size() < 2)) return image.damaged("an object of a known kind", "another");
  const std::size_t low = static_cast<std::size_t>(first & 0xf);
  const std::size_t length = (is_long ? low << 8 | std::to_integer<std::size_t>(id[1]) : low) + 1;
  const Bytes content = id.subspan(is_long ? 2 : 1);
  if (length > content.size()) return image.damaged("an object inside its identifier", "a longer one");
  return content.first(length);
}

absl::StatusOr<Bytes> FractalHeap::managed_object(const Image& image, Bytes id) const {
  Cursor cursor(id, image.sizes());
  const std::uint64_t offset = cursor.number(offset_width_), length = cursor.number(length_width_);
  MICA_FILE_TRY(image.complete(cursor, "identifier"));
  const auto after = std::ranges::upper_bound(blocks_, offset, {}, &Block::start);
  if (after != blocks_.begin()) {
    const Block& block = *std::prev(after);
    const std::uint64_t within = offset - block.start;
    if (within <= block.bytes.size() && length <= block.bytes.size() - within) {
      return block.bytes.subspan(within, length);
    }
  }
  return image.damaged("an object inside its heap", absl::StrCat(length, " bytes at offset ", offset));
}

// Objects too large for blocks lie alone in the file. The identifier is a key of their B-tree.
absl::StatusOr<Bytes> FractalHeap::huge_object(const Image& image, Bytes id) const {
  Cursor cursor(id, image.sizes());
  const std::uint64_t key = cursor.number(std::min<std::size_t>(id.size(), 8));
  Bytes found;
  const auto visit = [&](Bytes record) -> absl::Status {
    Cursor fields(record, image.sizes());
    const std::uint64_t address = fields.address(), length = fields.length(), own_key = fields.length();
    MICA_FILE_TRY(image.complete(fields, "record of a large object"));
    if (own_key != key) return absl::OkStatus();
    MICA_HDF5_LET(bytes, image.at(address, length, "large object"));
    found = bytes;
    return absl::OkStatus();
  };
  MICA_FILE_TRY(visit_btree_v2(image, huge_objects_, BtreeV2Kind::kHugeObjects, visit));
  if (found.empty()) return image.damaged("a large object that exists", absl::StrCat("number ", key));
  return found;
}

}  // namespace mica::files::hdf5
