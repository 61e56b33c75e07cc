#include "frontend/files/zip_reader.h"

#include <zlib.h>

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "frontend/files/file_error.h"
#include "frontend/files/zip_format.h"

namespace mica::files {
namespace {

using zip::kMax16, zip::kMax32;

std::uint32_t crc_of(std::uint32_t crc, Bytes bytes) {
  return static_cast<std::uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

absl::Status wrong_checksum(std::string_view where) {
  return content_error(where, "the content that its checksum promises", "other bytes", "Is the file damaged?");
}

// A member's content, with its checksum and size followed on the way.
class MemberSource : public ByteSource {
 public:
  MemberSource(std::unique_ptr<ByteSource> content, const ZipMember& member)
      : ByteSource(content->where()), content_(std::move(content)), left_(member.size), expected_crc_(member.crc) {}

  absl::StatusOr<std::size_t> read(std::span<std::byte> out) override {
    absl::StatusOr<std::size_t> count = content_->read(out);
    if (!count.ok()) return count;
    crc_ = crc_of(crc_, out.first(*count));
    const bool ended = *count < out.size();
    if (*count > left_ || (ended && *count < left_)) {
      return content_error(where(), "as many bytes as the directory claims", *count > left_ ? "more" : "fewer");
    }
    left_ -= *count;
    if (ended && crc_ != expected_crc_) return wrong_checksum(where());
    return count;
  }
  std::uint64_t at_most() const override { return std::min(left_, content_->at_most()); }

 private:
  std::unique_ptr<ByteSource> content_;
  std::uint64_t left_;
  std::uint32_t crc_ = 0, expected_crc_;
};

struct Directory {
  std::uint64_t offset = 0, size = 0, count = 0;
};

// Parses the archive's directory; `bytes` is the whole file.
class DirectoryParser {
 public:
  DirectoryParser(Bytes bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  absl::StatusOr<std::vector<ZipMember>> parse() {
    absl::StatusOr<Directory> directory = find_directory();
    MICA_FILE_TRY(directory.status());
    std::vector<ZipMember> members;
    std::uint64_t at = directory->offset;
    const std::uint64_t end = directory->offset + directory->size;
    for (std::uint64_t i = 0; i < directory->count; ++i) {
      absl::StatusOr<ZipMember> member = parse_entry(&at, end);
      MICA_FILE_TRY(member.status());
      members.push_back(*std::move(member));
    }
    MICA_FILE_TRY(check_names(members));
    MICA_FILE_TRY(check_no_overlap(members, directory->offset));
    return members;
  }

 private:
  absl::Status damaged(const std::string& expected, const std::string& received) const {
    return content_error(path_, expected, received, "Is the file damaged or cut off?");
  }
  bool inside(std::uint64_t offset, std::uint64_t size) const {
    return offset <= bytes_.size() && size <= bytes_.size() - offset;
  }

  absl::StatusOr<std::size_t> find_end_record() const {
    constexpr std::size_t kLongestComment = kMax16;
    if (bytes_.size() >= zip::kEndOfDirectorySize) {
      std::size_t at = bytes_.size() - zip::kEndOfDirectorySize;
      const std::size_t last = at > kLongestComment ? at - kLongestComment : 0;
      for (;; --at) {
        const bool found = load_le<std::uint32_t>(bytes_, at) == zip::kEndOfDirectory;
        if (found && load_le<std::uint16_t>(bytes_, at + 20) == bytes_.size() - at - zip::kEndOfDirectorySize)
          return at;
        if (at == last) break;
      }
    }
    return damaged("a zip archive", std::to_string(bytes_.size()) + " bytes without a zip directory at the end");
  }

  absl::StatusOr<Directory> find_directory() const {
    absl::StatusOr<std::size_t> end = find_end_record();
    MICA_FILE_TRY(end.status());
    Directory directory{.offset = load_le<std::uint32_t>(bytes_, *end + 16),
                        .size = load_le<std::uint32_t>(bytes_, *end + 12),
                        .count = load_le<std::uint16_t>(bytes_, *end + 10)};
    const bool needs_64 = directory.offset == kMax32 || directory.size == kMax32 || directory.count == kMax16;
    const bool has_64 =
        *end >= zip::kLocator64Size && load_le<std::uint32_t>(bytes_, *end - zip::kLocator64Size) == zip::kLocator64;
    if (needs_64 && has_64) {
      const auto at = load_le<std::uint64_t>(bytes_, *end - zip::kLocator64Size + 8);
      if (!inside(at, zip::kEndOfDirectory64Size) || load_le<std::uint32_t>(bytes_, at) != zip::kEndOfDirectory64) {
        return damaged("a zip64 directory record", "an offset to something else");
      }
      directory = {.offset = load_le<std::uint64_t>(bytes_, at + 48),
                   .size = load_le<std::uint64_t>(bytes_, at + 40),
                   .count = load_le<std::uint64_t>(bytes_, at + 32)};
    }
    if (!inside(directory.offset, directory.size) || directory.count > directory.size / zip::kCentralHeaderSize) {
      return damaged("a directory inside the file",
                     std::to_string(directory.count) + " members in " + std::to_string(directory.size) + " bytes at " +
                         std::to_string(directory.offset) + " of " + std::to_string(bytes_.size()));
    }
    return directory;
  }

  // The entry at *at, which moves behind it.
  absl::StatusOr<ZipMember> parse_entry(std::uint64_t* at, std::uint64_t end) const {
    const std::uint64_t start = *at;
    if (end - start < zip::kCentralHeaderSize || load_le<std::uint32_t>(bytes_, start) != zip::kCentralHeader) {
      return damaged("a directory entry at byte " + std::to_string(start), "something else");
    }
    const std::uint64_t name_size = load_le<std::uint16_t>(bytes_, start + 28);
    const std::uint64_t extra_size = load_le<std::uint16_t>(bytes_, start + 30);
    const std::uint64_t entry_size =
        zip::kCentralHeaderSize + name_size + extra_size + load_le<std::uint16_t>(bytes_, start + 32);
    if (end - start < entry_size) return damaged("a whole directory entry", "one that runs over the directory's end");
    *at = start + entry_size;

    ZipMember member{.name = std::string(as_text(bytes_.subspan(start + zip::kCentralHeaderSize, name_size))),
                     .size = load_le<std::uint32_t>(bytes_, start + 24),
                     .compressed_size = load_le<std::uint32_t>(bytes_, start + 20),
                     .offset = load_le<std::uint32_t>(bytes_, start + 42),
                     .crc = load_le<std::uint32_t>(bytes_, start + 16)};
    MICA_FILE_TRY(widen(bytes_.subspan(start + zip::kCentralHeaderSize + name_size, extra_size), &member));
    MICA_FILE_TRY(set_compression(start, &member));
    MICA_FILE_TRY(find_data(&member));
    return member;
  }

  // Fields that did not fit into 32 bits stand in the zip64 extra record, in this order.
  absl::Status widen(Bytes extra, ZipMember* member) const {
    while (extra.size() >= 4) {
      const auto id = load_le<std::uint16_t>(extra, 0);
      const std::size_t size = load_le<std::uint16_t>(extra, 2);
      if (extra.size() - 4 < size) break;
      if (id == zip::kExtra64) {
        Bytes record = extra.subspan(4, size);
        for (std::uint64_t* field : {&member->size, &member->compressed_size, &member->offset}) {
          if (*field != kMax32) continue;
          if (record.size() < 8) return damaged("64-bit sizes of " + member->name, "a record without them");
          *field = load_le<std::uint64_t>(record, 0);
          record = record.subspan(8);
        }
      }
      extra = extra.subspan(4 + size);
    }
    return absl::OkStatus();
  }

  absl::Status set_compression(std::uint64_t entry, ZipMember* member) const {
    const std::string where = path_ + ":" + member->name;
    if ((load_le<std::uint16_t>(bytes_, entry + 8) & zip::kEncryptedFlag) != 0) {
      return content_error(where, "a member that is not encrypted", "an encrypted one");
    }
    const auto method = load_le<std::uint16_t>(bytes_, entry + 10);
    if (method != zip::kStored && method != zip::kDeflated) {
      return content_error(where, "a stored or deflated member", "compression method " + std::to_string(method));
    }
    member->compression = method == zip::kStored ? Compression::kNone : Compression::kDeflate;
    if (method == zip::kStored && member->size != member->compressed_size) {
      return content_error(where, "equal sizes of a stored member",
                           std::to_string(member->compressed_size) + " and " + std::to_string(member->size) + " bytes");
    }
    return absl::OkStatus();
  }

  // From the offset of the local header to that of the data, which must lie inside the file.
  absl::Status find_data(ZipMember* member) const {
    const std::uint64_t header = member->offset;
    if (!inside(header, zip::kLocalHeaderSize) || load_le<std::uint32_t>(bytes_, header) != zip::kLocalHeader) {
      return damaged("the header of " + member->name + " at byte " + std::to_string(header), "something else");
    }
    const std::uint64_t name_size = load_le<std::uint16_t>(bytes_, header + 26);
    const std::uint64_t extra_size = load_le<std::uint16_t>(bytes_, header + 28);
    member->offset = header + zip::kLocalHeaderSize + name_size + extra_size;
    if (!inside(member->offset, member->compressed_size)) {
      return damaged(std::to_string(member->compressed_size) + " bytes of " + member->name,
                     "a file of " + std::to_string(bytes_.size()) + " bytes");
    }
    if (as_text(bytes_.subspan(header + zip::kLocalHeaderSize, name_size)) != member->name) {
      return damaged("one name for " + member->name, "another one in its own header");
    }
    return absl::OkStatus();
  }

  absl::Status check_names(const std::vector<ZipMember>& members) const {
    absl::flat_hash_set<std::string_view> seen;
    for (const ZipMember& member : members) {
      if (member.name.empty() || member.name.find('\0') != std::string::npos) {
        return damaged("names of members", "an empty one or one with a zero byte");
      }
      if (!seen.insert(member.name).second) return damaged("each member once", member.name + " twice");
    }
    return absl::OkStatus();
  }

  // Members that share bytes let a small file claim any amount of content.
  absl::Status check_no_overlap(const std::vector<ZipMember>& members, std::uint64_t directory) const {
    std::vector<const ZipMember*> by_offset;
    for (const ZipMember& member : members) by_offset.push_back(&member);
    std::sort(by_offset.begin(), by_offset.end(), [](auto* a, auto* b) { return a->offset < b->offset; });
    std::uint64_t end = 0;
    for (const ZipMember* member : by_offset) {
      const std::uint64_t start = member->offset - zip::kLocalHeaderSize - member->name.size();
      if (start < end) return damaged("members one after the other", member->name + " over another member");
      end = member->offset + member->compressed_size;
    }
    if (end > directory) return damaged("members before the directory", "one that overlaps it");
    return absl::OkStatus();
  }

  Bytes bytes_;
  const std::string& path_;
};

}  // namespace

absl::StatusOr<ZipReader> ZipReader::open(std::string_view path) {
  absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  MICA_FILE_TRY(file.status());
  absl::StatusOr<std::vector<ZipMember>> members = DirectoryParser((*file)->bytes(), (*file)->path()).parse();
  MICA_FILE_TRY(members.status());
  return ZipReader(*std::move(file), *std::move(members));
}

const ZipMember* ZipReader::find(std::string_view name) const {
  const auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& m) { return m.name == name; });
  return found == members_.end() ? nullptr : &*found;
}

std::unique_ptr<ByteSource> ZipReader::source(const ZipMember& member) const {
  const Bytes data = file_->bytes().subspan(member.offset, member.compressed_size);
  return std::make_unique<MemberSource>(open_source(data, member.compression, where(member)), member);
}

absl::StatusOr<std::vector<std::byte>> ZipReader::read(const ZipMember& member) const {
  std::unique_ptr<ByteSource> content = source(member);
  absl::StatusOr<std::vector<std::byte>> bytes = read_all(*content);
  MICA_FILE_TRY(bytes.status());
  MICA_FILE_TRY(content->expect_end());
  return bytes;
}

absl::StatusOr<Bytes> ZipReader::stored_bytes(const ZipMember& member) const {
  const Bytes data = file_->bytes().subspan(member.offset, member.compressed_size);
  if (crc_of(0, data) != member.crc) return wrong_checksum(where(member));
  return data;
}

}  // namespace mica::files
