#include "frontend/graph/pending.h"

#include <algorithm>
#include <unordered_set>

#include "frontend/graph/apply.h"
#include "frontend/graph/evaluate.h"
#include "frontend/graph/function_scope.h"
#include "frontend/graph/region.h"
#include "frontend/graph/signature.h"
#include "frontend/graph/variable.h"

namespace mica::internal {
namespace {

thread_local bool gradients_wanted = true;

std::uint64_t next_sequence() {
  static std::atomic<std::uint64_t> sequence{0};
  return ++sequence;
}

bool any_requires_grad(const std::vector<ValueRef>& values) {
  return std::any_of(values.begin(), values.end(), [](const ValueRef& value) { return value->requires_grad; });
}

}  // namespace

const std::shared_ptr<PendingCalls>& PendingCalls::of_thread() {
  thread_local auto calls = std::make_shared<PendingCalls>();
  return calls;
}

void PendingCalls::add(Call& call) {
  std::lock_guard lock(mutex_);
  call.earlier = last_;
  (last_ ? last_->later : first_) = &call;
  last_ = &call;
  ++size_;
}

void PendingCalls::remove(Call& call) {
  std::lock_guard lock(mutex_);
  (call.earlier ? call.earlier->later : first_) = call.later;
  (call.later ? call.later->earlier : last_) = call.earlier;
  call.earlier = call.later = nullptr;
  --size_;
}

void PendingCalls::add_binding(const CellRef& cell) {
  std::lock_guard lock(mutex_);
  bindings_.push_back(cell);
}

std::vector<CellRef> PendingCalls::take_bindings() {
  std::lock_guard lock(mutex_);
  std::vector<CellRef> cells;
  std::unordered_set<const VariableCell*> met;
  for (const std::weak_ptr<VariableCell>& binding : bindings_) {
    CellRef cell = binding.lock();
    if (cell && met.insert(cell.get()).second) cells.push_back(std::move(cell));
  }
  bindings_.clear();
  return cells;
}

std::vector<CallRef> PendingCalls::living() const {
  std::lock_guard lock(mutex_);
  std::vector<CallRef> calls;
  calls.reserve(size_);
  for (Call* call = first_; call; call = call->later) {
    if (CallRef living = call->weak_from_this().lock()) calls.push_back(std::move(living));
  }
  return calls;
}

bool grad_enabled() { return gradients_wanted; }
bool set_grad_enabled(bool on) { return std::exchange(gradients_wanted, on); }

Tensors record(const ir::OpDef& op, const Tensors& operands, ir::Attrs attrs, Bodies bodies) {
  const std::shared_ptr<PendingCalls>& pending = PendingCalls::of_thread();
  if (pending->size() >= PendingCalls::kMost) run_pending();
  auto call = std::make_shared<Call>();
  call->op = &op;
  call->inputs.reserve(operands.size());
  for (const Tensor& operand : operands) call->add_input(current_value(operand.node()));
  call->signature = &signature_of(op, std::move(attrs), bodies, call->inputs);
  call->requires_grad = gradients_wanted && call->signature->differentiable && any_requires_grad(call->inputs);
  call->loc = current_place();
  call->region = RegionScope::current();
  call->sequence = next_sequence();
  Tensors results = results_of(call, ValueKind::kPending);
  call->pending = pending;
  pending->add(*call);
  return results;
}

}  // namespace mica::internal
