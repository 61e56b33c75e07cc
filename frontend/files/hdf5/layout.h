// Layout messages: where the elements of a dataset lie.
#pragma once
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

// How the chunks of a dataset are found.
enum class ChunkIndex { kBtreeV1, kSingle, kImplicit, kFixedArray, kExtensibleArray, kBtreeV2 };

struct Layout {
  enum class Kind { kCompact, kContiguous, kChunked };
  Kind kind = Kind::kContiguous;
  Bytes compact;                       // the elements themselves
  std::uint64_t address = kUndefined;  // of the elements or of the index; undefined while nothing was written
  std::uint64_t size = 0;              // of contiguous elements, or of a single filtered chunk

  std::vector<std::uint64_t> chunk;  // elements along each axis
  std::uint64_t element_bytes = 0;   // of a chunk's elements
  ChunkIndex index = ChunkIndex::kBtreeV1;
  std::uint32_t single_filter_mask = 0;
  bool plain_edges = false;  // chunks that reach over the end of an axis are not filtered
};

absl::StatusOr<Layout> parse_layout(const Image& image, Bytes body);

}  // namespace mica::files::hdf5
