// Listings and objects of single kernels.
#include "compiler/codegen/codegen.h"

#include <llvm/Support/raw_ostream.h>

#include "compiler/codegen/llvm_backend.h"

namespace mica::codegen {

std::string llvm_ir(const loop::Kernel& kernel, const CpuTarget& target) {
  LlvmBackend backend(target);
  std::string text;
  llvm::raw_string_ostream stream(text);
  backend.build(kernel, kernel.name)->print(stream, nullptr);
  return text;
}

std::string assembly(const loop::Kernel& kernel, const CpuTarget& target) {
  LlvmBackend backend(target);
  return backend.emit(*backend.build(kernel, kernel.name), llvm::CodeGenFileType::AssemblyFile);
}

std::string object_code(const loop::Kernel& kernel, const std::string& symbol, const CpuTarget& target) {
  LlvmBackend backend(target);
  return backend.emit(*backend.build(kernel, symbol), llvm::CodeGenFileType::ObjectFile);
}

}  // namespace mica::codegen
