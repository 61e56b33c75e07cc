// AtomicFile: a file that appears whole or not at all. Bytes go to a temporary file beside the destination; commit()
// makes them durable and renames it over the destination. Without commit() the destination stays as it was. Temporary
// files of writers that were killed go when the next one writes to the same destination.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/bytes.h"

namespace mica::files {

class AtomicFile {
 public:
  static absl::StatusOr<AtomicFile> create(std::string_view path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();  // removes the temporary file when commit() was not reached

  absl::Status write(Bytes bytes);
  std::uint64_t written() const { return written_; }
  const std::string& path() const { return path_; }
  const std::string& temporary_path() const { return temporary_path_; }  // for libraries that write by name
  // fsync, rename, fsync of the folder. Nothing may be written afterwards.
  absl::Status commit();

 private:
  AtomicFile(std::string path, std::string temporary_path, int descriptor);

  std::string path_, temporary_path_;
  int descriptor_;
  std::uint64_t written_ = 0;
};

// The whole content at once.
absl::Status write_file(std::string_view path, std::string_view content);

}  // namespace mica::files
