#include "frontend/files/hdf5/btree_v2.h"

#include <vector>

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

using Visit = absl::FunctionRef<absl::Status(Bytes record)>;

constexpr std::uint64_t kNodePrefix = 4 + 1 + 1, kChecksumSize = 4;
constexpr int kDeepest = 32;

// What the nodes of one depth can hold; leaves have depth 0.
struct Level {
  std::uint64_t most_records = 0;  // in one node
  std::uint64_t total_width = 0;   // bytes of the count of all records below; 0 for leaves, which have none
  std::uint64_t most_below = 0;    // records in a node and below it
};

class TreeWalk {
 public:
  TreeWalk(const Image& image, BtreeV2Kind kind, Visit visit)
      : image_(image), budget_(image), kind_(kind), visit_(visit) {}

  absl::Status walk(std::uint64_t address) {
    MICA_HDF5_LET(start, image_.cursor_at(address, "B-tree header"));
    MICA_HDF5_LET(cursor, image_.structure_at(address, "BTHD", 0, "B-tree header"));
    MICA_FILE_TRY(check_kind(cursor.u8()));
    node_size_ = cursor.u32();
    record_size_ = cursor.u16();
    const int depth = cursor.u16();
    cursor.skip(1 + 1);  // when nodes split and merge
    const std::uint64_t root = cursor.address(), records = cursor.u16();
    cursor.length();  // records in the whole tree
    cursor.skip(kChecksumSize);
    MICA_FILE_TRY(image_.complete(cursor, "B-tree header"));
    MICA_FILE_TRY(image_.verify_checksum(start.take(cursor.position()), "a B-tree header"));
    MICA_FILE_TRY(measure_levels(depth));
    if (root == kUndefined) return absl::OkStatus();
    return node(root, records, depth);
  }

 private:
  absl::Status check_kind(int kind) const {
    if (kind == static_cast<int>(kind_)) return absl::OkStatus();
    return image_.damaged(absl::StrCat("a B-tree of type ", static_cast<int>(kind_)), absl::StrCat("type ", kind));
  }

  absl::Status measure_levels(int depth) {
    const std::uint64_t overhead = kNodePrefix + kChecksumSize;
    if (depth > kDeepest || record_size_ == 0 || node_size_ < overhead + record_size_) {
      return image_.damaged("a B-tree of sensible sizes", absl::StrCat("nodes of ", node_size_, " bytes, records of ",
                                                                       record_size_, ", depth ", depth));
    }
    const std::uint64_t in_leaf = (node_size_ - overhead) / record_size_;
    levels_.push_back({.most_records = in_leaf, .total_width = 0, .most_below = in_leaf});
    for (int i = 0; i < depth; ++i) {
      const Level& below = levels_.back();
      const std::uint64_t pointer = pointer_size(below);
      if (node_size_ < overhead + pointer) return image_.damaged("B-tree nodes with room for children", "smaller ones");
      const std::uint64_t here = (node_size_ - overhead - pointer) / (record_size_ + pointer);
      // Trees that hold more than 2^64 records do not exist; their counts take the widest field.
      std::uint64_t all = 0;
      if (__builtin_mul_overflow(here + 1, below.most_below, &all) || __builtin_add_overflow(all, here, &all)) {
        all = ~std::uint64_t{0};
      }
      levels_.push_back({.most_records = here, .total_width = bytes_for(all), .most_below = all});
    }
    return absl::OkStatus();
  }

  // Address, number of records in the child, and, above the lowest inner nodes, in everything below it.
  std::uint64_t pointer_size(const Level& child) const {
    return static_cast<std::uint64_t>(image_.sizes().address) + bytes_for(levels_.front().most_records) +
           child.total_width;
  }

  absl::Status node(std::uint64_t address, std::uint64_t records, int depth) {
    const Level& level = levels_[static_cast<std::size_t>(depth)];
    if (records > level.most_records) {
      return image_.damaged(absl::StrCat("at most ", level.most_records, " records in a B-tree node"),
                            absl::StrCat(records));
    }
    const bool leaf = depth == 0;
    const std::uint64_t pointer = leaf ? 0 : pointer_size(levels_[static_cast<std::size_t>(depth) - 1]);
    const std::uint64_t size =
        kNodePrefix + records * record_size_ + (leaf ? 0 : (records + 1) * pointer) + kChecksumSize;
    MICA_HDF5_LET(bytes, image_.at(address, size, "B-tree node"));
    MICA_FILE_TRY(budget_.spend(size));
    MICA_HDF5_LET(cursor, image_.structure_at(address, leaf ? "BTLF" : "BTIN", 0, "B-tree node"));
    MICA_FILE_TRY(check_kind(cursor.u8()));
    MICA_FILE_TRY(image_.verify_checksum(bytes, "a B-tree node"));
    Cursor pointers(cursor.rest().subspan(records * record_size_), image_.sizes());
    for (std::uint64_t i = 0; i < records; ++i) {
      if (!leaf) MICA_FILE_TRY(child(&pointers, depth - 1));
      MICA_FILE_TRY(visit_(cursor.take(record_size_)));
    }
    return leaf ? absl::OkStatus() : child(&pointers, depth - 1);
  }

  absl::Status child(Cursor* pointers, int depth) {
    const std::uint64_t address = pointers->address();
    const std::uint64_t records = pointers->number(bytes_for(levels_.front().most_records));
    pointers->number(levels_[static_cast<std::size_t>(depth)].total_width);
    return node(address, records, depth);
  }

  const Image& image_;
  Budget budget_;
  BtreeV2Kind kind_;
  Visit visit_;
  std::uint64_t node_size_ = 0, record_size_ = 0;
  std::vector<Level> levels_;
};

}  // namespace

absl::Status visit_btree_v2(const Image& image, std::uint64_t address, BtreeV2Kind kind, Visit visit) {
  return TreeWalk(image, kind, visit).walk(address);
}

}  // namespace mica::files::hdf5
