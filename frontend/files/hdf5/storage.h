// Storage: everything that a dataset's header says about its elements, checked against each other and the file.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/hdf5/chunk_grid.h"
#include "frontend/files/hdf5/dataspace.h"
#include "frontend/files/hdf5/datatype.h"
#include "frontend/files/hdf5/filters.h"
#include "frontend/files/hdf5/image.h"
#include "frontend/files/hdf5/layout.h"
#include "frontend/files/hdf5/object_header.h"

namespace mica::files::hdf5 {

struct Storage {
  Datatype datatype;
  Dataspace space;
  Layout layout;
  std::vector<Filter> filters;
  Bytes fill;                     // of elements that were never written; empty: zeros
  std::optional<Bytes> elements;  // where they lie beside each other
  std::optional<ChunkGrid> grid;  // where they lie in chunks

  std::uint64_t bytes() const { return static_cast<std::uint64_t>(space.numel) * datatype.bytes; }
};

absl::StatusOr<Storage> read_storage(const Image& image, const ObjectHeader& header);

// Fills `out`, of storage.bytes() bytes, with the elements as the file has them.
absl::Status read_elements(const Image& image, const Storage& storage, std::span<std::byte> out);

}  // namespace mica::files::hdf5
