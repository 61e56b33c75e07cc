// The functions of this folder as one table. They lie in a library of their own, libmica_codegen, so that LLVM is
// loaded with the first model that is compiled and not with the program (compiler/codegen_library.h).
#pragma once
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/nvptx.h"

namespace mica::codegen {

struct Library {
  decltype(&codegen::compile) compile;
  decltype(&codegen::llvm_compilations) llvm_compilations;
  decltype(&codegen::llvm_ir) llvm_ir;
  decltype(&codegen::assembly) assembly;
  decltype(&codegen::object_code) object_code;
  decltype(&codegen::ptx) ptx;
};

}  // namespace mica::codegen

extern "C" const mica::codegen::Library* mica_codegen_library();
