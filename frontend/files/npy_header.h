// The Python dictionary at the front of a .npy file: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/dtype.h"

namespace mica::files {

struct NpyHeader {
  DType dtype = kFloat32;
  bool big_endian = false, fortran_order = false;
  std::vector<std::int64_t> dims;
  std::int64_t bytes = 0;  // of all elements
};

absl::StatusOr<NpyHeader> parse_npy_header(std::string_view text, std::string_view where);
std::string npy_header_text(DType dtype, const std::vector<std::int64_t>& dims);

}  // namespace mica::files
