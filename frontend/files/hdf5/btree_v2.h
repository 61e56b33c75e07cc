// B-trees of version 2: the names of new groups, dense attributes, and chunks along several unlimited axes.
#pragma once
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

enum class BtreeV2Kind : std::uint8_t {
  kHugeObjects = 1,
  kLinkNames = 5,
  kAttributeNames = 8,
  kChunks = 10,
  kFilteredChunks = 11,
};

// Calls `visit` for each record, in order. All records of a tree have one size.
absl::Status visit_btree_v2(const Image& image, std::uint64_t address, BtreeV2Kind kind,
                            absl::FunctionRef<absl::Status(Bytes record)> visit);

}  // namespace mica::files::hdf5
