// Any bytes as a zip archive, read through a file in memory because archives are opened by name.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "frontend/files/zip_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = memfd_create("input", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  const auto archive = mica::files::ZipReader::open(path);
  if (!archive.ok()) return 0;
  for (const mica::files::ZipMember& member : archive->members()) {
    (void)archive->read(member);
    (void)archive->stored_bytes(member);
  }
  return 0;
}
