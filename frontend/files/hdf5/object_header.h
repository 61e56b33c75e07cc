// Object headers (versions 1 and 2): the list of messages that makes a group, a dataset or a named datatype.
#pragma once
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

enum class MessageType : std::uint16_t {
  kDataspace = 0x01,
  kLinkInfo = 0x02,
  kDatatype = 0x03,
  kOldFillValue = 0x04,
  kFillValue = 0x05,
  kLink = 0x06,
  kExternalFiles = 0x07,
  kLayout = 0x08,
  kFilters = 0x0b,
  kAttribute = 0x0c,
  kContinuation = 0x10,
  kSymbolTable = 0x11,
  kAttributeInfo = 0x15,
};

struct Message {
  MessageType type;
  bool shared = false;  // the body says where the message really is
  Bytes body;
};

class ObjectHeader {
 public:
  // Messages of all its blocks; no two of the file's bytes are read twice.
  static absl::StatusOr<ObjectHeader> read(const Image& image, std::uint64_t address);

  const std::vector<Message>& messages() const { return messages_; }
  const Message* find(MessageType type) const;  // the first one; null when there is none
  bool is_group() const;

 private:
  std::vector<Message> messages_;
};

}  // namespace mica::files::hdf5
