#include "frontend/graph/evaluate.h"

#include <unordered_map>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "frontend/graph/backend.h"
#include "frontend/graph/pending.h"
#include "frontend/graph/variable.h"
#include "frontend/graph/walk.h"
#include "frontend/graph/workload.h"

namespace mica::internal {
namespace {

// Programs by the structure of their graph, for one device and precision.
using Programs = absl::flat_hash_map<Workload::Key, std::shared_ptr<const Runnable>>;

int compiled = 0;

// Under the lock of walks, like all of this file.
std::shared_ptr<const Runnable> program_of(const Workload& workload) {
  static auto* known = new std::unordered_map<std::string, Programs>();
  std::shared_ptr<const Runnable>& program =
      (*known)[absl::StrCat(default_device().name(), ";", default_precision())][workload.key()];
  if (!program) {
    program = compile_graph(*workload.graph());
    ++compiled;
  }
  return program;
}

// The arrays of a run. Variables that are replaced, and that nobody else will read, lend their storage; they get it
// back when the run fails.
class Operands {
 public:
  explicit Operands(const Workload& workload) : workload_(workload) {
    std::vector<bool> lent = lent_operands();
    for (std::size_t i = 0; i < lent.size(); ++i) {
      ValueNode& node = *workload.operands()[i];
      rt::Array array = lent[i] ? std::move(node.array) : node.array;
      if (node.variable_id == 0) {
        inputs_.push_back(std::move(array));
        continue;
      }
      if (lent[i]) lent_.emplace_back(&node, variables_.size());
      variables_.push_back({std::move(array), node.variable_id, node.variable_version});
    }
  }
  ~Operands() {
    for (auto& [node, number] : lent_) node->array = std::move(variables_[number].array);
  }
  Operands(const Operands&) = delete;
  Operands& operator=(const Operands&) = delete;

  rt::RunResult run(const Runnable& program) {
    rt::RunResult result;
    program.run(inputs_, variables_, result);
    lent_.clear();
    return result;
  }

 private:
  std::vector<bool> lent_operands() const {
    std::vector<bool> lent(workload_.operands().size(), false);
    bool any = false;
    for (int replaced : workload_.replaced()) any = any || replaced >= 0;
    if (!any) return lent;
    std::vector<bool> released = workload_.released();
    for (int replaced : workload_.replaced()) {
      if (replaced < 0) continue;
      auto operand = static_cast<std::size_t>(replaced);
      lent[operand] = released[operand];
    }
    return lent;
  }

  const Workload& workload_;
  std::vector<rt::Array> inputs_;
  std::vector<rt::VariableValue> variables_;
  std::vector<std::pair<ValueNode*, std::size_t>> lent_;
};

// Results and updates in the order of the workload's results.
std::vector<rt::Array> in_order(const Workload& workload, rt::RunResult run) {
  std::vector<rt::Array> arrays;
  std::size_t next_result = 0, next_update = 0;
  for (int replaced : workload.replaced()) {
    arrays.push_back(std::move(replaced < 0 ? run.results[next_result++] : run.updates[next_update++]));
  }
  return arrays;
}

void run(Workload& workload) {
  rt::RunResult result;
  try {
    result = Operands(workload).run(*program_of(workload));
  } catch (const Error& error) {
    throw Error(workload.name_calls(error.what()));
  }
  workload.settle(in_order(workload, std::move(result)));
}

// The Variables that this thread has bound to pending values. They stay bound to them when the run fails.
class Bindings {
 public:
  explicit Bindings(PendingCalls& pending) : pending_(pending), cells_(pending.take_bindings()) {}
  ~Bindings() {
    for (const CellRef& cell : cells_) pending_.add_binding(cell);
  }
  Bindings(const Bindings&) = delete;
  Bindings& operator=(const Bindings&) = delete;
  const std::vector<CellRef>& cells() const { return cells_; }
  void done() { cells_.clear(); }

 private:
  PendingCalls& pending_;
  std::vector<CellRef> cells_;
};

}  // namespace

void evaluate(std::vector<ValueRef> asked) {
  auto lock = lock_walks();
  const std::shared_ptr<PendingCalls>& pending = PendingCalls::of_thread();
  Bindings bindings(*pending);
  Workload workload(asked, bindings.cells(), *pending);
  asked.clear();
  if (!workload.empty()) run(workload);
  bindings.done();
}

void run_bindings() { evaluate({}); }

void run_pending() {
  auto lock = lock_walks();
  std::vector<ValueRef> held;
  for (const CallRef& call : PendingCalls::of_thread()->living()) {
    for (const std::weak_ptr<ValueNode>& weak : call->results) {
      ValueRef value = weak.lock();
      if (value && value->kind == ValueKind::kPending && value.use_count() - 1 > value->uses.get())
        held.push_back(std::move(value));
    }
  }
  evaluate(std::move(held));
}

int num_lazy_programs() {
  auto lock = lock_walks();
  return compiled;
}

}  // namespace mica::internal
