#include "compiler/codegen/llvm_backend.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/Transforms/InstCombine/InstCombine.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

#include <mutex>

#include "compiler/codegen/cpu_hooks.h"
#include "compiler/codegen/emit_llvm.h"
#include "runtime/error.h"

namespace mica::codegen {
namespace {

std::unique_ptr<llvm::TargetMachine> make_machine(const CpuTarget& target) {
  initialize_llvm();
  const std::string triple = host_triple();
  std::string error;
  const llvm::Target* entry = llvm::TargetRegistry::lookupTarget(triple, error);
  MICA_CHECK(entry != nullptr) << error;
  return std::unique_ptr<llvm::TargetMachine>(
      entry->createTargetMachine(triple, target.name(), "", llvm::TargetOptions(), llvm::Reloc::PIC_,
                                 llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

}  // namespace

void initialize_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
  });
}

std::string host_triple() { return llvm::sys::getDefaultTargetTriple(); }

LlvmBackend::LlvmBackend(const CpuTarget& target)
    : LlvmBackend(make_machine(target), std::make_unique<CpuHooks>(target)) {}

LlvmBackend::LlvmBackend(std::unique_ptr<llvm::TargetMachine> machine, std::unique_ptr<TargetHooks> hooks)
    : machine_(std::move(machine)), hooks_(std::move(hooks)) {}

std::unique_ptr<llvm::Module> LlvmBackend::build(const loop::Kernel& kernel, const std::string& symbol) {
  auto module = std::make_unique<llvm::Module>(kernel.name, context_);
  module->setTargetTriple(machine_->getTargetTriple().str());
  module->setDataLayout(machine_->createDataLayout());
  KernelEmitter(*module, *hooks_).emit(kernel, symbol);
  std::string problems;
  llvm::raw_string_ostream stream(problems);
  MICA_CHECK(!llvm::verifyModule(*module, &stream)) << "LLVM IR of " << kernel.name << ": " << problems;
  optimize(*module);
  return module;
}

// Short, because the emitter writes what it means: locals to registers, duplicates and invariants away. Loops are
// neither vectorised nor unrolled here.
void LlvmBackend::optimize(llvm::Module& module) {
  llvm::LoopAnalysisManager loop_analyses;
  llvm::FunctionAnalysisManager function_analyses;
  llvm::CGSCCAnalysisManager call_graph_analyses;
  llvm::ModuleAnalysisManager module_analyses;
  llvm::PassBuilder builder(machine_.get());
  builder.registerModuleAnalyses(module_analyses);
  builder.registerCGSCCAnalyses(call_graph_analyses);
  builder.registerFunctionAnalyses(function_analyses);
  builder.registerLoopAnalyses(loop_analyses);
  builder.crossRegisterProxies(loop_analyses, function_analyses, call_graph_analyses, module_analyses);

  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true));
  for (llvm::Function& function : module) {
    if (!function.isDeclaration()) passes.run(function, function_analyses);
  }
}

std::string LlvmBackend::emit(llvm::Module& module, llvm::CodeGenFileType type) {
  llvm::SmallString<4096> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  const bool unsupported = machine_->addPassesToEmitFile(passes, stream, nullptr, type);
  MICA_CHECK(!unsupported) << "the target cannot emit files";
  passes.run(module);
  return bytes.str().str();
}

}  // namespace mica::codegen
