#include "frontend/files/hdf5/elements.h"

#include <algorithm>

namespace mica::files::hdf5 {

bool is_native(const Datatype& datatype) { return !datatype.big_endian && !datatype.dtype.is_bool(); }

void to_native(const Datatype& datatype, std::span<std::byte> elements) {
  if (datatype.big_endian) swap_elements(elements, static_cast<int>(datatype.bytes));
  if (datatype.dtype.is_bool()) {
    std::ranges::transform(elements, elements.begin(),
                           [](std::byte element) { return element == std::byte{0} ? std::byte{0} : std::byte{1}; });
  }
}

}  // namespace mica::files::hdf5
