// Kernels to addresses in this process: shared by structure, kept on disk, linked by ORC.
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Object/ELFObjectFile.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/llvm_backend.h"
#include "compiler/codegen/object_cache.h"
#include "runtime/error.h"
#include "runtime/parallel.h"

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

// A kernel that has no address yet, and its object once it is found or made.
struct Task {
  const loop::Kernel* kernel;
  std::string key;
  CachedObject object;
};

// The text stands for the kernel: what is found by it needs no LLVM IR.
std::string key_of(const loop::Kernel& kernel, const CpuTarget& target) {
  static const std::string* generator = new std::string(generator_version() + "\n" + host_triple() + "\n");
  return digest(*generator + target.name() + "\n" + kernel.structural_key());
}

void make_objects(std::vector<Task>& tasks, const CpuTarget& target, ObjectCache& cache) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::exception_ptr failure;
  // Each worker has its own LLVM context and target machine, made when the first kernel is not on disk.
  auto work = [&] {
    std::unique_ptr<LlvmBackend> backend;
    for (std::size_t i = next++; i < tasks.size(); i = next++) {
      Task& task = tasks[i];
      if (std::optional<CachedObject> found = cache.find(task.key)) {
        task.object = std::move(*found);
        continue;
      }
      if (!backend) backend = std::make_unique<LlvmBackend>(target);
      task.object.symbol = task.kernel->name + "." + task.key.substr(0, 16);
      std::unique_ptr<llvm::Module> module = backend->build(*task.kernel, task.object.symbol);
      task.object.bytes = backend->emit(*module, llvm::CodeGenFileType::ObjectFile);
      ++num_compilations;
      cache.store(task.key, task.object);
    }
  };
  const auto workers = std::min<std::int64_t>(rt::num_threads(), static_cast<std::int64_t>(tasks.size()));
  rt::parallel_for(workers, 1, [&](std::int64_t begin, std::int64_t end) {
    try {
      for (std::int64_t worker = begin; worker < end; ++worker) work();
    } catch (...) {
      std::lock_guard lock(mutex);
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

// A line a kernel for `perf report` (MICA_PERF_MAP=1).
void write_perf_map(const CachedObject& object, std::uint64_t address) {
  const char* wanted = std::getenv("MICA_PERF_MAP");
  if (wanted == nullptr || std::string_view(wanted) != "1") return;
  auto file = expect(llvm::object::ObjectFile::createELFObjectFile(llvm::MemoryBufferRef(object.bytes, object.symbol),
                                                                   /*InitContent=*/true),
                     "object");
  for (const llvm::object::ELFSymbolRef symbol : llvm::cast<llvm::object::ELFObjectFileBase>(*file).symbols()) {
    if (expect(symbol.getName(), "symbol") != object.symbol) continue;
    std::ofstream map("/tmp/perf-" + std::to_string(getpid()) + ".map", std::ios::app);
    map << std::hex << address << " " << symbol.getSize() << " " << object.symbol << "\n";
  }
}

// All kernels of the process. Requests are served one after the other: of two equal ones the second then finds the
// work of the first.
class KernelTable {
 public:
  static KernelTable& instance() {
    static KernelTable* table = new KernelTable;  // never destroyed: programs may outlive static objects
    return *table;
  }

  std::vector<MicaKernelFn> compile(std::span<const loop::Kernel> kernels, const CpuTarget& target);

 private:
  KernelTable();
  MicaKernelFn link(const CachedObject& object);
  ObjectCache& cache();

  std::mutex mutex_;
  std::unique_ptr<llvm::orc::LLJIT> jit_;
  absl::flat_hash_map<std::string, MicaKernelFn> functions_;  // by key_of()
  std::unique_ptr<ObjectCache> cache_;
};

KernelTable::KernelTable() {
  initialize_llvm();
  jit_ = expect(llvm::orc::LLJITBuilder().create(), "LLJIT");
  // exp and friends, which kernels of double precision call
  auto process =
      llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(jit_->getDataLayout().getGlobalPrefix());
  jit_->getMainJITDylib().addGenerator(expect(std::move(process), "symbols of the process"));
}

std::vector<MicaKernelFn> KernelTable::compile(std::span<const loop::Kernel> kernels, const CpuTarget& target) {
  std::vector<std::string> keys;
  for (const loop::Kernel& kernel : kernels) keys.push_back(key_of(kernel, target));
  std::lock_guard lock(mutex_);
  std::vector<Task> tasks;
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    if (functions_.try_emplace(keys[i], nullptr).second) tasks.push_back({&kernels[i], keys[i], {}});
  }
  try {
    if (!tasks.empty()) make_objects(tasks, target, cache());
    for (const Task& task : tasks) functions_[task.key] = link(task.object);
  } catch (...) {
    absl::erase_if(functions_, [](const auto& entry) { return entry.second == nullptr; });
    throw;
  }
  std::vector<MicaKernelFn> result;
  for (const std::string& key : keys) result.push_back(functions_[key]);
  return result;
}

// The one of the environment as it is now.
ObjectCache& KernelTable::cache() {
  std::filesystem::path folder = ObjectCache::folder_of_environment();
  if (!cache_ || cache_->folder() != folder) cache_ = std::make_unique<ObjectCache>(folder);
  return *cache_;
}

MicaKernelFn KernelTable::link(const CachedObject& object) {
  expect(jit_->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object.bytes, object.symbol)), "object");
  llvm::orc::ExecutorAddr address = expect(jit_->lookup(object.symbol), "kernel");
  write_perf_map(object, address.getValue());
  return address.toPtr<MicaKernelFn>();
}

}  // namespace

std::shared_ptr<const CompiledKernels> compile(std::span<const loop::Kernel> kernels, const CpuTarget& target) {
  auto compiled = std::make_shared<CompiledKernels>();
  compiled->functions = KernelTable::instance().compile(kernels, target);
  return compiled;
}

std::int64_t llvm_compilations() { return num_compilations; }

}  // namespace mica::codegen
