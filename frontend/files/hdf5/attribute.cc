#include "frontend/files/hdf5/attribute.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/files/hdf5/btree_v2.h"
#include "frontend/files/hdf5/dataspace.h"
#include "frontend/files/hdf5/datatype.h"
#include "frontend/files/hdf5/elements.h"
#include "frontend/files/hdf5/fractal_heap.h"
#include "frontend/files/hdf5/text.h"

namespace mica::files::hdf5 {

struct Attribute::Value {
  Datatype datatype;
  Dataspace space;
  Bytes elements;
};

absl::StatusOr<Attribute> Attribute::parse(const Image& image, Bytes body) {
  constexpr int kSharedDatatypeFlag = 1, kSharedDataspaceFlag = 2;
  Cursor cursor(body, image.sizes());
  const int version = cursor.u8(), flags = version == 1 ? (cursor.u8(), 0) : cursor.u8();
  const std::uint16_t name_size = cursor.u16(), datatype_size = cursor.u16(), dataspace_size = cursor.u16();
  if (version == 3) cursor.skip(1);  // character set
  const std::size_t alignment = version == 1 ? 8 : 1;
  const auto part = [&](std::uint16_t size) {
    const Bytes bytes = cursor.take(size);
    cursor.align(alignment);
    return bytes;
  };
  const std::string_view name = as_text(part(name_size));
  Attribute attribute(image, std::string(name.substr(0, name.find('\0'))));
  attribute.datatype_ = {MessageType::kDatatype, (flags & kSharedDatatypeFlag) != 0, part(datatype_size)};
  attribute.dataspace_ = part(dataspace_size);
  attribute.data_ = cursor.rest();
  MICA_FILE_TRY(image.complete(cursor, "attribute"));
  if (version < 1 || version > 3 || (flags & kSharedDataspaceFlag) != 0) {
    return image.refused("attributes of version 1 to 3 with a shape of their own", absl::StrCat("version ", version));
  }
  attribute.image_ = image.named(absl::StrCat(image.where(), "@", attribute.name_));
  return attribute;
}

absl::StatusOr<Attribute::Value> Attribute::value() const {
  MICA_HDF5_LET(datatype, read_datatype(image_, datatype_));
  MICA_HDF5_LET(space, parse_dataspace(image_, dataspace_, datatype.bytes));
  const std::uint64_t bytes = static_cast<std::uint64_t>(space.numel) * datatype.bytes;
  if (bytes > data_.size()) {
    return image_.damaged(absl::StrCat(bytes, " bytes of an attribute"), absl::StrCat(data_.size()));
  }
  return Value{datatype, std::move(space), data_.first(bytes)};
}

absl::StatusOr<std::vector<std::string>> Attribute::read_texts() const {
  MICA_HDF5_LET(value, this->value());
  return hdf5::read_texts(image_, value.datatype, value.elements);
}

absl::StatusOr<std::string> Attribute::read_text() const {
  MICA_HDF5_LET(texts, read_texts());
  if (texts.size() != 1) return image_.refused("one string", absl::StrCat(texts.size()));
  return std::move(texts.front());
}

absl::StatusOr<rt::Array> Attribute::read() const {
  MICA_HDF5_LET(value, this->value());
  if (value.datatype.kind != Datatype::Kind::kNumber) return image_.refused("numbers", value.datatype.name());
  rt::Array array = rt::Array::uninitialized(value.datatype.dtype, value.space.shape);
  const std::span<std::byte> out(array.as<std::byte>(), value.elements.size());
  std::ranges::copy(value.elements, out.begin());
  to_native(value.datatype, out);
  return array;
}

namespace {

absl::Status read_dense(const Image& image, Bytes body, std::vector<Attribute>* attributes) {
  constexpr int kOrderFlag = 1;
  Cursor cursor(body, image.sizes());
  cursor.u8();  // version
  if ((cursor.u8() & kOrderFlag) != 0) cursor.skip(2);
  const std::uint64_t heap_address = cursor.address(), names = cursor.address();
  MICA_FILE_TRY(image.complete(cursor, "attribute information"));
  if (heap_address == kUndefined || names == kUndefined) return absl::OkStatus();
  MICA_HDF5_LET(heap, FractalHeap::open(image, heap_address));
  Budget budget(image);
  return visit_btree_v2(image, names, BtreeV2Kind::kAttributeNames, [&](Bytes record) -> absl::Status {
    constexpr std::size_t kIdSize = 8;
    constexpr int kSharedFlag = 2;
    Cursor fields(record, image.sizes());
    const Bytes id = fields.take(kIdSize);
    const int flags = fields.u8();
    MICA_FILE_TRY(image.complete(fields, "record of an attribute"));
    if ((flags & kSharedFlag) != 0) return image.refused("attributes of one object alone", "a shared attribute");
    MICA_HDF5_LET(message, heap.object(image, id));
    MICA_FILE_TRY(budget.spend(message.size()));
    MICA_HDF5_LET(attribute, Attribute::parse(image, message));
    attributes->push_back(std::move(attribute));
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<std::vector<Attribute>> read_attributes(const Image& image, const ObjectHeader& header) {
  std::vector<Attribute> attributes;
  if (const Message* info = header.find(MessageType::kAttributeInfo)) {
    MICA_FILE_TRY(read_dense(image, info->body, &attributes));
  }
  for (const Message& message : header.messages()) {
    if (message.type != MessageType::kAttribute) continue;
    if (message.shared) return image.refused("attributes of one object alone", "a shared attribute");
    MICA_HDF5_LET(attribute, Attribute::parse(image, message.body));
    attributes.push_back(std::move(attribute));
  }
  std::ranges::sort(attributes, {}, &Attribute::name);
  return attributes;
}

}  // namespace mica::files::hdf5
