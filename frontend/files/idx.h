// IDX: the format of the MNIST files (big-endian, one array), plain or gzipped.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/byte_source.h"
#include "runtime/array.h"

namespace mica::files {

struct IdxHeader {
  DType dtype = kUInt8;
  std::vector<std::int64_t> dims;
  std::int64_t bytes = 0;  // of all elements, which are big-endian
};

// Everything before the elements; `source` may have as many bytes as they take.
absl::StatusOr<IdxHeader> read_idx_header(ByteSource& source);
absl::StatusOr<rt::Array> read_idx(std::string_view path);

}  // namespace mica::files
