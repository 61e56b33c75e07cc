#include "compiler/codegen/object_cache.h"

#include <dlfcn.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/Support/SHA256.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

namespace mica::codegen {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kMagic = "mica object 1\n";
constexpr std::string_view kSuffix = ".o";

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// magic, digest of the rest, symbol, newline, bytes
std::string file_of(const CachedObject& object) {
  std::string rest = object.symbol + "\n" + object.bytes;
  return std::string(kMagic) + digest(rest) + "\n" + rest;
}

std::optional<CachedObject> object_of(const std::string& file) {
  constexpr std::size_t kDigestLength = 64, kHeader = kMagic.size() + kDigestLength + 1;
  if (file.size() < kHeader || file.compare(0, kMagic.size(), kMagic) != 0) return std::nullopt;
  const std::string rest = file.substr(kHeader);
  if (file.compare(kMagic.size(), kDigestLength + 1, digest(rest) + "\n") != 0) return std::nullopt;
  const std::size_t newline = rest.find('\n');
  return CachedObject{rest.substr(0, newline), rest.substr(newline + 1)};
}

struct Entry {
  fs::path path;
  fs::file_time_type last_use;
  std::uint64_t bytes;
};

std::vector<Entry> entries_of(const fs::path& folder) {
  std::vector<Entry> entries;
  std::error_code error;
  for (const fs::directory_entry& file : fs::directory_iterator(folder, error)) {
    if (file.path().extension() != kSuffix) continue;
    const std::uint64_t bytes = file.file_size(error);
    if (error) continue;  // another process removed it
    entries.push_back({file.path(), file.last_write_time(error), bytes});
  }
  return entries;
}

}  // namespace

std::string digest(const std::string& text) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  return llvm::toHex(llvm::SHA256::hash(llvm::ArrayRef<std::uint8_t>(bytes, text.size())), /*LowerCase=*/true);
}

// A build is known by the size and time of the file that holds it: whoever changes the generator and builds it cannot
// forget to raise a number.
std::string generator_version() {
  std::string version = "LLVM " LLVM_VERSION_STRING;
  Dl_info library;
  struct stat file;
  if (dladdr(reinterpret_cast<void*>(&generator_version), &library) != 0 && stat(library.dli_fname, &file) == 0) {
    version += " build " + std::to_string(file.st_size) + " " + std::to_string(file.st_mtim.tv_sec) + "." +
               std::to_string(file.st_mtim.tv_nsec);
  }
  return version;
}

ObjectCache::ObjectCache(fs::path folder, std::uint64_t limit_bytes)
    : folder_(std::move(folder)), limit_bytes_(limit_bytes) {}

fs::path ObjectCache::folder_of_environment() {
  if (environment("MICA_CACHE") == "off") return {};
  fs::path base(environment("XDG_CACHE_HOME"));
  if (base.is_absolute()) return base / "mica";  // the XDG specification: relative ones are ignored
  base = environment("HOME");
  return base.is_absolute() ? base / ".cache" / "mica" : fs::path();
}

std::optional<CachedObject> ObjectCache::find(const std::string& key) {
  if (folder_.empty()) return std::nullopt;
  const fs::path path = folder_ / (key + std::string(kSuffix));
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  std::string file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  std::optional<CachedObject> object = object_of(file);
  std::error_code ignored;
  if (object) {
    fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
  } else {
    fs::remove(path, ignored);
  }
  return object;
}

void ObjectCache::store(const std::string& key, const CachedObject& object) {
  if (folder_.empty()) return;
  static std::atomic<std::uint64_t> counter = 0;
  const std::string file = file_of(object);
  std::error_code error;
  if (fs::create_directories(folder_, error)) fs::permissions(folder_, fs::perms::owner_all, error);
  const fs::path temporary =
      folder_ / (key + "." + std::to_string(getpid()) + "." + std::to_string(++counter) + ".new");
  std::ofstream stream(temporary, std::ios::binary);
  stream.write(file.data(), static_cast<std::streamsize>(file.size()));
  stream.close();
  if (stream) fs::rename(temporary, folder_ / (key + std::string(kSuffix)), error);
  if (!stream || error) {
    fs::remove(temporary, error);
    return;
  }
  std::lock_guard lock(mutex_);
  if (used_bytes_) *used_bytes_ += file.size();
  make_room();
}

// Down to three quarters of the limit, so that not every store has to look.
void ObjectCache::make_room() {
  if (used_bytes_ && *used_bytes_ <= limit_bytes_) return;
  std::vector<Entry> entries = entries_of(folder_);
  std::uint64_t used = 0;
  for (const Entry& entry : entries) used += entry.bytes;
  if (used > limit_bytes_) {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.last_use < b.last_use; });
    for (const Entry& entry : entries) {
      if (used <= limit_bytes_ / 4 * 3) break;
      std::error_code error;
      if (fs::remove(entry.path, error)) used -= entry.bytes;
    }
  }
  used_bytes_ = used;
}

}  // namespace mica::codegen
