#include "frontend/files/hdf5/object_header.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

constexpr int kSharedFlag = 1 << 1, kMustBeKnownFlag = 1 << 7;
constexpr std::uint16_t kLastKnownType = 0x17;

struct Block {
  std::uint64_t address, size;
};

// Takes the messages of one object header from its blocks.
class HeaderReader {
 public:
  HeaderReader(const Image& image, std::vector<Message>* messages)
      : image_(image), budget_(image), messages_(*messages) {}

  absl::Status read(std::uint64_t address) {
    MICA_HDF5_LET(cursor, image_.cursor_at(address, "object header"));
    const bool is_new = as_text(cursor.take(4)) == "OHDR";
    MICA_FILE_TRY(is_new ? read_new(address) : read_old(address));
    while (!continuations_.empty()) {
      const Block block = continuations_.back();
      continuations_.pop_back();
      MICA_FILE_TRY(is_new ? read_new_continuation(block) : read_old_messages(block));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status read_old(std::uint64_t address) {
    MICA_HDF5_LET(cursor, image_.structure_at(address, "", 1, "object header"));
    cursor.skip(1 + 2 + 4);  // reserved, number of messages, references
    const std::uint64_t size = cursor.u32();
    cursor.align(8);
    MICA_FILE_TRY(image_.complete(cursor, "object header"));
    return read_old_messages({address + cursor.position(), size});
  }

  absl::Status read_old_messages(Block block) {
    constexpr std::size_t kPrefix = 8;
    MICA_HDF5_LET(bytes, image_.at(block.address, block.size, "messages"));
    MICA_FILE_TRY(budget_.spend(bytes.size()));
    Cursor cursor(bytes, image_.sizes());
    while (cursor.rest().size() >= kPrefix) {
      const std::uint16_t type = cursor.u16(), size = cursor.u16();
      const int flags = cursor.u8();
      cursor.skip(3);  // reserved
      MICA_FILE_TRY(add(type, flags, cursor.take(size)));
      MICA_FILE_TRY(image_.complete(cursor, "message"));
    }
    return absl::OkStatus();
  }

  absl::Status read_new(std::uint64_t address) {
    constexpr int kTimesFlag = 1 << 5, kAttributeLimitsFlag = 1 << 4, kWidthOfSize = 3;
    MICA_HDF5_LET(cursor, image_.structure_at(address, "OHDR", 2, "object header"));
    flags_ = cursor.u8();
    if ((flags_ & kTimesFlag) != 0) cursor.skip(4 * 4);
    if ((flags_ & kAttributeLimitsFlag) != 0) cursor.skip(2 + 2);
    const std::uint64_t size = cursor.number(std::size_t{1} << (flags_ & kWidthOfSize));
    MICA_FILE_TRY(image_.complete(cursor, "object header"));
    const std::size_t prefix = cursor.position();
    cursor.skip(size);
    cursor.skip(kChecksumSize);
    MICA_FILE_TRY(image_.complete(cursor, "object header"));
    return read_new_block(address, prefix, cursor.position());
  }

  absl::Status read_new_continuation(Block block) {
    MICA_HDF5_LET(bytes, image_.at(block.address, block.size, "messages"));
    constexpr std::string_view kSignature = "OCHK";
    if (bytes.size() < kSignature.size() + kChecksumSize || as_text(bytes.first(kSignature.size())) != kSignature) {
      return image_.damaged("messages behind 'OCHK'", "other bytes");
    }
    return read_new_block(block.address, kSignature.size(), bytes.size());
  }

  // `size` bytes with `prefix` bytes before the messages and a checksum behind them.
  absl::Status read_new_block(std::uint64_t address, std::size_t prefix, std::size_t size) {
    MICA_HDF5_LET(bytes, image_.at(address, size, "messages"));
    MICA_FILE_TRY(budget_.spend(size));
    MICA_FILE_TRY(image_.verify_checksum(bytes, "an object header"));
    constexpr int kCreationOrderFlag = 1 << 2;
    const std::size_t header = (flags_ & kCreationOrderFlag) != 0 ? 6 : 4;
    Cursor cursor(bytes.subspan(prefix, size - prefix - kChecksumSize), image_.sizes());
    while (cursor.rest().size() >= header) {  // fewer bytes are a gap
      const std::uint16_t type = cursor.u8(), body = cursor.u16();
      const int flags = cursor.u8();
      cursor.skip(header - 4);
      MICA_FILE_TRY(add(type, flags, cursor.take(body)));
      MICA_FILE_TRY(image_.complete(cursor, "message"));
    }
    return absl::OkStatus();
  }

  absl::Status add(std::uint16_t type, int flags, Bytes body) {
    if (type > kLastKnownType && (flags & kMustBeKnownFlag) != 0) {
      return image_.refused("messages of known types", absl::StrCat("type ", type));
    }
    if (static_cast<MessageType>(type) == MessageType::kContinuation) {
      Cursor cursor(body, image_.sizes());
      const std::uint64_t address = cursor.address(), size = cursor.length();
      MICA_FILE_TRY(image_.complete(cursor, "continuation message"));
      continuations_.push_back({address, size});
    } else {
      messages_.push_back({static_cast<MessageType>(type), (flags & kSharedFlag) != 0, body});
    }
    return absl::OkStatus();
  }

  static constexpr std::size_t kChecksumSize = 4;

  const Image& image_;
  Budget budget_;
  std::vector<Message>& messages_;
  std::vector<Block> continuations_;
  int flags_ = 0;
};

}  // namespace

absl::StatusOr<ObjectHeader> ObjectHeader::read(const Image& image, std::uint64_t address) {
  ObjectHeader header;
  MICA_FILE_TRY(HeaderReader(image, &header.messages_).read(address));
  return header;
}

const Message* ObjectHeader::find(MessageType type) const {
  const auto found = std::ranges::find(messages_, type, &Message::type);
  return found == messages_.end() ? nullptr : &*found;
}

bool ObjectHeader::is_group() const {
  return find(MessageType::kSymbolTable) != nullptr || find(MessageType::kLinkInfo) != nullptr ||
         find(MessageType::kLink) != nullptr;
}

}  // namespace mica::files::hdf5
