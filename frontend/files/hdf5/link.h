// Links: the names in a group and what they lead to. A group keeps them in its object header, in a symbol table (the
// default of libhdf5), or in a fractal heap where there are many.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/image.h"
#include "frontend/files/hdf5/object_header.h"

namespace mica::files::hdf5 {

struct Link {
  enum class Kind { kHard, kSoft, kExternal };
  std::string name;
  Kind kind = Kind::kHard;
  std::uint64_t address = kUndefined;  // of a hard link: the object header
  std::string target = {};             // of a soft link: a path in this file
};

// All links of a group, ordered by name; names differ and have no '/'.
absl::StatusOr<std::vector<Link>> read_links(const Image& image, const ObjectHeader& header);

}  // namespace mica::files::hdf5
