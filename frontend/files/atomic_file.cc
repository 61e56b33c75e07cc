#include "frontend/files/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "frontend/files/file_error.h"

namespace mica::files {
namespace {

constexpr std::string_view kSuffix = ".tmp";

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// Whether `name` is `base` with the "<process>.<number>.tmp" of a temporary file.
bool is_temporary_of(std::string_view base, std::string_view name) {
  if (!name.starts_with(base) || !name.ends_with(kSuffix)) return false;
  name.remove_prefix(base.size());
  if (name.size() <= kSuffix.size() || name.front() != '.') return false;
  name = name.substr(1, name.size() - 1 - kSuffix.size());
  return std::count(name.begin(), name.end(), '.') == 1 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

// Removes the file unless somebody writes it: a writer holds a lock, which ends with its process.
void remove_if_abandoned(const std::string& temporary) {
  const int descriptor = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(temporary.c_str());
  ::close(descriptor);
}

// What writers of `path` left that were killed.
void remove_leftovers(const std::string& path) {
  const std::string base = std::filesystem::path(path).filename().string();
  std::error_code error;
  std::filesystem::directory_iterator entries(folder_of(path), error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    if (is_temporary_of(base, entries->path().filename().string())) remove_if_abandoned(entries->path().string());
  }
}

// Locks a new file, unless another process took it for a leftover in the meantime. Where files cannot be locked,
// nobody removes them either.
bool keep_locked(int descriptor) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
  struct stat info{};
  return fstat(descriptor, &info) == 0 && info.st_nlink > 0;
}

// A new file beside `path`, under a name that nobody else uses. Unlike mkstemp's, its permissions follow the umask.
int open_beside(const std::string& path, std::string* temporary) {
  static std::atomic<unsigned> counter = 0;
  for (;;) {
    *temporary = path + "." + std::to_string(getpid()) + "." + std::to_string(counter++) + std::string(kSuffix);
    const int descriptor = ::open(temporary->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 && keep_locked(descriptor)) return descriptor;
    if (descriptor < 0 && errno != EEXIST) return descriptor;
    if (descriptor >= 0) ::close(descriptor);
  }
}

// A rename is durable once its folder is.
absl::Status sync_folder_of(const std::string& path) {
  const int descriptor = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
  remove_leftovers(destination);
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
