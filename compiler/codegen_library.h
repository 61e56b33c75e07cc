// The door to compiler/codegen: loads its library, and LLVM with it, when machine code is needed for the first time.
#pragma once
#include "compiler/codegen/library.h"

namespace mica {

// Throws mica::Error when libmica_codegen does not lie beside this library or cannot be loaded (LLVM is absent).
const codegen::Library& codegen_library();

}  // namespace mica
