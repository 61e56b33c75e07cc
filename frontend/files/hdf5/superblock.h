// The superblock: the first bytes of an HDF5 file, of versions 0 and 1 (libhdf5's default), 2 and 3.
#pragma once
#include <cstdint>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

struct Superblock {
  Image image;             // knows the sizes of fields and the base address
  std::uint64_t root = 0;  // address of the root group's object header
};

absl::StatusOr<Superblock> read_superblock(const Image& file);

}  // namespace mica::files::hdf5
