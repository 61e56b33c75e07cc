#include "compiler/codegen/library.h"

namespace mica::codegen {
namespace {

constexpr Library kLibrary = {&compile, &llvm_compilations, &llvm_ir, &assembly, &object_code, &ptx};

}  // namespace
}  // namespace mica::codegen

const mica::codegen::Library* mica_codegen_library() { return &mica::codegen::kLibrary; }
