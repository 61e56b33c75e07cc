// ZipWriter: an archive written member by member, atomically. Stored content lies at multiples of 64 bytes, so that a
// reader may use the mapped file as it is. Dates are fixed: equal content gives equal bytes.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/atomic_file.h"
#include "frontend/files/byte_source.h"

namespace mica::files {

class ZipWriter {
 public:
  static absl::StatusOr<ZipWriter> create(std::string_view path);

  // The content is the concatenation of `parts`. Names must differ.
  absl::Status add(std::string_view name, std::initializer_list<Bytes> parts,
                   Compression compression = Compression::kNone);
  // Writes the directory and puts the file in place.
  absl::Status finish();

 private:
  explicit ZipWriter(AtomicFile file) : file_(std::move(file)) {}

  AtomicFile file_;
  std::string directory_;
  std::uint64_t count_ = 0;
};

}  // namespace mica::files
