#include "frontend/files/hdf5/btree_v1.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

using Visit = absl::FunctionRef<absl::Status(Bytes key, std::uint64_t child)>;

class TreeWalk {
 public:
  TreeWalk(const Image& image, BtreeV1Kind kind, std::size_t key_size, Visit visit)
      : image_(image), budget_(image), kind_(kind), key_size_(key_size), visit_(visit) {}

  // `level`: what the parent says; the root's own word counts.
  absl::Status node(std::uint64_t address, std::optional<int> level) {
    MICA_HDF5_LET(cursor, image_.structure_at(address, "TREE", static_cast<int>(kind_), "B-tree node"));
    const int own_level = cursor.u8();
    if (level.value_or(own_level) != own_level) {
      return image_.damaged(absl::StrCat("a B-tree node of level ", *level), absl::StrCat("level ", own_level));
    }
    const int count = cursor.u16();
    cursor.address(), cursor.address();  // siblings
    for (int i = 0; i < count; ++i) {
      const Bytes key = cursor.take(key_size_);
      const std::uint64_t child = cursor.address();
      MICA_FILE_TRY(image_.complete(cursor, "B-tree node"));
      MICA_FILE_TRY(budget_.spend(key_size_ + static_cast<std::size_t>(image_.sizes().address)));
      MICA_FILE_TRY(own_level == 0 ? visit_(key, child) : node(child, own_level - 1));
    }
    return image_.complete(cursor, "B-tree node");
  }

 private:
  const Image& image_;
  Budget budget_;
  BtreeV1Kind kind_;
  std::size_t key_size_;
  Visit visit_;
};

}  // namespace

absl::Status visit_btree_v1(const Image& image, std::uint64_t address, BtreeV1Kind kind, std::size_t key_size,
                            Visit visit) {
  return TreeWalk(image, kind, key_size, visit).node(address, std::nullopt);
}

}  // namespace mica::files::hdf5
