// NumPy's .npz: named arrays in a zip archive.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/byte_source.h"
#include "runtime/array.h"

namespace mica::files {

using NamedArrays = std::vector<std::pair<std::string, rt::Array>>;  // in the order of the file

// Every array; stored and aligned ones (all that write_npz stores) are the mapped file itself.
absl::StatusOr<NamedArrays> read_npz(std::string_view path);
absl::Status write_npz(std::string_view path, const NamedArrays& arrays, Compression compression = Compression::kNone);

}  // namespace mica::files
