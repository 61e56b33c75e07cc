#include "frontend/files/byte_source.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "frontend/files/file_error.h"
#include "runtime/error.h"

namespace mica::files {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;

class MemorySource : public ByteSource {
 public:
  MemorySource(Bytes bytes, std::string where) : ByteSource(std::move(where)), rest_(bytes) {}

  absl::StatusOr<std::size_t> read(std::span<std::byte> out) override {
    const std::size_t count = std::min(out.size(), rest_.size());
    std::copy_n(rest_.begin(), count, out.begin());
    rest_ = rest_.subspan(count);
    return count;
  }
  std::uint64_t at_most() const override { return rest_.size(); }

 private:
  Bytes rest_;
};

class InflateSource : public ByteSource {
 public:
  InflateSource(Bytes bytes, Compression compression, std::string where) : ByteSource(std::move(where)), rest_(bytes) {
    MICA_CHECK(inflateInit2(&stream_, window_bits(compression)) == Z_OK);
  }
  ~InflateSource() override { inflateEnd(&stream_); }

  absl::StatusOr<std::size_t> read(std::span<std::byte> out) override {
    std::size_t filled = 0;
    while (filled < out.size() && !ended_) {
      absl::StatusOr<std::size_t> count = inflate_some(out.subspan(filled));
      if (!count.ok()) return count;
      filled += *count;
    }
    return filled;
  }

  std::uint64_t at_most() const override {
    return ended_ ? 0 : (rest_.size() + stream_.avail_in + 1) * kLargestDeflateRatio;
  }

 private:
  // zlib's way to say which wrapping it shall expect.
  static int window_bits(Compression compression) {
    constexpr int kLargestWindow = 15, kGzipWrapping = 16;
    if (compression == Compression::kZlib) return kLargestWindow;
    return compression == Compression::kGzip ? kLargestWindow + kGzipWrapping : -kLargestWindow;
  }

  // One call of inflate(), whose counters are 32 bits wide.
  absl::StatusOr<std::size_t> inflate_some(std::span<std::byte> out) {
    if (stream_.avail_in == 0) feed();
    const std::size_t room = std::min(out.size(), kChunk);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const std::size_t produced = room - stream_.avail_out;
    if (result == Z_STREAM_END) {
      ended_ = true;
    } else if (result != Z_OK) {
      const bool cut_off = result == Z_BUF_ERROR;
      return content_error(where(), "whole deflate data", cut_off ? "data that ends early" : "damaged data",
                           cut_off ? "Was the file cut off?" : "");
    }
    return produced;
  }

  void feed() {
    const std::size_t count = std::min(rest_.size(), kChunk);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(rest_.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(count);
    rest_ = rest_.subspan(count);
  }

  Bytes rest_;
  z_stream stream_{};
  bool ended_ = false;
};

}  // namespace

absl::Status ByteSource::read_exactly(std::span<std::byte> out, const std::string& what) {
  absl::StatusOr<std::size_t> count = read(out);
  MICA_FILE_TRY(count.status());
  if (*count == out.size()) return absl::OkStatus();
  return content_error(where_, std::to_string(out.size()) + " bytes of " + what, std::to_string(*count),
                       "Was the file cut off?");
}

absl::Status ByteSource::expect_end() {
  std::byte extra;
  absl::StatusOr<std::size_t> count = read({&extra, 1});
  MICA_FILE_TRY(count.status());
  if (*count == 0) return absl::OkStatus();
  return content_error(where_, "nothing after the data", "more bytes");
}

std::unique_ptr<ByteSource> open_source(Bytes bytes, Compression compression, std::string where) {
  if (compression == Compression::kNone) return std::make_unique<MemorySource>(bytes, std::move(where));
  return std::make_unique<InflateSource>(bytes, compression, std::move(where));
}

absl::StatusOr<std::vector<std::byte>> read_all(ByteSource& source) {
  std::vector<std::byte> content;
  for (std::size_t filled = 0;;) {
    // Memory grows with what has really come, so that a claim alone takes none.
    content.resize(filled + std::min<std::uint64_t>(source.at_most(), std::max(filled, kChunk)));
    absl::StatusOr<std::size_t> count = source.read(std::span(content).subspan(filled));
    MICA_FILE_TRY(count.status());
    filled += *count;
    if (filled < content.size() || source.at_most() == 0) {
      content.resize(filled);
      return content;
    }
    MICA_FILE_TRY(check_fits_in_memory(filled, source.where()));
  }
}

std::vector<std::byte> deflate_bytes(Bytes bytes) {
  z_stream stream{};
  MICA_CHECK(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::vector<std::byte> out(deflateBound(&stream, bytes.size()));
  std::size_t filled = 0;
  int result = Z_OK;
  while (result != Z_STREAM_END) {
    if (stream.avail_in == 0 && !bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), kChunk);
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));  // zlib only reads it
      stream.avail_in = static_cast<uInt>(count);
      bytes = bytes.subspan(count);
    }
    const std::size_t room = std::min<std::size_t>(out.size() - filled, std::numeric_limits<uInt>::max());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
    stream.avail_out = static_cast<uInt>(room);
    result = deflate(&stream, bytes.empty() ? Z_FINISH : Z_NO_FLUSH);
    filled += room - stream.avail_out;
    MICA_CHECK(result == Z_OK || result == Z_STREAM_END) << "deflate: " << result;
  }
  deflateEnd(&stream);
  out.resize(filled);
  return out;
}

Compression detect_compression(Bytes bytes) {
  const bool gzip = bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
  return gzip ? Compression::kGzip : Compression::kNone;
}

}  // namespace mica::files
