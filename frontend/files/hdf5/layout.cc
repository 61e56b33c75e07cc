#include "frontend/files/hdf5/layout.h"

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

constexpr int kHighestRank = 32;

// The chunk's axes, each of `width` bytes; behind them stands the size of an element.
absl::Status parse_chunk_shape(const Image& image, int count, std::size_t width, Cursor* cursor, Layout* layout) {
  if (count < 2 || count > kHighestRank + 1 || width < 1 || width > 8) {
    return image.damaged("chunks of 1 to 32 axes", absl::StrCat(count - 1, " axes in ", width, " bytes"));
  }
  for (int axis = 0; axis + 1 < count; ++axis) {
    layout->chunk.push_back(cursor->number(width));
    if (cursor->ok() && layout->chunk.back() == 0) return image.damaged("chunks with elements", "an axis of 0");
  }
  return absl::OkStatus();
}

// Version 3: a B-tree of version 1.
absl::Status parse_old_chunks(const Image& image, Cursor* cursor, Layout* layout) {
  constexpr std::size_t kWidth = 4;
  const int count = cursor->u8();
  layout->address = cursor->address();
  MICA_FILE_TRY(parse_chunk_shape(image, count, kWidth, cursor, layout));
  layout->element_bytes = cursor->u32();
  return absl::OkStatus();
}

// Version 4: one of five indexes.
absl::Status parse_new_chunks(const Image& image, Cursor* cursor, Layout* layout) {
  constexpr int kPlainEdgesFlag = 1, kFilteredSingleFlag = 2;
  const int flags = cursor->u8(), count = cursor->u8();
  const std::size_t width = cursor->u8();
  MICA_FILE_TRY(parse_chunk_shape(image, count, width, cursor, layout));
  layout->element_bytes = cursor->number(width);
  layout->plain_edges = (flags & kPlainEdgesFlag) != 0;
  const int index = cursor->u8();
  MICA_FILE_TRY(image.complete(*cursor, "layout"));
  if (index < static_cast<int>(ChunkIndex::kSingle) || index > static_cast<int>(ChunkIndex::kBtreeV2)) {
    return image.refused("a chunk index of type 1 to 5", absl::StrCat("type ", index));
  }
  layout->index = static_cast<ChunkIndex>(index);
  switch (layout->index) {  // what follows only says how to write more, where it is skipped
    case ChunkIndex::kSingle:
      if ((flags & kFilteredSingleFlag) != 0) {
        layout->size = cursor->length();
        layout->single_filter_mask = cursor->u32();
      }
      break;
    case ChunkIndex::kFixedArray:
      cursor->skip(1);
      break;
    case ChunkIndex::kExtensibleArray:
      cursor->skip(5);
      break;
    case ChunkIndex::kBtreeV2:
      cursor->skip(4 + 1 + 1);
      break;
    default:
      break;
  }
  layout->address = cursor->address();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Layout> parse_layout(const Image& image, Bytes body) {
  enum Class { kCompact = 0, kContiguous = 1, kChunked = 2, kVirtual = 3 };
  Cursor cursor(body, image.sizes());
  const int version = cursor.u8(), layout_class = cursor.u8();
  MICA_FILE_TRY(image.complete(cursor, "layout"));
  if (version != 3 && version != 4) return image.refused("a layout of version 3 or 4", absl::StrCat(version));
  Layout layout;
  switch (layout_class) {
    case kCompact:
      layout.kind = Layout::Kind::kCompact;
      layout.compact = cursor.take(cursor.u16());
      break;
    case kContiguous:
      layout.address = cursor.address();
      layout.size = cursor.length();
      break;
    case kChunked:
      layout.kind = Layout::Kind::kChunked;
      MICA_FILE_TRY(version == 3 ? parse_old_chunks(image, &cursor, &layout)
                                 : parse_new_chunks(image, &cursor, &layout));
      break;
    case kVirtual:
      return image.refused("elements in this file", "a virtual dataset, whose elements lie in others");
    default:
      return image.refused("a compact, contiguous or chunked layout", absl::StrCat("class ", layout_class));
  }
  MICA_FILE_TRY(image.complete(cursor, "layout"));
  return layout;
}

}  // namespace mica::files::hdf5
