// ByteSource: bytes in order, from memory or through zlib, with a bound on how many can still come. Readers check a
// claimed size against that bound before they take memory for it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/bytes.h"

namespace mica::files {

class ByteSource {
 public:
  explicit ByteSource(std::string where) : where_(std::move(where)) {}
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Fills `out` from its front; fewer bytes only at the end of the content.
  virtual absl::StatusOr<std::size_t> read(std::span<std::byte> out) = 0;
  // No more bytes than this can follow.
  virtual std::uint64_t at_most() const = 0;

  // Fills `out`, or says what is missing: "<where>: expected 16 bytes of <what>, received 3".
  absl::Status read_exactly(std::span<std::byte> out, const std::string& what);
  // An error when more content follows, or when its checksum is wrong.
  absl::Status expect_end();
  const std::string& where() const { return where_; }

 private:
  std::string where_;
};

enum class Compression { kNone, kDeflate, kGzip, kZlib };  // deflate alone, or wrapped as gzip or zlib do

// No more bytes than this come out of one byte of deflate's: zlib's own bound, 258 bytes from 2 bits.
inline constexpr std::uint64_t kLargestDeflateRatio = 1032;

// The bytes stay the caller's and must outlive the source.
std::unique_ptr<ByteSource> open_source(Bytes bytes, Compression compression, std::string where);

// Everything up to the end.
absl::StatusOr<std::vector<std::byte>> read_all(ByteSource& source);

// Raw deflate data of `bytes`.
std::vector<std::byte> deflate_bytes(Bytes bytes);

// kGzip when the bytes begin as a gzip stream does, else kNone.
Compression detect_compression(Bytes bytes);

}  // namespace mica::files
