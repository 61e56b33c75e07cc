// ZipReader: members of a zip archive (stored and deflate, zip64). Nothing in the archive is believed: every offset,
// size, name and total is checked when it is opened, every checksum when a member is read.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/byte_source.h"
#include "frontend/files/mapped_file.h"

namespace mica::files {

struct ZipMember {
  std::string name;
  std::uint64_t size = 0, compressed_size = 0;
  std::uint64_t offset = 0;  // of its data in the file
  std::uint32_t crc = 0;
  Compression compression = Compression::kNone;
};

class ZipReader {
 public:
  static absl::StatusOr<ZipReader> open(std::string_view path);

  const std::vector<ZipMember>& members() const { return members_; }  // in the order of the archive's directory
  const ZipMember* find(std::string_view name) const;                 // null when there is none
  // The content in order; its checksum is compared by expect_end(). Lives as long as this reader.
  std::unique_ptr<ByteSource> source(const ZipMember& member) const;
  absl::StatusOr<std::vector<std::byte>> read(const ZipMember& member) const;
  // A stored member's content where it lies in memory, checksum compared.
  absl::StatusOr<Bytes> stored_bytes(const ZipMember& member) const;
  std::string where(const ZipMember& member) const { return file_->path() + ":" + member.name; }
  const std::shared_ptr<MappedFile>& file() const { return file_; }

 private:
  ZipReader(std::shared_ptr<MappedFile> file, std::vector<ZipMember> members)
      : file_(std::move(file)), members_(std::move(members)) {}

  std::shared_ptr<MappedFile> file_;
  std::vector<ZipMember> members_;
};

}  // namespace mica::files
