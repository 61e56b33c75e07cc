#include "frontend/files/hdf5/chunk_index.h"

#include "absl/strings/str_cat.h"
#include "frontend/files/hdf5/btree_v1.h"
#include "frontend/files/hdf5/btree_v2.h"
#include "frontend/files/hdf5/chunk_array.h"

namespace mica::files::hdf5 {
namespace {

class IndexWalk {
 public:
  IndexWalk(const Image& image, const Layout& layout, const ChunkGrid& grid, bool filtered, VisitChunk visit)
      : image_(image), layout_(layout), grid_(grid), filtered_(filtered), visit_(visit) {}

  absl::Status walk() {
    switch (layout_.index) {
      case ChunkIndex::kBtreeV1:
        return btree_v1();
      case ChunkIndex::kSingle:
        return single();
      case ChunkIndex::kImplicit:
        return implicit();
      case ChunkIndex::kFixedArray:
      case ChunkIndex::kExtensibleArray:
        return array();
      case ChunkIndex::kBtreeV2:
        return btree_v2();
    }
    return absl::OkStatus();
  }

 private:
  absl::Status found(const StoredChunk& chunk) {
    if (!grid_.contains(chunk.place)) return absl::OkStatus();  // of a shape that was larger once
    if (++found_ > grid_.count()) {
      return image_.damaged(absl::StrCat("an index of at most ", grid_.count(), " chunks"), "more of them");
    }
    return visit_(chunk);
  }

  // The key: size, filters, the first element's place along each axis and inside an element.
  absl::Status btree_v1() {
    constexpr std::size_t kOffsetSize = 8;
    const std::size_t key_size = 4 + 4 + kOffsetSize * (layout_.chunk.size() + 1);
    return visit_btree_v1(
        image_, layout_.address, BtreeV1Kind::kChunks, key_size, [&](Bytes key, std::uint64_t address) -> absl::Status {
          Cursor cursor(key, image_.sizes());
          StoredChunk chunk{.address = address, .size = cursor.u32(), .filter_mask = cursor.u32()};
          for (const std::uint64_t length : layout_.chunk) {
            const std::uint64_t offset = cursor.number(kOffsetSize);
            if (offset % length != 0) {
              return image_.damaged(absl::StrCat("chunks at multiples of ", length), absl::StrCat("one at ", offset));
            }
            chunk.place.push_back(offset / length);
          }
          return found(chunk);
        });
  }

  absl::Status single() {
    const std::uint64_t size = filtered_ ? layout_.size : grid_.chunk_bytes();
    return found(
        {std::vector<std::uint64_t>(layout_.chunk.size(), 0), layout_.address, size, layout_.single_filter_mask});
  }

  // All chunks beside each other.
  absl::Status implicit() {
    for (std::uint64_t i = 0; i < grid_.count(); ++i) {
      MICA_FILE_TRY(found({grid_.place_of(i), layout_.address + i * grid_.chunk_bytes(), grid_.chunk_bytes(), 0}));
    }
    return absl::OkStatus();
  }

  absl::Status array() {
    const auto visit_element = [&](std::uint64_t number, Bytes element) {
      StoredChunk chunk = parse_entry(element);
      if (chunk.address == kUndefined) return absl::OkStatus();
      chunk.place = grid_.place_of(number);
      return found(chunk);
    };
    return layout_.index == ChunkIndex::kFixedArray ? visit_fixed_array(image_, layout_.address, visit_element)
                                                    : visit_extensible_array(image_, layout_.address, visit_element);
  }

  // Behind what an array's element says too stands the chunk's place.
  absl::Status btree_v2() {
    constexpr std::size_t kPlaceSize = 8;
    const BtreeV2Kind kind = filtered_ ? BtreeV2Kind::kFilteredChunks : BtreeV2Kind::kChunks;
    const std::size_t places = kPlaceSize * layout_.chunk.size();
    return visit_btree_v2(image_, layout_.address, kind, [&](Bytes record) -> absl::Status {
      if (record.size() < places) return image_.damaged("records of chunks", "smaller ones");
      StoredChunk chunk = parse_entry(record.first(record.size() - places));
      Cursor cursor(record.last(places), image_.sizes());
      for (std::size_t i = 0; i < layout_.chunk.size(); ++i) chunk.place.push_back(cursor.number(kPlaceSize));
      return found(chunk);
    });
  }

  // The address alone, or address, stored size in what is left, filters.
  StoredChunk parse_entry(Bytes entry) const {
    constexpr std::size_t kMaskSize = 4;
    const auto address_size = static_cast<std::size_t>(image_.sizes().address);
    Cursor cursor(entry, image_.sizes());
    StoredChunk chunk{.address = cursor.address(), .size = grid_.chunk_bytes()};
    if (filtered_) {
      const std::size_t rest = entry.size() - std::min(entry.size(), address_size + kMaskSize);
      chunk.size = cursor.number(std::min<std::size_t>(rest, sizeof(std::uint64_t)));
      chunk.filter_mask = cursor.u32();
    }
    if (!cursor.ok()) chunk.address = kUndefined;
    return chunk;
  }

  const Image& image_;
  const Layout& layout_;
  const ChunkGrid& grid_;
  bool filtered_;
  VisitChunk visit_;
  std::uint64_t found_ = 0;
};

}  // namespace

absl::Status visit_chunks(const Image& image, const Layout& layout, const ChunkGrid& grid, bool filtered,
                          VisitChunk visit) {
  return IndexWalk(image, layout, grid, filtered, visit).walk();
}

}  // namespace mica::files::hdf5
