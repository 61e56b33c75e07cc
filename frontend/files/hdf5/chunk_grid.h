// ChunkGrid: how a dataset is cut into chunks, and in which order indexes number them.
#pragma once
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "frontend/files/hdf5/dataspace.h"
#include "frontend/files/hdf5/image.h"
#include "frontend/files/hdf5/layout.h"

namespace mica::files::hdf5 {

// A chunk as an index gives it.
struct StoredChunk {
  std::vector<std::uint64_t> place;  // along each axis, in chunks
  std::uint64_t address = kUndefined, size = 0;
  std::uint32_t filter_mask = 0;  // bit i: filter i was not applied
};

using VisitChunk = absl::FunctionRef<absl::Status(const StoredChunk&)>;

class ChunkGrid {
 public:
  // Checks that shape and layout fit each other and that all chunks together, as the shape claims them, could come out
  // of a file of this size.
  static absl::StatusOr<ChunkGrid> make(const Image& image, const Dataspace& space, const Layout& layout,
                                        std::uint64_t element_bytes);

  const std::vector<std::uint64_t>& counts() const { return counts_; }  // chunks along each axis
  std::uint64_t count() const { return count_; }                        // of all of them
  std::uint64_t chunk_bytes() const { return chunk_bytes_; }            // of one, without filters
  bool contains(const std::vector<std::uint64_t>& place) const;
  bool reaches_over_the_end(const std::vector<std::uint64_t>& place) const;

  // The place of chunk `number` among all that the dataset may ever have. Where an axis may grow without end, it is the
  // slowest one.
  std::vector<std::uint64_t> place_of(std::uint64_t number) const;

 private:
  std::vector<std::uint64_t> shape_, chunk_, counts_;
  std::vector<std::size_t> axes_;       // from the slowest to the fastest
  std::vector<std::uint64_t> strides_;  // numbers between neighbours along each of axes_
  std::uint64_t count_ = 1, chunk_bytes_ = 0;
};

}  // namespace mica::files::hdf5
