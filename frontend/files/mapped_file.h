// MappedFile: a whole file in memory through mmap, read-only on disk and private in memory.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "frontend/files/bytes.h"

namespace mica::files {

class MappedFile {
 public:
  // A regular file; empty ones are allowed. Arrays that borrow its bytes keep it alive by the shared_ptr.
  static absl::StatusOr<std::shared_ptr<MappedFile>> open(std::string_view path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  Bytes bytes() const { return {data_, size_}; }
  // The same memory, writable: pages are copied when written (an Array's owner may write), the file never changes.
  std::byte* data() const { return data_; }

 private:
  MappedFile(std::string path, std::byte* data, std::size_t size) : path_(std::move(path)), data_(data), size_(size) {}

  std::string path_;
  std::byte* data_;
  std::size_t size_;
};

}  // namespace mica::files
