#include "frontend/files/hdf5/checksum.h"

#include <algorithm>
#include <bit>

namespace mica::files::hdf5 {
namespace {

// The three words that lookup3 stirs.
struct State {
  std::uint32_t a, b, c;

  void add(const std::uint32_t (&words)[3]) {
    a += words[0];
    b += words[1];
    c += words[2];
  }

  void mix() {
    constexpr int kRotations[] = {4, 6, 8, 16, 19, 4};
    for (const int bits : kRotations) {
      a = (a - c) ^ std::rotl(c, bits);
      c += b;
      turn();
    }
  }

  std::uint32_t finish() {
    constexpr int kRotations[] = {14, 11, 25, 16, 4, 14, 24};
    for (const int bits : kRotations) {
      c = (c ^ b) - std::rotl(b, bits);
      turn();
    }
    return b;  // what the last round made, turned
  }

 private:
  // The next round takes the words in turn: its a is this one's b, and so on.
  void turn() {
    const std::uint32_t first = a;
    a = b;
    b = c;
    c = first;
  }
};

}  // namespace

std::uint32_t metadata_checksum(Bytes bytes) {
  constexpr std::size_t kBlock = 12;
  const std::uint32_t start = 0xdeadbeef + static_cast<std::uint32_t>(bytes.size());
  State state{start, start, start};
  if (bytes.empty()) return state.c;
  std::uint32_t words[3];
  for (; bytes.size() > kBlock; bytes = bytes.subspan(kBlock)) {
    std::memcpy(words, bytes.data(), kBlock);
    state.add(words);
    state.mix();
  }
  std::fill(std::begin(words), std::end(words), 0);
  std::memcpy(words, bytes.data(), bytes.size());
  state.add(words);
  return state.finish();
}

std::uint32_t fletcher32(Bytes bytes) {
  constexpr std::size_t kWordsBeforeOverflow = 360;
  std::uint32_t first = 0, second = 0;
  const auto fold = [](std::uint32_t sum) { return (sum & 0xffff) + (sum >> 16); };
  for (std::size_t at = 0, count = 0; at < bytes.size(); at += 2) {
    const auto high = std::to_integer<std::uint32_t>(bytes[at]);
    const auto low = at + 1 < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at + 1]) : 0;
    first += high << 8 | low;
    second += first;
    if (++count == kWordsBeforeOverflow) {
      first = fold(first), second = fold(second);
      count = 0;
    }
  }
  return fold(fold(second)) << 16 | fold(fold(first));
}

}  // namespace mica::files::hdf5
