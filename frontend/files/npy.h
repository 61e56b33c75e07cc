// NumPy's .npy: one array. Read: versions 1 to 3, both byte orders and memory orders, every dtype of DType (bfloat16 as
// NumPy's 2-byte void, which is how ml_dtypes writes it). Written: version 1, little-endian, row-major.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/byte_source.h"
#include "frontend/files/npy_header.h"
#include "runtime/array.h"

namespace mica::files {

// The array is the mapped file itself where its bytes allow.
absl::StatusOr<rt::Array> read_npy(std::string_view path);
absl::Status write_npy(std::string_view path, const rt::Array& array);

// The content of a .npy file from `source`, which must end with it.
absl::StatusOr<rt::Array> read_npy(ByteSource& source);
// The same from memory that `owner` keeps alive: borrowed when aligned, little-endian and row-major, else copied.
absl::StatusOr<rt::Array> read_npy(std::span<std::byte> content, const std::shared_ptr<void>& owner, std::string where);

// Everything before the data, which follows in `source`: as many bytes as the header says.
absl::StatusOr<NpyHeader> read_npy_header(ByteSource& source);

// What stands before the data; its length is a multiple of 64.
std::string npy_preamble(DType dtype, const std::vector<std::int64_t>& dims);
Bytes bytes_of(const rt::Array& array);

}  // namespace mica::files
