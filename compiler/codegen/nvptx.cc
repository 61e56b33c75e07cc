#include "compiler/codegen/nvptx.h"

#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>

#include <algorithm>
#include <cctype>
#include <mutex>

#include "compiler/codegen/llvm_backend.h"
#include "compiler/codegen/nvptx_hooks.h"
#include "runtime/error.h"

namespace mica::codegen {
namespace {

constexpr const char* kTriple = "nvptx64-nvidia-cuda";

std::unique_ptr<llvm::TargetMachine> make_machine(int sm) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  std::string error;
  const llvm::Target* entry = llvm::TargetRegistry::lookupTarget(kTriple, error);
  MICA_CHECK(entry != nullptr) << error;
  return std::unique_ptr<llvm::TargetMachine>(
      entry->createTargetMachine(kTriple, "sm_" + std::to_string(sm), "", llvm::TargetOptions(), llvm::Reloc::PIC_));
}

// The prefix keeps names of operations apart from the opcodes of PTX, which are reserved words.
std::string entry_name(const loop::Kernel& kernel) {
  std::string name = "mica_" + kernel.name;
  std::replace_if(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

}  // namespace

std::string ptx(const loop::Kernel& scheduled, int sm) {
  LlvmBackend backend(make_machine(sm), std::make_unique<NvptxHooks>());
  return backend.emit(*backend.build(scheduled, entry_name(scheduled)), llvm::CodeGenFileType::AssemblyFile);
}

}  // namespace mica::codegen
