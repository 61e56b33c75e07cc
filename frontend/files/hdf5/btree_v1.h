// B-trees of version 1: the names of old groups and the chunks of old datasets.
#pragma once
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

enum class BtreeV1Kind : std::uint8_t { kNames = 0, kChunks = 1 };

// Calls `visit` for each entry of the leaves, in order: its key of `key_size` bytes, and the address that it leads to.
absl::Status visit_btree_v1(const Image& image, std::uint64_t address, BtreeV1Kind kind, std::size_t key_size,
                            absl::FunctionRef<absl::Status(Bytes key, std::uint64_t child)> visit);

}  // namespace mica::files::hdf5
