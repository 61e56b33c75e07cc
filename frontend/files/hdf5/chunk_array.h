// Arrays as chunk indexes of new files: fixed ones where no axis grows without end, extensible ones where one does.
#pragma once
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "frontend/files/hdf5/image.h"

namespace mica::files::hdf5 {

using VisitElement = absl::FunctionRef<absl::Status(std::uint64_t number, Bytes element)>;

// Calls `visit` for each element that is stored, in order.
absl::Status visit_fixed_array(const Image& image, std::uint64_t address, VisitElement visit);
absl::Status visit_extensible_array(const Image& image, std::uint64_t address, VisitElement visit);

}  // namespace mica::files::hdf5
