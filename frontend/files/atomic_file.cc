#include "frontend/files/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "frontend/files/file_error.h"

namespace mica::files {
namespace {

// A new file beside `path`, under a name that nobody else uses. Unlike mkstemp's, its permissions follow the umask.
int open_beside(const std::string& path, std::string* temporary) {
  static std::atomic<unsigned> counter = 0;
  int descriptor = -1;
  do {
    *temporary = path + "." + std::to_string(getpid()) + "." + std::to_string(counter++) + ".tmp";
    descriptor = ::open(temporary->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EEXIST);
  return descriptor;
}

// A rename is durable once its folder is.
absl::Status sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return system_error(path, "open its folder", errno);
  const int result = fsync(descriptor), error_number = errno;
  ::close(descriptor);
  // Some file systems refuse to sync a folder; the file itself is safe by then.
  if (result != 0 && error_number != EINVAL) return system_error(path, "sync its folder", error_number);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AtomicFile> AtomicFile::create(std::string_view path) {
  std::string destination(path), temporary;
  const int descriptor = open_beside(destination, &temporary);
  if (descriptor < 0) return system_error(destination, "create the file", errno);
  return AtomicFile(std::move(destination), std::move(temporary), descriptor);
}

AtomicFile::AtomicFile(std::string path, std::string temporary_path, int descriptor)
    : path_(std::move(path)), temporary_path_(std::move(temporary_path)), descriptor_(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_path_(std::move(other.temporary_path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      written_(other.written_) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_path_.c_str());
}

absl::Status AtomicFile::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error(path_, "write to it", errno);
    written_ += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::commit() {
  if (fsync(descriptor_) != 0) return system_error(path_, "sync it to the disk", errno);
  if (::rename(temporary_path_.c_str(), path_.c_str()) != 0)
    return system_error(path_, "rename the finished file", errno);
  ::close(std::exchange(descriptor_, -1));
  return sync_folder_of(path_);
}

absl::Status write_file(std::string_view path, std::string_view content) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path);
  MICA_FILE_TRY(file.status());
  MICA_FILE_TRY(file->write(as_bytes(content)));
  return file->commit();
}

}  // namespace mica::files
