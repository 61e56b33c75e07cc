// Chunk indexes: where the chunks of a dataset lie. Five kinds, by age and by how many axes may grow.
#pragma once
#include "absl/status/status.h"
#include "frontend/files/hdf5/chunk_grid.h"
#include "frontend/files/hdf5/image.h"
#include "frontend/files/hdf5/layout.h"

namespace mica::files::hdf5 {

// Calls `visit` for each chunk that was written and lies in the dataset's shape, and no more often than the grid
// has chunks.
// `filtered`: the dataset has filters, so that stored sizes differ.
absl::Status visit_chunks(const Image& image, const Layout& layout, const ChunkGrid& grid, bool filtered,
                          VisitChunk visit);

}  // namespace mica::files::hdf5
