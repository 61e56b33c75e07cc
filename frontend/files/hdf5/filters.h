// Filters of chunks: deflate, shuffle and Fletcher's checksum. Others are refused by name.
#pragma once
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

struct Filter {
  enum class Kind : std::uint16_t { kDeflate = 1, kShuffle = 2, kFletcher32 = 3 };
  Kind kind;
};

absl::StatusOr<std::vector<Filter>> parse_filters(const Image& image, Bytes body);

// What `stored` was before the filters, in the order of writing, were applied: `size` bytes, of elements of
// `element_bytes`. Bit i of `skipped` says that filter i was not.
absl::StatusOr<std::vector<std::byte>> undo_filters(const Image& image, const std::vector<Filter>& filters,
                                                    std::uint32_t skipped, std::size_t element_bytes, Bytes stored,
                                                    std::uint64_t size);

}  // namespace mica::files::hdf5
