#include "runtime/onednn_primitives.h"

#include <atomic>
#include <cstring>

#include "runtime/cpu.h"
#include "runtime/error.h"
#include "runtime/openmp.h"
#include "runtime/parallel.h"

namespace mica::rt::onednn {
namespace {

// The library must not use what MICA_CPU takes away.
void limit_isa() {
  const CpuFeatures& cpu = cpu_features();
  if (cpu.amx_bf16) return;
  dn::set_max_cpu_isa(cpu.avx512_bf16   ? dn::cpu_isa::avx512_core_bf16
                      : cpu.avx512_vnni ? dn::cpu_isa::avx512_core_vnni
                      : cpu.avx512      ? dn::cpu_isa::avx512_core
                      : cpu.avx2_fma    ? dn::cpu_isa::avx2
                                        : dn::cpu_isa::sse41);
}

dnnl_stream_t stream() {
  thread_local const dn::stream instance(engine());
  return instance.get();
}

Type type_of(DType dtype) {
  switch (dtype.kind()) {
    case DType::kFloat32:
      return Type::f32;
    case DType::kFloat16:
      return Type::f16;
    case DType::kBFloat16:
      return Type::bf16;
    case DType::kInt8:
      return Type::s8;
    case DType::kUInt8:
      return Type::u8;
    case DType::kInt32:
      return Type::s32;
    default:
      return Type::undef;
  }
}

// Where an argument lies in one run.
char* address_of(const Argument& argument, void* const* args, void* scratch_memory) {
  void* const base = argument.operand == kScratch ? scratch_memory : args[argument.operand];
  return static_cast<char*>(base) + argument.byte_offset;
}

void run_own_code(const Execution& execution, void* const* args, void* scratch_memory) {
  const auto floats = [&](std::size_t i) {
    return i < execution.arguments.size()
               ? reinterpret_cast<float*>(address_of(execution.arguments[i], args, scratch_memory))
               : nullptr;
  };
  const OwnCode& own = execution.own;
  own.function(floats(0), own.count, floats(1), own.operand_count, own.alpha, own.beta);
}

// The memory objects of one context; only the storage they point to changes from run to run.
class Handles final : public LibraryStep::State {
 public:
  explicit Handles(const std::vector<Phase>& phases) {
    for (const Phase& phase : phases) {
      auto& tasks = calls_.emplace_back();
      for (const Task& task : phase) {
        auto& calls = tasks.emplace_back();
        for (const Execution& execution : task) calls.push_back(call_of(execution));
      }
    }
  }

  void run(const Task& task, std::size_t phase_index, std::size_t task_index, void* const* args, void* scratch_memory) {
    for (std::size_t i = 0; i < task.size(); ++i) {
      if (task[i].own.function != nullptr) {
        run_own_code(task[i], args, scratch_memory);
      } else {
        execute(task[i], calls_[phase_index][task_index][i], args, scratch_memory);
      }
    }
  }

  std::atomic<dnnl_status_t> failure{dnnl_success};

 private:
  struct Call {
    std::vector<dn::memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
  };

  static Call call_of(const Execution& execution) {
    Call call;
    if (execution.own.function != nullptr) return call;
    for (const Argument& argument : execution.arguments) {
      call.memories.emplace_back(argument.desc, engine(), nullptr);
      call.arguments.push_back({argument.id, call.memories.back().get()});
    }
    return call;
  }

  void execute(const Execution& execution, Call& call, void* const* args, void* scratch_memory) {
    for (std::size_t i = 0; i < execution.arguments.size(); ++i) {
      dnnl_memory_set_data_handle(call.arguments[i].memory, address_of(execution.arguments[i], args, scratch_memory));
    }
    const dnnl_status_t status = dnnl_primitive_execute(execution.primitive.get(), stream(),
                                                        static_cast<int>(call.arguments.size()), call.arguments.data());
    if (status != dnnl_success) failure.store(status, std::memory_order_relaxed);
  }

  std::vector<std::vector<std::vector<Call>>> calls_;  // by phase, task and execution
};

}  // namespace

const dn::engine& engine() {
  static const dn::engine instance = [] {
    limit_isa();  // before the library looks at the CPU for the first time
    return dn::engine(dn::engine::kind::cpu, 0);
  }();
  return instance;
}

Desc plain(const View& view) { return {view.dims, type_of(view.dtype), view.strides}; }
Desc any(const View& view) { return {view.dims, type_of(view.dtype), Tag::any}; }
Desc flat(std::int64_t count) { return {{count}, Type::f32, Tag::a}; }

std::string text_of(const Desc& desc) {
  std::string text;
  const auto add = [&](const dn::memory::dims& values) {
    for (const auto value : values) text += std::to_string(value) + ",";
    text += ";";
  };
  add(desc.get_dims());
  add(desc.get_padded_dims());
  add(desc.get_strides());
  add(desc.get_inner_blks());
  add(desc.get_inner_idxs());
  return text + std::to_string(static_cast<int>(desc.get_data_type()));
}

std::unique_ptr<LibraryStep::State> PrimitiveStep::make_state() const { return std::make_unique<Handles>(phases); }

PackedLayout PrimitiveStep::packed_layout() const {
  PackedLayout layout;
  for (const WeightsTile& tile : packed_tiles) {
    layout.bytes = tile.byte_offset + static_cast<std::int64_t>(tile.layout.get_size());
    layout.text += text_of(tile.layout) + "|";
  }
  return layout;
}

void PrimitiveStep::run(State& state, void* const* args, void* scratch_memory) const {
  auto& handles = static_cast<Handles&>(state);
  handles.failure.store(dnnl_success, std::memory_order_relaxed);
  if (cleared.bytes > 0)
    std::memset(cleared.operand == kScratch ? scratch_memory : args[cleared.operand], 0, cleared.bytes);
  for (std::size_t i = 0; i < phases.size(); ++i) {
    parallel_for(static_cast<std::int64_t>(phases[i].size()), 1, [&](std::int64_t begin, std::int64_t end) {
      const OneOpenMpThread one_thread;
      for (auto t = static_cast<std::size_t>(begin); t < static_cast<std::size_t>(end); ++t)
        handles.run(phases[i][t], i, t, args, scratch_memory);
    });
  }
  const dnnl_status_t failure = handles.failure.load(std::memory_order_relaxed);
  MICA_CHECK(failure == dnnl_success) << "oneDNN status " << static_cast<int>(failure) << " while running "
                                      << description;
}

}  // namespace mica::rt::onednn
