// Kernels to addresses in this process: shared by structure, linked by ORC.
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/SHA256.h>

#include <atomic>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/llvm_backend.h"
#include "runtime/error.h"

namespace mica::codegen {
namespace {

template <class T>
T expect(llvm::Expected<T> value, const char* what) {
  MICA_CHECK(static_cast<bool>(value)) << what << ": " << llvm::toString(value.takeError());
  return std::move(*value);
}

void expect(llvm::Error error, const char* what) {
  const bool failed = static_cast<bool>(error);
  MICA_CHECK(!failed) << what << ": " << llvm::toString(std::move(error));
}

std::atomic<std::int64_t> num_compilations = 0;

// All kernels of the process by structural key and target. Requests are served one after the other: the second of two
// equal ones then finds the work of the first.
class KernelTable {
 public:
  static KernelTable& instance() {
    static KernelTable* table = new KernelTable;  // never destroyed: programs may outlive static objects
    return *table;
  }

  std::vector<MicaKernelFn> compile(std::span<const loop::Kernel> kernels, const CpuTarget& target);

 private:
  KernelTable() {
    initialize_llvm();
    jit_ = expect(llvm::orc::LLJITBuilder().create(), "LLJIT");
    // exp and friends, which kernels of double precision call
    auto process =
        llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(jit_->getDataLayout().getGlobalPrefix());
    jit_->getMainJITDylib().addGenerator(expect(std::move(process), "symbols of the process"));
  }

  MicaKernelFn link(const std::string& object, const std::string& symbol);

  std::mutex mutex_;
  std::unique_ptr<llvm::orc::LLJIT> jit_;
  absl::flat_hash_map<std::string, MicaKernelFn> functions_;
};

std::vector<MicaKernelFn> KernelTable::compile(std::span<const loop::Kernel> kernels, const CpuTarget& target) {
  std::lock_guard lock(mutex_);
  std::unique_ptr<LlvmBackend> backend;
  std::vector<MicaKernelFn> result;
  for (const loop::Kernel& kernel : kernels) {
    MicaKernelFn& function = functions_[target.name() + "\n" + kernel.structural_key()];
    if (function == nullptr) {
      if (!backend) backend = std::make_unique<LlvmBackend>(target);
      const std::string symbol = kernel.name + "." + std::to_string(functions_.size());
      function = link(backend->emit(*backend->build(kernel, symbol), llvm::CodeGenFileType::ObjectFile), symbol);
      ++num_compilations;
    }
    result.push_back(function);
  }
  return result;
}

MicaKernelFn KernelTable::link(const std::string& object, const std::string& symbol) {
  expect(jit_->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object, symbol)), "object");
  return expect(jit_->lookup(symbol), "kernel").toPtr<MicaKernelFn>();
}

}  // namespace

std::shared_ptr<const CompiledKernels> compile(std::span<const loop::Kernel> kernels, const CpuTarget& target) {
  auto compiled = std::make_shared<CompiledKernels>();
  compiled->functions = KernelTable::instance().compile(kernels, target);
  return compiled;
}

std::int64_t llvm_compilations() { return num_compilations; }

}  // namespace mica::codegen
