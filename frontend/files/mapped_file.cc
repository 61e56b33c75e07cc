#include "frontend/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "frontend/files/file_error.h"

namespace mica::files {
namespace {

// Maps the file behind `descriptor`; *size is 0 for an empty file, which has no mapping.
absl::StatusOr<std::byte*> map_descriptor(int descriptor, const std::string& path, std::size_t* size) {
  struct stat info{};
  if (fstat(descriptor, &info) != 0) return system_error(path, "read its size", errno);
  if (!S_ISREG(info.st_mode)) return content_error(path, "a regular file", "a folder or device");
  *size = static_cast<std::size_t>(info.st_size);
  if (*size == 0) return nullptr;
  void* data = mmap(nullptr, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return system_error(path, "map it into memory", errno);
  return static_cast<std::byte*>(data);
}

}  // namespace

absl::StatusOr<std::shared_ptr<MappedFile>> MappedFile::open(std::string_view path) {
  const std::string name(path);
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not block us
  if (descriptor < 0) return system_error(name, "open the file", errno);
  std::size_t size = 0;
  absl::StatusOr<std::byte*> data = map_descriptor(descriptor, name, &size);
  ::close(descriptor);
  if (!data.ok()) return data.status();
  return std::shared_ptr<MappedFile>(new MappedFile(name, *data, size));
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace mica::files
