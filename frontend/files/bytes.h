// Views of bytes and numbers inside them. The host is little-endian, as is every CPU that Mica compiles for.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace mica::files {

static_assert(std::endian::native == std::endian::little);

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// The little-endian number at `offset`; the caller has checked that it lies inside.
template <class T>
  requires std::is_integral_v<T>
T load_le(Bytes bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <class T>
  requires std::is_integral_v<T>
void append_le(std::string& out, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  out.append(raw, sizeof(T));
}

// Turns the elements of `bytes`, `width` bytes each, from big-endian to little-endian.
void swap_elements(std::span<std::byte> bytes, int width);

}  // namespace mica::files
