#include "frontend/files/hdf5/chunk_array.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

constexpr std::uint64_t kChecksumSize = 4;

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

bool is_set(Bytes bits, std::uint64_t i) {
  return i / 8 < bits.size() && (std::to_integer<int>(bits[i / 8]) & (0x80 >> (i % 8))) != 0;
}

// What both kinds of arrays consist of: elements beside each other, or in pages with a checksum each.
class ArrayWalk {
 public:
  ArrayWalk(const Image& image, VisitElement visit) : image_(image), budget_(image), visit_(visit) {}

 protected:
  // The header's first fields, behind signature and version.
  absl::StatusOr<Cursor> header_at(std::uint64_t address, std::string_view signature, std::string_view what) {
    MICA_HDF5_LET(cursor, image_.structure_at(address, signature, 0, what));
    cursor.skip(1);  // with filters or without
    element_size_ = cursor.u8();
    MICA_FILE_TRY(image_.complete(cursor, what));
    if (element_size_ == 0) return image_.damaged("elements of at least one byte", "none");
    return cursor;
  }

  // A block of the array's, behind signature, version, kind and the header's address.
  absl::StatusOr<Cursor> block_at(std::uint64_t address, std::string_view signature) {
    MICA_HDF5_LET(cursor, image_.structure_at(address, signature, 0, "block of a chunk index"));
    cursor.skip(1);
    cursor.address();
    MICA_FILE_TRY(image_.complete(cursor, "block of a chunk index"));
    return cursor;
  }

  // The cursor stands before the checksum of everything since `address`; it moves behind it.
  absl::Status end_of_structure(std::uint64_t address, Cursor* cursor) {
    cursor->skip(kChecksumSize);
    MICA_FILE_TRY(image_.complete(*cursor, "chunk index"));
    MICA_FILE_TRY(budget_.spend(cursor->position()));
    MICA_HDF5_LET(bytes, image_.at(address, cursor->position(), "chunk index"));
    return image_.verify_checksum(bytes, "a chunk index");
  }

  absl::Status visit_elements(Bytes elements, std::uint64_t first) {
    for (; elements.size() >= element_size_; elements = elements.subspan(element_size_), ++first) {
      MICA_FILE_TRY(visit_(first, elements.first(element_size_)));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::uint64_t> bytes_of(std::uint64_t count) const {
    std::uint64_t bytes = 0;
    if (!__builtin_mul_overflow(count, element_size_, &bytes) && bytes <= image_.size()) return bytes;
    return image_.damaged("a chunk index inside the file", absl::StrCat(count, " elements"));
  }

  // Which pages were written: a bit for each, from `first` on.
  struct PageBits {
    Bytes bits;
    std::uint64_t first = 0;
  };

  // Elements `first` to `first + count` in pages of `in_page`, from `address` on.
  absl::Status visit_pages(std::uint64_t address, std::uint64_t first, std::uint64_t count, std::uint64_t in_page,
                           PageBits written) {
    MICA_FILE_TRY(bytes_of(count).status());
    for (std::uint64_t page = written.first, done = 0; done < count; ++page) {
      const std::uint64_t here = std::min(in_page, count - done);
      MICA_HDF5_LET(size, bytes_of(here));
      if (is_set(written.bits, page)) {
        MICA_HDF5_LET(bytes, image_.at(address, size + kChecksumSize, "page of a chunk index"));
        MICA_FILE_TRY(budget_.spend(bytes.size()));
        MICA_FILE_TRY(image_.verify_checksum(bytes, "a page of a chunk index"));
        MICA_FILE_TRY(visit_elements(bytes.first(size), first + done));
      }
      address += size + kChecksumSize;
      done += here;
    }
    return absl::OkStatus();
  }

  const Image& image_;
  Budget budget_;
  VisitElement visit_;
  std::uint64_t element_size_ = 0;
};

class FixedArrayWalk : public ArrayWalk {
 public:
  using ArrayWalk::ArrayWalk;

  absl::Status walk(std::uint64_t address) {
    MICA_HDF5_LET(cursor, header_at(address, "FAHD", "chunk index"));
    const int page_bits = cursor.u8();
    const std::uint64_t count = cursor.length(), block = cursor.address();
    MICA_FILE_TRY(end_of_structure(address, &cursor));
    if (page_bits >= 63) return image_.damaged("pages of at most 2^62 elements", absl::StrCat("2^", page_bits));
    return block == kUndefined ? absl::OkStatus() : data_block(block, count, std::uint64_t{1} << page_bits);
  }

 private:
  absl::Status data_block(std::uint64_t address, std::uint64_t count, std::uint64_t in_page) {
    MICA_HDF5_LET(cursor, block_at(address, "FADB"));
    MICA_HDF5_LET(size, bytes_of(count));
    const bool paged = count > in_page;
    const Bytes content = cursor.take(paged ? divide_up(divide_up(count, in_page), 8) : size);
    MICA_FILE_TRY(end_of_structure(address, &cursor));
    if (!paged) return visit_elements(content, 0);
    return visit_pages(address + cursor.position(), 0, count, in_page, {content});
  }
};

// An index block holds the first elements, then the addresses of data blocks, then those of super blocks, which hold
// addresses of data blocks themselves. Super block u has 2^(u/2) data blocks of 2^((u+1)/2) times the smallest number
// of elements; the data blocks of the first super blocks stand in the index block.
class ExtensibleArrayWalk : public ArrayWalk {
 public:
  using ArrayWalk::ArrayWalk;

  absl::Status walk(std::uint64_t address) {
    MICA_HDF5_LET(cursor, header_at(address, "EAHD", "chunk index"));
    const std::uint64_t bits = cursor.u8();
    in_index_ = cursor.u8();
    smallest_block_ = cursor.u8();
    const std::uint64_t smallest_pointers = cursor.u8();
    const int page_bits = cursor.u8();
    for (int i = 0; i < 6; ++i) cursor.length();  // counts and sizes of what was made so far
    const std::uint64_t index_block = cursor.address();
    MICA_FILE_TRY(end_of_structure(address, &cursor));
    if (bits == 0 || bits > 64 || page_bits >= 63 || !std::has_single_bit(smallest_block_) ||
        !std::has_single_bit(smallest_pointers) || static_cast<int>(bits) < std::countr_zero(smallest_block_)) {
      return image_.damaged("an extensible array of sensible sizes",
                            absl::StrCat("indexes of ", bits, " bits, blocks of ", smallest_block_, " elements"));
    }
    offset_width_ = static_cast<std::size_t>(divide_up(bits, 8));
    in_page_ = std::uint64_t{1} << page_bits;
    const auto super_blocks = bits - static_cast<std::uint64_t>(std::countr_zero(smallest_block_)) + 1;
    const auto in_index = 2 * static_cast<std::uint64_t>(std::countr_zero(smallest_pointers));
    return index_block == kUndefined ? absl::OkStatus() : read_index_block(index_block, in_index, super_blocks);
  }

 private:
  static std::uint64_t blocks_of(std::uint64_t super_block) { return std::uint64_t{1} << (super_block / 2); }
  std::uint64_t elements_of(std::uint64_t super_block) const { return smallest_block_ << ((super_block + 1) / 2); }

  absl::Status read_index_block(std::uint64_t address, std::uint64_t in_index, std::uint64_t super_blocks) {
    MICA_HDF5_LET(cursor, block_at(address, "EAIB"));
    const Bytes elements = cursor.take(in_index_ * element_size_);
    Cursor pointers = cursor;
    const std::uint64_t direct = std::min(in_index, super_blocks);
    std::uint64_t addresses = super_blocks - direct;
    for (std::uint64_t u = 0; u < direct; ++u) addresses += blocks_of(u);
    cursor.skip(addresses * static_cast<std::uint64_t>(image_.sizes().address));
    MICA_FILE_TRY(end_of_structure(address, &cursor));
    MICA_FILE_TRY(visit_elements(elements, 0));
    std::uint64_t first = in_index_;
    for (std::uint64_t u = 0; u < super_blocks; ++u) {
      if (u < direct) {
        MICA_FILE_TRY(data_blocks(u, first, &pointers, {}));
      } else if (const std::uint64_t block = pointers.address(); block != kUndefined) {
        MICA_FILE_TRY(super_block(block, u, first));
      }
      first += blocks_of(u) * elements_of(u);
    }
    return absl::OkStatus();
  }

  std::uint64_t pages_of(std::uint64_t super_block) const {
    const std::uint64_t count = elements_of(super_block);
    return count > in_page_ ? divide_up(count, in_page_) : 0;
  }

  absl::Status super_block(std::uint64_t address, std::uint64_t u, std::uint64_t first) {
    MICA_HDF5_LET(cursor, block_at(address, "EASB"));
    cursor.skip(offset_width_);
    const Bytes written = cursor.take(blocks_of(u) * divide_up(pages_of(u), 8));
    Cursor pointers = cursor;
    cursor.skip(blocks_of(u) * static_cast<std::uint64_t>(image_.sizes().address));
    MICA_FILE_TRY(end_of_structure(address, &cursor));
    return data_blocks(u, first, &pointers, written);
  }

  absl::Status data_blocks(std::uint64_t u, std::uint64_t first, Cursor* pointers, Bytes written) {
    for (std::uint64_t i = 0; i < blocks_of(u); ++i, first += elements_of(u)) {
      const std::uint64_t block = pointers->address();
      if (block != kUndefined) MICA_FILE_TRY(data_block(block, u, first, {written, i * pages_of(u)}));
    }
    return absl::OkStatus();
  }

  absl::Status data_block(std::uint64_t address, std::uint64_t u, std::uint64_t first, PageBits written) {
    MICA_HDF5_LET(cursor, block_at(address, "EADB"));
    cursor.skip(offset_width_);
    MICA_HDF5_LET(size, bytes_of(elements_of(u)));
    const bool paged = pages_of(u) != 0;
    const Bytes elements = paged ? Bytes() : cursor.take(size);
    MICA_FILE_TRY(end_of_structure(address, &cursor));
    return paged ? visit_pages(address + cursor.position(), first, elements_of(u), in_page_, written)
                 : visit_elements(elements, first);
  }

  std::uint64_t in_index_ = 0, smallest_block_ = 0, in_page_ = 0;
  std::size_t offset_width_ = 0;
};

}  // namespace

absl::Status visit_fixed_array(const Image& image, std::uint64_t address, VisitElement visit) {
  return FixedArrayWalk(image, visit).walk(address);
}

absl::Status visit_extensible_array(const Image& image, std::uint64_t address, VisitElement visit) {
  return ExtensibleArrayWalk(image, visit).walk(address);
}

}  // namespace mica::files::hdf5
