// Dataspaces: shapes.
#pragma once
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

struct Dataspace {
  std::vector<std::int64_t> shape;       // none for scalars
  std::vector<std::uint64_t> max_shape;  // ~0 where an axis may grow without end
  std::int64_t numel = 1;                // 0 for a null dataspace
};

// `bytes`: of one element; shapes whose total does not fit into 63 bits are refused.
absl::StatusOr<Dataspace> parse_dataspace(const Image& image, Bytes body, std::uint64_t bytes);

}  // namespace mica::files::hdf5
