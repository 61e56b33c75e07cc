#include "frontend/files/hdf5/storage.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/files/hdf5/chunk_index.h"

namespace mica::files::hdf5 {
namespace {

// The message, which must be there and stand in this header.
absl::StatusOr<Bytes> own_message(const Image& image, const ObjectHeader& header, MessageType type, const char* what) {
  const Message* message = header.find(type);
  if (message == nullptr) return image.damaged(absl::StrCat("a dataset with ", what), "one without");
  if (message->shared) return image.refused(absl::StrCat(what, " in the dataset's own header"), "a shared one");
  return message->body;
}

// The value of elements that were never written; empty when it is zero.
absl::StatusOr<Bytes> parse_fill_value(const Image& image, const ObjectHeader& header, std::uint64_t element_bytes) {
  const Message* message = header.find(MessageType::kFillValue);
  if (message == nullptr || message->shared) return Bytes();
  constexpr int kHasValueFlag = 1 << 5;
  Cursor cursor(message->body, image.sizes());
  const int version = cursor.u8();
  const bool is_old = version < 3;
  if (is_old) cursor.skip(2);  // when to allocate and to write it
  const int flags = cursor.u8();
  const bool has_value = version == 1 || (is_old ? flags != 0 : (flags & kHasValueFlag) != 0);
  const Bytes value = has_value ? cursor.take(cursor.u32()) : Bytes();
  MICA_FILE_TRY(image.complete(cursor, "fill value"));
  if (!value.empty() && value.size() != element_bytes) {
    return image.damaged(absl::StrCat("a fill value of ", element_bytes, " bytes"), absl::StrCat(value.size()));
  }
  return value;
}

// Elements beside each other: all of them must lie in the file.
absl::Status locate_elements(const Image& image, Storage* storage) {
  const Layout& layout = storage->layout;
  const bool compact = layout.kind == Layout::Kind::kCompact;
  const std::uint64_t stored = compact ? layout.compact.size() : layout.size;
  if (!compact && layout.address == kUndefined) return image.check_claim(storage->bytes());
  if (stored < storage->bytes()) {
    return image.damaged(absl::StrCat(storage->bytes(), " bytes of elements"), absl::StrCat(stored));
  }
  if (compact) {
    storage->elements = layout.compact.first(storage->bytes());
    return absl::OkStatus();
  }
  MICA_HDF5_LET(elements, image.at(layout.address, storage->bytes(), "elements"));
  storage->elements = elements;
  return absl::OkStatus();
}

void fill_elements(const Storage& storage, std::span<std::byte> out) {
  if (storage.fill.empty()) {
    std::ranges::fill(out, std::byte{0});
    return;
  }
  for (std::size_t at = 0; at < out.size(); at += storage.fill.size()) {
    std::ranges::copy(storage.fill, out.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

// Copies what of a chunk lies inside the dataset, row by row along the last axis.
class ChunkCopy {
 public:
  ChunkCopy(const Storage& storage, std::span<std::byte> out) : storage_(storage), out_(out) {
    const std::size_t rank = storage.layout.chunk.size();
    strides_.assign(rank, storage.datatype.bytes);
    chunk_strides_.assign(rank, storage.datatype.bytes);
    for (std::size_t axis = rank - 1; axis-- > 0;) {
      strides_[axis] = strides_[axis + 1] * dim(axis + 1);
      chunk_strides_[axis] = chunk_strides_[axis + 1] * storage.layout.chunk[axis + 1];
    }
  }

  void copy(const std::vector<std::uint64_t>& place, Bytes chunk) {
    std::uint64_t offset = 0;
    counts_.clear();
    for (std::size_t axis = 0; axis < place.size(); ++axis) {
      const std::uint64_t length = storage_.layout.chunk[axis], start = place[axis] * length;
      counts_.push_back(std::min(length, dim(axis) - start));
      offset += start * strides_[axis];
    }
    copy_axis(0, chunk.data(), out_.data() + offset);
  }

 private:
  std::uint64_t dim(std::size_t axis) const { return static_cast<std::uint64_t>(storage_.space.shape[axis]); }

  void copy_axis(std::size_t axis, const std::byte* from, std::byte* to) const {
    if (axis + 1 == counts_.size()) {
      std::copy_n(from, counts_[axis] * storage_.datatype.bytes, to);
      return;
    }
    for (std::uint64_t i = 0; i < counts_[axis]; ++i) {
      copy_axis(axis + 1, from + i * chunk_strides_[axis], to + i * strides_[axis]);
    }
  }

  const Storage& storage_;
  std::span<std::byte> out_;
  std::vector<std::uint64_t> strides_, chunk_strides_;  // bytes between neighbours along each axis
  std::vector<std::uint64_t> counts_;                   // elements of the chunk inside the dataset
};

absl::Status read_chunked(const Image& image, const Storage& storage, std::span<std::byte> out) {
  fill_elements(storage, out);
  if (out.empty() || storage.layout.address == kUndefined) return absl::OkStatus();
  const ChunkGrid& grid = *storage.grid;
  ChunkCopy copy(storage, out);
  const bool filtered = !storage.filters.empty();
  return visit_chunks(image, storage.layout, grid, filtered, [&](const StoredChunk& chunk) -> absl::Status {
    const bool plain = !filtered || (storage.layout.plain_edges && grid.reaches_over_the_end(chunk.place));
    MICA_HDF5_LET(stored, image.at(chunk.address, plain ? grid.chunk_bytes() : chunk.size, "chunk"));
    if (plain) {
      copy.copy(chunk.place, stored);
      return absl::OkStatus();
    }
    MICA_HDF5_LET(bytes, undo_filters(image, storage.filters, chunk.filter_mask, storage.datatype.bytes, stored,
                                      grid.chunk_bytes()));
    copy.copy(chunk.place, bytes);
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<Storage> read_storage(const Image& image, const ObjectHeader& header) {
  if (header.find(MessageType::kExternalFiles) != nullptr) {
    return image.refused("elements in this file", "a dataset with external storage");
  }
  const Message* datatype = header.find(MessageType::kDatatype);
  if (datatype == nullptr) return image.damaged("a dataset with a datatype", "one without");
  MICA_HDF5_LET(space_body, own_message(image, header, MessageType::kDataspace, "a shape"));
  MICA_HDF5_LET(layout_body, own_message(image, header, MessageType::kLayout, "a layout"));
  Storage storage;
  MICA_HDF5_LET(parsed_datatype, read_datatype(image, *datatype));
  storage.datatype = parsed_datatype;
  MICA_HDF5_LET(space, parse_dataspace(image, space_body, storage.datatype.bytes));
  storage.space = std::move(space);
  MICA_HDF5_LET(layout, parse_layout(image, layout_body));
  storage.layout = std::move(layout);
  MICA_HDF5_LET(fill, parse_fill_value(image, header, storage.datatype.bytes));
  storage.fill = fill;
  if (storage.layout.kind != Layout::Kind::kChunked) {
    MICA_FILE_TRY(locate_elements(image, &storage));
    return storage;
  }
  if (header.find(MessageType::kFilters) != nullptr) {
    MICA_HDF5_LET(body, own_message(image, header, MessageType::kFilters, "filters"));
    MICA_HDF5_LET(filters, parse_filters(image, body));
    storage.filters = std::move(filters);
  }
  MICA_HDF5_LET(grid, ChunkGrid::make(image, storage.space, storage.layout, storage.datatype.bytes));
  storage.grid = std::move(grid);
  return storage;
}

absl::Status read_elements(const Image& image, const Storage& storage, std::span<std::byte> out) {
  if (storage.layout.kind == Layout::Kind::kChunked) return read_chunked(image, storage, out);
  if (storage.elements.has_value()) {
    std::ranges::copy(*storage.elements, out.begin());
  } else {
    fill_elements(storage, out);
  }
  return absl::OkStatus();
}

}  // namespace mica::files::hdf5
