#include "runtime/executor.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>

#include "runtime/parallel.h"

namespace mica::rt {
namespace {

constexpr std::int64_t kCopyGrain = 1 << 16;  // bytes that are worth a thread

constexpr const char* kKindNames[] = {"kernel", "library", "copy", "loop"};

struct KernelCall {
  MicaKernelFn kernel;
  void* const* args;
  const std::int64_t* dims;
};

bool failed(const MicaErrorWord& word) { return word.step != 0; }

// A piece of a kernel that may fail writes into a word of its own; the failure with the smallest position wins, on any
// number of threads.
class FailingKernel {
 public:
  FailingKernel(const KernelCall& call, std::uint32_t num_args) : call_(call), num_args_(num_args) {}

  void operator()(std::int64_t begin, std::int64_t end) {
    std::array<void*, 64> args;
    std::copy_n(call_.args, num_args_, args.begin());
    MicaErrorWord word = {};
    args[num_args_] = &word;
    call_.kernel(args.data(), call_.dims, begin, end);
    if (failed(word)) report(word);
  }
  const MicaErrorWord& first() const { return first_; }

 private:
  void report(const MicaErrorWord& word) {
    while (busy_.test_and_set(std::memory_order_acquire)) {
    }
    if (!failed(first_) || word.position < first_.position) first_ = word;
    busy_.clear(std::memory_order_release);
  }

  const KernelCall& call_;
  std::uint32_t num_args_;
  std::atomic_flag busy_;
  MicaErrorWord first_ = {};
};

class Executor {
 public:
  explicit Executor(Context& context) : context_(context), tables_(context.tables()), binding_(*context.binding()) {}

  void run(const MicaStep& step, std::uint32_t number) {
    switch (step.kind) {
      case MICA_KERNEL:
        run_kernel(step, number);
        break;
      case MICA_LIBRARY:
        binding_.library[number]->run(context_.library_state(number), context_.args(step), context_.scratch());
        break;
      case MICA_COPY:
        copy(tables_.args_of(step)[0], tables_.args_of(step)[1]);
        break;
      default:
        run_loop(step);
    }
  }

 private:
  void run_kernel(const MicaStep& step, std::uint32_t number) {
    const std::int64_t extent = binding_.dims[step.extent];
    const KernelCall call{tables_.abi().kernels[step.callee], context_.args(step),
                          binding_.step_dims.data() + step.first_dim};
    if (!step.has_error_word) {
      parallel_for(extent, step.grain,
                   [&call](std::int64_t begin, std::int64_t end) { call.kernel(call.args, call.dims, begin, end); });
      return;
    }
    FailingKernel failing(call, step.num_args);
    parallel_for(extent, step.grain, failing);
    if (failed(failing.first()) && !failed(context_.error)) {
      context_.error = failing.first();
      context_.error.step = std::int64_t{number} + 1;
    }
  }

  void copy(std::uint32_t source, std::uint32_t target) {
    const char* const from = context_.pointer(source);
    char* const to = context_.pointer(target);
    parallel_for(binding_.bytes[target], kCopyGrain, [=](std::int64_t begin, std::int64_t end) {
      std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
    });
  }

  void run_loop(const MicaStep& step) {
    const MicaLoop& loop = tables_.abi().loops[step.callee];
    const LoopPatch& patch = tables_.loop_patch(step.callee);
    const std::uint32_t first_number = tables_.loop_steps().first_number + loop.first_step;
    const std::int64_t trips = binding_.dims[loop.trip_count];
    if (trips == 0) {
      for (const MicaLoopCarry& carry : tables_.carries_of(loop)) copy(carry.initial, carry.last);
    }
    for (std::int64_t trip = 0; trip < trips; ++trip) {
      context_.enter_iteration(loop, patch, trip, trips);
      for (std::uint32_t i = 0; i < loop.num_steps; ++i) run(tables_.step(first_number + i), first_number + i);
    }
  }

  Context& context_;
  const Tables& tables_;
  const Binding& binding_;
};

}  // namespace

void run_steps(Context& context, StepRange range, std::vector<StepTime>* times) {
  using Clock = std::chrono::steady_clock;
  Executor executor(context);
  std::uint32_t number = range.first_number;
  for (const MicaStep& step : range.steps) {
    // A failed run goes no further: what it would overwrite is still whole.
    if (failed(context.error)) return;
    if (times == nullptr) {
      executor.run(step, number++);
      continue;
    }
    const Clock::time_point start = Clock::now();
    executor.run(step, number++);
    const std::chrono::duration<double, std::micro> elapsed = Clock::now() - start;
    times->push_back({.step = step.name == nullptr ? "" : step.name,
                      .layer = step.layer == nullptr ? "" : step.layer,
                      .kind = kKindNames[step.kind],
                      .microseconds = elapsed.count()});
  }
}

}  // namespace mica::rt
