// PendingCalls: the calls of lazy code that have not run yet, one list a thread, in the order of recording; and the
// recording of a call. What runs them is evaluate.h.
#pragma once
#include <memory>
#include <mutex>
#include <vector>

#include "frontend/graph/value.h"

namespace mica::internal {

class PendingCalls {
 public:
  // So many calls are recorded before they run unasked.
  static constexpr std::size_t kMost = 10'000;

  // Those of this thread.
  static const std::shared_ptr<PendingCalls>& of_thread();

  void add(Call& call);
  void remove(Call& call);
  std::size_t size() const { return size_; }
  // Variables that were bound to pending values, in order of binding.
  void add_binding(const CellRef& cell);
  std::vector<CellRef> take_bindings();
  std::vector<CallRef> living() const;

 private:
  mutable std::mutex mutex_;
  Call *first_ = nullptr, *last_ = nullptr;
  std::size_t size_ = 0;
  std::vector<std::weak_ptr<VariableCell>> bindings_;
};

// A call of an operation on concrete values, whose results are pending.
Tensors record(const ir::OpDef& op, const Tensors& operands, ir::Attrs attrs, Bodies bodies);

// Whether what this thread records may be differentiated: false under no_grad.
bool grad_enabled();
bool set_grad_enabled(bool on);  // returns what it was

}  // namespace mica::internal
