#include "frontend/files/hdf5/local_heap.h"

namespace mica::files::hdf5 {

absl::StatusOr<LocalHeap> LocalHeap::open(const Image& image, std::uint64_t address) {
  MICA_HDF5_LET(cursor, image.structure_at(address, "HEAP", 0, "local heap"));
  cursor.skip(3);  // reserved
  const std::uint64_t size = cursor.length();
  cursor.length();  // free space
  const std::uint64_t data_address = cursor.address();
  MICA_FILE_TRY(image.complete(cursor, "local heap"));
  MICA_HDF5_LET(data, image.at(data_address, size, "names"));
  return LocalHeap(data);
}

absl::StatusOr<std::string> LocalHeap::text(const Image& image, std::uint64_t offset) const {
  if (offset < data_.size()) {
    const std::string_view rest = as_text(data_.subspan(offset));
    if (const std::size_t end = rest.find('\0'); end != std::string_view::npos) return std::string(rest.substr(0, end));
  }
  return image.damaged("a name inside the heap of names",
                       "an offset of " + std::to_string(offset) + " in " + std::to_string(data_.size()) + " bytes");
}

}  // namespace mica::files::hdf5
