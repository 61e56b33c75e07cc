// Elements of numbers, from how a file stores them to how an Array holds them.
#pragma once
#include <span>

#include "frontend/files/bytes.h"
#include "frontend/files/hdf5/datatype.h"

namespace mica::files::hdf5 {

// Whether the bytes of the file can be used as they are: bools other than 0 and 1 would be undefined in C++.
bool is_native(const Datatype& datatype);

// Turns `elements`, as the file stores them, into what an Array holds.
void to_native(const Datatype& datatype, std::span<std::byte> elements);

}  // namespace mica::files::hdf5
