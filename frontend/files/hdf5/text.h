// Strings of datasets and attributes: of fixed length beside each other, of variable length in global heaps.
#pragma once
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/datatype.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

// `elements`: whole elements of the datatype, which must be one of strings.
absl::StatusOr<std::vector<std::string>> read_texts(const Image& image, const Datatype& datatype, Bytes elements);

}  // namespace mica::files::hdf5
