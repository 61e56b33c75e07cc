// Objects on disk, so that a kernel met by any process before costs no LLVM.
//
// One file an object, named by its key, in $XDG_CACHE_HOME/mica or ~/.cache/mica; MICA_CACHE=off switches it off. Files
// are written beside their place and renamed into it; a checksum turns torn or damaged ones into misses. When the
// folder grows above its limit, the files used longest ago go. Trouble with the disk means misses, never errors.
#pragma once
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

namespace mica::codegen {

struct CachedObject {
  std::string symbol;  // the kernel's function
  std::string bytes;   // ELF
};

class ObjectCache {
 public:
  static constexpr std::uint64_t kDefaultLimit = 256u << 20;

  // An empty folder: everything is a miss.
  explicit ObjectCache(std::filesystem::path folder, std::uint64_t limit_bytes = kDefaultLimit);
  // The folder that the environment says now.
  static std::filesystem::path folder_of_environment();

  const std::filesystem::path& folder() const { return folder_; }
  // `key` is a file name: hexadecimal digits. May be called from several threads.
  std::optional<CachedObject> find(const std::string& key);
  void store(const std::string& key, const CachedObject& object);

 private:
  void make_room();

  std::filesystem::path folder_;
  std::uint64_t limit_bytes_;
  std::mutex mutex_;
  std::optional<std::uint64_t> used_bytes_;  // measured at the first store
};

// SHA-256 of `text`, in hexadecimal.
std::string digest(const std::string& text);
// The part of a key that stands for the code generator: LLVM's version and the build of this library.
std::string generator_version();

}  // namespace mica::codegen
