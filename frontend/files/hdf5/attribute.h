// Attributes: small named values of groups and datasets, in the object header or, where there are many, in a heap.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"
#include "frontend/files/hdf5/object_header.h"
#include "runtime/array.h"

namespace mica::files::hdf5 {

// An attribute of a type that Mica does not know hurts nobody who does not read it.
class Attribute {
 public:
  const std::string& name() const { return name_; }
  absl::StatusOr<std::string> read_text() const;  // of a single string
  absl::StatusOr<std::vector<std::string>> read_texts() const;
  absl::StatusOr<rt::Array> read() const;  // numbers

  static absl::StatusOr<Attribute> parse(const Image& image, Bytes body);

 private:
  struct Value;
  Attribute(Image image, std::string name) : image_(std::move(image)), name_(std::move(name)) {}
  absl::StatusOr<Value> value() const;

  Image image_;
  std::string name_;
  Message datatype_;
  Bytes dataspace_, data_;
};

// All attributes of an object, ordered by name.
absl::StatusOr<std::vector<Attribute>> read_attributes(const Image& image, const ObjectHeader& header);

}  // namespace mica::files::hdf5
