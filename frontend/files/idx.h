// IDX: the format of the MNIST files (big-endian, one array), plain or gzipped.
#pragma once
#include <string_view>

#include "absl/status/statusor.h"
#include "runtime/array.h"

namespace mica::files {

absl::StatusOr<rt::Array> read_idx(std::string_view path);

}  // namespace mica::files
