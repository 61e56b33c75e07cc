// The two checksums of HDF5.
#pragma once
#include <cstdint>

#include "frontend/files/bytes.h"

namespace mica::files::hdf5 {

// Of structures: Bob Jenkins' lookup3 with initial value 0.
std::uint32_t metadata_checksum(Bytes bytes);

// Of chunks: Fletcher's, over big-endian 16-bit words.
std::uint32_t fletcher32(Bytes bytes);

}  // namespace mica::files::hdf5
