#include "runtime/context.h"

#include "runtime/memory.h"

namespace mica::rt {

Context::Context(const Tables& tables) : tables_(tables) {
  pointers_.resize(tables.abi().num_buffers);
  args_.resize(tables.abi().num_args);
  for (std::uint32_t i = 0; i < pointers_.size(); ++i) {
    if (tables.buffer(i).space == MICA_CONSTANT) set_pointer(i, const_cast<void*>(tables.buffer(i).data));
  }
}

void Context::use(std::shared_ptr<const Binding> binding) {
  if (binding == binding_) return;
  binding_ = nullptr;  // an exception below must not leave a binding without its memory
  const std::int64_t bytes = binding->arena_bytes + binding->scratch_bytes;
  if (bytes > memory_bytes_) {
    memory_bytes_ = 0;
    memory_.reset();
    memory_.reset(static_cast<char*>(allocate_aligned(bytes, tables_.abi().name)));
    memory_bytes_ = bytes;
  }
  library_states_.clear();
  for (const auto& step : binding->library) library_states_.push_back(step == nullptr ? nullptr : step->make_state());
  binding_ = std::move(binding);
  for (std::uint32_t i = 0; i < pointers_.size(); ++i) {
    if (tables_.buffer(i).space == MICA_ARENA) pointers_[i] = memory_.get() + binding_->offsets[i];
  }
}

void Context::resolve() {
  for (const std::uint32_t view : tables_.views()) {
    char* const viewed = pointers_[tables_.buffer(view).link];
    pointers_[view] = viewed == nullptr ? nullptr : viewed + binding_->offsets[view];
  }
  for (std::uint32_t slot = 0; slot < args_.size(); ++slot) args_[slot] = pointers_[tables_.abi().args[slot]];
}

void Context::enter_iteration(const MicaLoop& loop, const LoopPatch& patch, std::int64_t trip, std::int64_t trips) {
  const std::int64_t left = trips - 1 - trip;
  const std::int64_t row = loop.reverse ? left : trip;
  std::uint32_t s = loop.first_slice;
  for (const MicaLoopSlice& slice : tables_.slices_of(loop)) {
    pointers_[slice.buffer] = pointers_[slice.whole] + row * binding_->row_bytes[s++];
  }
  for (const MicaLoopCarry& carry : tables_.carries_of(loop)) {
    char* const last = pointers_[carry.last];
    char* const spare = pointers_[carry.spare];
    pointers_[carry.state] = trip == 0 ? pointers_[carry.initial] : left % 2 == 0 ? spare : last;
    pointers_[carry.next] = left % 2 == 0 ? last : spare;
  }
  for (const std::uint32_t view : patch.views) {
    pointers_[view] = pointers_[tables_.buffer(view).link] + binding_->offsets[view];
  }
  for (const LoopPatch::Slot& slot : patch.slots) args_[slot.slot] = pointers_[slot.buffer];
}

ContextPool::~ContextPool() {
  for (auto& slot : idle_) delete slot.load();
}

ContextPool::Lease ContextPool::acquire() {
  for (auto& slot : idle_) {
    if (slot.load(std::memory_order_relaxed) == nullptr) continue;
    if (Context* const context = slot.exchange(nullptr, std::memory_order_acquire)) return {context, {this}};
  }
  return {new Context(tables_), {this}};
}

void ContextPool::release(Context* context) {
  for (auto& slot : idle_) {
    Context* empty = nullptr;
    if (slot.compare_exchange_strong(empty, context, std::memory_order_release, std::memory_order_relaxed)) return;
  }
  delete context;
}

}  // namespace mica::rt
