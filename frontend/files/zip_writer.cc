#include "frontend/files/zip_writer.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

#include "frontend/files/file_error.h"
#include "frontend/files/zip_format.h"
#include "runtime/error.h"

namespace mica::files {
namespace {

using zip::kMax16, zip::kMax32;

constexpr std::uint64_t kAlignment = 64;
constexpr std::uint16_t kPaddingExtra = 0xd935;          // the record that zipalign uses for the same purpose
constexpr std::uint16_t kVersion = 20, kVersion64 = 45;  // needed to extract: 2.0, with 64-bit sizes 4.5
constexpr std::uint32_t kDate = (((2026 - 1980) << 9 | 1 << 5 | 1) << 16);  // 2026-01-01 00:00

struct Entry {
  std::string name;
  std::uint32_t crc = 0;
  std::uint64_t size = 0, compressed_size = 0, offset = 0;
  std::uint16_t method = zip::kStored;
  bool wide() const { return size >= kMax32 || compressed_size >= kMax32 || offset >= kMax32; }
};

std::uint32_t narrow(std::uint64_t value, bool wide) { return wide ? kMax32 : static_cast<std::uint32_t>(value); }

// What local and central headers have in common, from the version needed to the sizes.
void append_common(std::string& out, const Entry& entry) {
  append_le<std::uint16_t>(out, entry.wide() ? kVersion64 : kVersion);
  append_le<std::uint16_t>(out, zip::kUtf8Flag);
  append_le<std::uint16_t>(out, entry.method);
  append_le<std::uint32_t>(out, kDate);
  append_le<std::uint32_t>(out, entry.crc);
  append_le<std::uint32_t>(out, narrow(entry.compressed_size, entry.wide()));
  append_le<std::uint32_t>(out, narrow(entry.size, entry.wide()));
  append_le<std::uint16_t>(out, static_cast<std::uint16_t>(entry.name.size()));
}

std::string local_header(const Entry& entry) {
  std::string extra;
  if (entry.wide()) {
    append_le<std::uint16_t>(extra, zip::kExtra64);
    append_le<std::uint16_t>(extra, 16);
    append_le<std::uint64_t>(extra, entry.size);
    append_le<std::uint64_t>(extra, entry.compressed_size);
  }
  if (entry.method == zip::kStored) {
    const std::uint64_t unpadded = entry.offset + zip::kLocalHeaderSize + entry.name.size() + extra.size() + 4;
    const auto padding = static_cast<std::uint16_t>((kAlignment - unpadded % kAlignment) % kAlignment);
    append_le<std::uint16_t>(extra, kPaddingExtra);
    append_le<std::uint16_t>(extra, padding);
    extra.append(padding, '\0');
  }
  std::string header;
  append_le<std::uint32_t>(header, zip::kLocalHeader);
  append_common(header, entry);
  append_le<std::uint16_t>(header, static_cast<std::uint16_t>(extra.size()));
  return header + entry.name + extra;
}

std::string central_header(const Entry& entry) {
  std::string extra;
  if (entry.wide()) {
    append_le<std::uint16_t>(extra, zip::kExtra64);
    append_le<std::uint16_t>(extra, 24);
    append_le<std::uint64_t>(extra, entry.size);
    append_le<std::uint64_t>(extra, entry.compressed_size);
    append_le<std::uint64_t>(extra, entry.offset);
  }
  std::string header;
  append_le<std::uint32_t>(header, zip::kCentralHeader);
  append_le<std::uint16_t>(header, kVersion64);  // made by
  append_common(header, entry);
  append_le<std::uint16_t>(header, static_cast<std::uint16_t>(extra.size()));
  append_le<std::uint16_t>(header, 0);  // comment
  append_le<std::uint16_t>(header, 0);  // disk
  append_le<std::uint16_t>(header, 0);  // internal attributes
  append_le<std::uint32_t>(header, 0);  // external attributes
  append_le<std::uint32_t>(header, narrow(entry.offset, entry.wide()));
  return header + entry.name + extra;
}

std::string end_records(std::uint64_t offset, std::uint64_t size, std::uint64_t count) {
  std::string out;
  const bool wide = offset >= kMax32 || size >= kMax32 || count >= kMax16;
  if (wide) {
    append_le<std::uint32_t>(out, zip::kEndOfDirectory64);
    append_le<std::uint64_t>(out, zip::kEndOfDirectory64Size - 12);  // what follows this field
    append_le<std::uint16_t>(out, kVersion64);
    append_le<std::uint16_t>(out, kVersion64);
    append_le<std::uint32_t>(out, 0);  // this disk
    append_le<std::uint32_t>(out, 0);  // the directory's disk
    for (const std::uint64_t value : {count, count, size, offset}) append_le<std::uint64_t>(out, value);
    append_le<std::uint32_t>(out, zip::kLocator64);
    append_le<std::uint32_t>(out, 0);  // the record's disk
    append_le<std::uint64_t>(out, offset + size);
    append_le<std::uint32_t>(out, 1);  // disks
  }
  const auto short_count = wide ? kMax16 : static_cast<std::uint16_t>(count);
  append_le<std::uint32_t>(out, zip::kEndOfDirectory);
  append_le<std::uint32_t>(out, 0);  // disks
  append_le<std::uint16_t>(out, short_count);
  append_le<std::uint16_t>(out, short_count);
  append_le<std::uint32_t>(out, narrow(size, wide));
  append_le<std::uint32_t>(out, narrow(offset, wide));
  append_le<std::uint16_t>(out, 0);  // comment
  return out;
}

}  // namespace

absl::StatusOr<ZipWriter> ZipWriter::create(std::string_view path) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path);
  MICA_FILE_TRY(file.status());
  return ZipWriter(*std::move(file));
}

absl::Status ZipWriter::add(std::string_view name, std::initializer_list<Bytes> parts, Compression compression) {
  MICA_CHECK(compression != Compression::kGzip) << "zip members are stored or deflated";
  if (name.empty() || name.size() >= kMax16) {
    return content_error(file_.path(), "a name of 1 to 65534 bytes", std::to_string(name.size()) + " bytes");
  }
  Entry entry{.name = std::string(name), .offset = file_.written()};
  std::vector<std::byte> joined;  // only what is to be compressed is copied
  for (const Bytes part : parts) {
    entry.crc =
        static_cast<std::uint32_t>(crc32_z(entry.crc, reinterpret_cast<const Bytef*>(part.data()), part.size()));
    entry.size += part.size();
    if (compression == Compression::kDeflate) joined.insert(joined.end(), part.begin(), part.end());
  }
  entry.compressed_size = entry.size;
  if (compression == Compression::kDeflate) {
    joined = deflate_bytes(joined);
    entry.method = zip::kDeflated;
    entry.compressed_size = joined.size();
  }
  MICA_FILE_TRY(file_.write(as_bytes(local_header(entry))));
  if (compression == Compression::kDeflate) {
    MICA_FILE_TRY(file_.write(joined));
  } else {
    for (const Bytes part : parts) MICA_FILE_TRY(file_.write(part));
  }
  directory_ += central_header(entry);
  ++count_;
  return absl::OkStatus();
}

absl::Status ZipWriter::finish() {
  const std::uint64_t offset = file_.written();
  MICA_FILE_TRY(file_.write(as_bytes(directory_)));
  MICA_FILE_TRY(file_.write(as_bytes(end_records(offset, directory_.size(), count_))));
  return file_.commit();
}

}  // namespace mica::files
