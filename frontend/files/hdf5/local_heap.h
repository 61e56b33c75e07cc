// Local heaps: the names of an old group.
#pragma once
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

class LocalHeap {
 public:
  static absl::StatusOr<LocalHeap> open(const Image& image, std::uint64_t address);

  // The text at `offset`, which ends with a zero byte.
  absl::StatusOr<std::string> text(const Image& image, std::uint64_t offset) const;

 private:
  explicit LocalHeap(Bytes data) : data_(data) {}

  Bytes data_;
};

}  // namespace mica::files::hdf5
