// Any bytes as an HDF5 file. Checksums are not compared, or nothing behind them would ever be reached.
#include <cstdint>

#include "frontend/files/hdf5/file.h"

namespace {

using namespace mica::files;

void read(const hdf5::Dataset& dataset) {
  (void)(dataset.dtype().ok() ? dataset.read().status() : dataset.read_texts().status());
  for (const hdf5::Attribute& attribute : dataset.attributes()) {
    (void)attribute.read();
    (void)attribute.read_texts();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto file = hdf5::File::open(bytes, nullptr, "input", hdf5::Checksums::kIgnore);
  if (!file.ok()) return 0;
  for (const hdf5::Link& link : file->root().links()) {
    if (const auto dataset = file->root().dataset(link.name); dataset.ok()) read(*dataset);
  }
  const auto datasets = file->datasets();
  if (!datasets.ok()) return 0;
  for (const hdf5::Dataset& dataset : *datasets) read(dataset);
  return 0;
}
