// Context: what one run at a time needs: memory, the pointers of buffers and arguments, library states, the error word.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "runtime/binding.h"
#include "runtime/init_cache.h"
#include "runtime/tables.h"

namespace mica::rt {

class Context {
 public:
  explicit Context(const Tables& tables);

  // Makes room for runs of `binding`. Nothing is allocated while the binding stays the same.
  void use(std::shared_ptr<const Binding> binding);

  const Tables& tables() const { return tables_; }
  const Binding* binding() const { return binding_.get(); }

  void set_pointer(std::uint32_t buffer, void* data) { pointers_[buffer] = static_cast<char*>(data); }
  char* pointer(std::uint32_t buffer) const { return pointers_[buffer]; }
  // After the pointers of operands and results are set: computes those of views and fills the arguments of all steps.
  void resolve();
  // Points the slices and states of a loop to where iteration `trip` of `trips` finds them, and all that depends on
  // them.
  void enter_iteration(const MicaLoop& loop, const LoopPatch& patch, std::int64_t trip, std::int64_t trips);

  void* const* args(const MicaStep& step) const { return args_.data() + step.first_arg; }
  void* scratch() const { return memory_.get() + binding_->arena_bytes; }
  LibraryStep::State& library_state(std::uint32_t step) { return *library_states_[step]; }

  MicaErrorWord error = {};
  std::vector<std::int64_t> symbols;            // of the run at hand
  std::shared_ptr<const InitState> init_state;  // of the last run

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  const Tables& tables_;
  std::shared_ptr<const Binding> binding_;
  std::unique_ptr<char, Free> memory_;  // arena, then scratch of library steps
  std::int64_t memory_bytes_ = 0;
  std::vector<char*> pointers_;  // of buffers
  std::vector<void*> args_;      // of MicaProgram::args
  std::vector<std::unique_ptr<LibraryStep::State>> library_states_;
};

// Idle contexts. acquire() makes one when none is idle; neither takes a lock.
class ContextPool {
 public:
  explicit ContextPool(const Tables& tables) : tables_(tables) {}
  ~ContextPool();
  ContextPool(const ContextPool&) = delete;
  ContextPool& operator=(const ContextPool&) = delete;

  struct Release {
    ContextPool* pool;
    void operator()(Context* context) const { pool->release(context); }
  };
  using Lease = std::unique_ptr<Context, Release>;
  Lease acquire();

 private:
  void release(Context* context);
  const Tables& tables_;
  std::array<std::atomic<Context*>, 16> idle_{};
};

}  // namespace mica::rt
