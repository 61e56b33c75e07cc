// Fractal heaps: links and attributes of objects that have many.
#pragma once
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

class FractalHeap {
 public:
  static absl::StatusOr<FractalHeap> open(const Image& image, std::uint64_t address);

  // What an identifier of the heap leads to.
  absl::StatusOr<Bytes> object(const Image& image, Bytes id) const;

 private:
  friend class HeapReader;
  struct Block {
    std::uint64_t start;  // in the heap's own space of offsets
    Bytes bytes;
  };

  absl::StatusOr<Bytes> managed_object(const Image& image, Bytes id) const;
  absl::StatusOr<Bytes> huge_object(const Image& image, Bytes id) const;

  std::vector<Block> blocks_;  // by start
  std::size_t offset_width_ = 0, length_width_ = 0, id_size_ = 0;
  std::uint64_t huge_objects_ = kUndefined;  // address of their B-tree
};

}  // namespace mica::files::hdf5
