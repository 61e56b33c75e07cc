// Datatypes: numbers in every DType, strings of fixed and variable length, and opaque bytes. Others are refused by
// name.
#pragma once
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"
#include "frontend/files/hdf5/object_header.h"
#include "runtime/dtype.h"

namespace mica::files::hdf5 {

struct Datatype {
  enum class Kind { kNumber, kFixedText, kVariableText, kOpaque };
  Kind kind = Kind::kNumber;
  DType dtype = kFloat32;  // of numbers
  bool big_endian = false;
  std::uint64_t bytes = 0;  // of one element in the file

  // What a person calls it: "float32", "strings", "opaque bytes".
  std::string name() const;
};

absl::StatusOr<Datatype> parse_datatype(const Image& image, Bytes body);

// The message's datatype, which may stand in an object of its own (a named datatype).
absl::StatusOr<Datatype> read_datatype(const Image& image, const Message& message);

}  // namespace mica::files::hdf5
