#include "frontend/files/hdf5/datatype.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

enum Class : int {
  kInteger = 0,
  kFloat = 1,
  kText = 3,
  kOpaqueBytes = 5,
  kEnum = 8,
  kVariableLength = 9,
  kClasses = 12,
};
constexpr std::array<const char*, kClasses> kClassNames = {"integers",
                                                           "floats",
                                                           "times",
                                                           "strings",
                                                           "bit fields",
                                                           "opaque bytes",
                                                           "compound elements",
                                                           "object references",
                                                           "enumerations",
                                                           "variable length",
                                                           "arrays",
                                                           "complex numbers"};

// The eight bytes that every datatype begins with.
struct Head {
  int type_class, version;
  std::uint32_t bits, bytes;
};

Head read_head(Cursor* cursor) {
  const int first = cursor->u8();
  const auto bits = static_cast<std::uint32_t>(cursor->number(3));
  return {first & 0xf, first >> 4, bits, cursor->u32()};
}

absl::Status unknown_type(const Image& image, const Head& head) {
  const bool named = head.type_class < kClasses;
  return image.refused(
      "numbers, bools or strings",
      named ? absl::StrCat(kClassNames[static_cast<std::size_t>(head.type_class)], " of ", head.bytes, " bytes")
            : absl::StrCat("a datatype of class ", head.type_class));
}

std::optional<DType> integer_of(std::uint32_t bytes, bool is_signed) {
  switch (bytes) {
    case 1:
      return is_signed ? kInt8 : kUInt8;
    case 2:
      return is_signed ? kInt16 : kUInt16;
    case 4:
      return is_signed ? kInt32 : kUInt32;
    case 8:
      return is_signed ? kInt64 : kUInt64;
    default:
      return std::nullopt;
  }
}

absl::StatusOr<Datatype> parse_integer(const Image& image, const Head& head, Cursor* cursor) {
  constexpr std::uint32_t kBigEndian = 1, kSigned = 1 << 3;
  const std::optional<DType> dtype = integer_of(head.bytes, (head.bits & kSigned) != 0);
  const std::uint32_t offset = cursor->u16(), precision = cursor->u16();
  MICA_FILE_TRY(image.complete(*cursor, "datatype"));
  if (!dtype.has_value() || offset != 0 || precision != 8 * head.bytes) {
    return image.refused("integers of 1, 2, 4 or 8 whole bytes",
                         absl::StrCat(precision, " bits in ", head.bytes, " bytes"));
  }
  return Datatype{Datatype::Kind::kNumber, *dtype, (head.bits & kBigEndian) != 0, head.bytes};
}

// Where the parts of an IEEE number lie; the sign is the highest bit.
struct FloatFormat {
  DType dtype;
  std::uint32_t bytes, exponent_at, exponent_bits, mantissa_bits, bias;
};
constexpr FloatFormat kFloatFormats[] = {{kFloat16, 2, 10, 5, 10, 15},
                                         {kBFloat16, 2, 7, 8, 7, 127},
                                         {kFloat32, 4, 23, 8, 23, 127},
                                         {kFloat64, 8, 52, 11, 52, 1023}};

absl::StatusOr<Datatype> parse_float(const Image& image, const Head& head, Cursor* cursor) {
  constexpr std::uint32_t kBigEndian = 1, kVaxOrder = 1 << 6;
  cursor->skip(2 + 2);  // offset and precision: whole elements
  const std::uint32_t exponent_at = cursor->u8(), exponent_bits = cursor->u8();
  const std::uint32_t mantissa_at = cursor->u8(), mantissa_bits = cursor->u8(), bias = cursor->u32();
  MICA_FILE_TRY(image.complete(*cursor, "datatype"));
  for (const FloatFormat& format : kFloatFormats) {
    if (format.bytes == head.bytes && format.exponent_at == exponent_at && format.exponent_bits == exponent_bits &&
        mantissa_at == 0 && format.mantissa_bits == mantissa_bits && format.bias == bias &&
        (head.bits & kVaxOrder) == 0) {
      return Datatype{Datatype::Kind::kNumber, format.dtype, (head.bits & kBigEndian) != 0, head.bytes};
    }
  }
  return image.refused("float16, bfloat16, float32 or float64",
                       absl::StrCat("floats of ", head.bytes, " bytes with ", exponent_bits, " bits of exponent and ",
                                    mantissa_bits, " of mantissa"));
}

// h5py's bools: an enumeration of two bytes FALSE = 0 and TRUE = 1. Other enumerations are their integers.
absl::StatusOr<Datatype> parse_enum(const Image& image, const Head& head, Cursor* cursor) {
  const Head base = read_head(cursor);
  MICA_FILE_TRY(image.complete(*cursor, "datatype"));
  if (base.type_class != kInteger || base.bytes != head.bytes) return unknown_type(image, head);
  MICA_HDF5_LET(datatype, parse_integer(image, base, cursor));
  constexpr std::uint32_t kMemberCount = 0xffff;
  constexpr std::string_view kFalse = "FALSE", kTrue = "TRUE";
  const std::size_t padding = head.version < 3 ? 8 : 1;
  if ((head.bits & kMemberCount) != 2 || datatype.bytes != 1) return datatype;
  for (const std::string_view name : {kFalse, kTrue}) {
    const std::size_t padded = (name.size() + 1 + padding - 1) / padding * padding;
    const std::string_view found = as_text(cursor->take(padded));
    if (!cursor->ok() || found.substr(0, found.find('\0')) != name) return datatype;
  }
  if (cursor->u16() == 0x0100) datatype.dtype = kBool;  // the values 0 and 1
  return datatype;
}

absl::StatusOr<Datatype> parse_variable_length(const Image& image, const Head& head) {
  constexpr std::uint32_t kTypeBits = 0xf, kString = 1;
  if ((head.bits & kTypeBits) != kString) return unknown_type(image, head);
  const auto expected = static_cast<std::uint32_t>(4 + image.sizes().address + 4);  // length, heap, index in it
  if (head.bytes != expected)
    return image.damaged(absl::StrCat("strings in ", expected, " bytes"), absl::StrCat(head.bytes));
  return Datatype{Datatype::Kind::kVariableText, kUInt8, false, head.bytes};
}

}  // namespace

std::string Datatype::name() const {
  switch (kind) {
    case Kind::kNumber:
      return dtype.name();
    case Kind::kOpaque:
      return "opaque bytes";
    default:
      return "strings";
  }
}

absl::StatusOr<Datatype> parse_datatype(const Image& image, Bytes body) {
  Cursor cursor(body, image.sizes());
  const Head head = read_head(&cursor);
  MICA_FILE_TRY(image.complete(cursor, "datatype"));
  if (head.bytes == 0) return image.damaged("elements of at least one byte", "none");
  switch (head.type_class) {
    case kInteger:
      return parse_integer(image, head, &cursor);
    case kFloat:
      return parse_float(image, head, &cursor);
    case kText:
      return Datatype{Datatype::Kind::kFixedText, kUInt8, false, head.bytes};
    case kOpaqueBytes:
      return Datatype{Datatype::Kind::kOpaque, kUInt8, false, head.bytes};
    case kEnum:
      return parse_enum(image, head, &cursor);
    case kVariableLength:
      return parse_variable_length(image, head);
    default:
      return unknown_type(image, head);
  }
}

absl::StatusOr<Datatype> read_datatype(const Image& image, const Message& message) {
  if (!message.shared) return parse_datatype(image, message.body);
  constexpr int kInOtherHeader = 2;
  Cursor cursor(message.body, image.sizes());
  const int version = cursor.u8(), kind = cursor.u8();
  if (version == 1) cursor.skip(6);  // reserved
  const std::uint64_t address = cursor.address();
  MICA_FILE_TRY(image.complete(cursor, "shared message"));
  if (version >= 3 && kind != kInOtherHeader) return image.refused("a named datatype", "a shared message");
  MICA_HDF5_LET(header, ObjectHeader::read(image, address));
  const Message* datatype = header.find(MessageType::kDatatype);
  if (datatype == nullptr || datatype->shared) return image.damaged("a named datatype", "an object without one");
  return parse_datatype(image, datatype->body);
}

}  // namespace mica::files::hdf5
