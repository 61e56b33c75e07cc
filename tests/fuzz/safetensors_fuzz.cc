// Any bytes as a .safetensors file.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "frontend/files/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> content(data, data + size);
  const auto arrays = mica::files::read_safetensors(std::as_writable_bytes(std::span(content)), nullptr, "input");
  if (!arrays.ok()) return 0;
  std::int64_t bytes = 0;
  for (const auto& [name, array] : *arrays) bytes += array.bytes();
  if (bytes > static_cast<std::int64_t>(size)) std::abort();
  return 0;
}
