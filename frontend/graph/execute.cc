#include "frontend/graph/execute.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/backend.h"
#include "frontend/graph/evaluate.h"
#include "frontend/graph/walk.h"

namespace mica::internal {

Executable::Executable(TracedGraph traced, const ExecuteOptions& options)
    : traced_(std::move(traced)), runnable_(compile_graph(*traced_.graph, options)) {}

std::size_t Executable::num_shown() const {
  std::size_t count = 0;
  for (const HookedCall& call : traced_.hooked) count += call.num_inputs + call.num_outputs;
  return count;
}

std::vector<std::string> Executable::output_names() const {
  std::vector<std::string> names;
  for (const ir::Output& output : traced_.graph->outputs()) {
    if (!output.target) names.push_back(output.name);
  }
  names.resize(names.size() - num_shown());
  return names;
}

// The Variables of a run: those that it updates lend their storage, and get it back when the run fails.
class Executable::Loan {
 public:
  explicit Loan(const TracedGraph& traced) : traced_(traced) {
    for (const CellRef& cell : traced_.variables) {
      bool updated = std::find(traced_.updated.begin(), traced_.updated.end(), cell) != traced_.updated.end();
      ValueRef value = cell->value();
      std::uint64_t id = value->variable_id, version = value->variable_version;
      value.reset();  // else the cell would not be the last holder
      values_.push_back({updated ? cell->lend() : cell->array(), id, version});
    }
  }
  ~Loan() {
    for (std::size_t i = 0; i < values_.size(); ++i) traced_.variables[i]->restore(std::move(values_[i].array));
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

  std::span<rt::VariableValue> values() { return values_; }
  void settle(std::vector<rt::Array> updates) {
    for (std::size_t i = 0; i < updates.size(); ++i) traced_.updated[i]->bind_array(std::move(updates[i]));
    values_.clear();
  }

 private:
  const TracedGraph& traced_;
  std::vector<rt::VariableValue> values_;
};

std::vector<rt::Array> Executable::run(std::span<const rt::Array> inputs, std::vector<rt::Array> earlier) const {
  MICA_CHECK(static_cast<int>(inputs.size()) == traced_.num_inputs) << "a run with other inputs than were traced";
  std::vector<rt::Array> operands;
  std::size_t next = 0;
  for (const auto& read : traced_.operands) operands.push_back(read ? read() : inputs[next++]);
  rt::RunResult result{std::move(earlier), {}};
  result.updates.reserve(traced_.updated.size());  // the Program itself allocates nothing
  Loan loan(traced_);
  runnable_->run(operands, loan.values(), result);
  loan.settle(std::move(result.updates));
  const std::size_t num_results = result.results.size() - num_shown();
  call_hooks_after_run(traced_.hooked, std::span(result.results).subspan(num_results));
  result.results.resize(num_results);
  return std::move(result.results);
}

namespace {

void check_concrete(const ValueNode& node) {
  if (node.kind == ValueKind::kPending || node.kind == ValueKind::kComputed) return;
  bool symbolic = node.kind == ValueKind::kSymbolic;
  throw Error({.where = node.name.empty() ? "Tensor" : node.name,
               .expected = "a concrete tensor to read",
               .received = absl::StrCat(symbolic ? "a symbolic one, " : "one of a call that is being traced, ",
                                        describe(node.type)),
               .hint = symbolic ? "It depends on an Input: make a Model of it and call predict."
                                : "Return it from the call and read the result."});
}

}  // namespace

void compute_all(const std::vector<ValueRef>& nodes) {
  auto lock = lock_walks();
  std::vector<ValueRef> asked;
  for (const ValueRef& node : nodes) {
    ValueRef current = current_value(node);
    check_concrete(*current);
    if (current->kind == ValueKind::kPending) asked.push_back(std::move(current));
  }
  if (!asked.empty()) evaluate(std::move(asked));
}

rt::Array compute(const ValueRef& node) {
  ValueRef current = current_value(node);
  auto lock = lock_walks();
  compute_all({current});
  return current->array;
}

}  // namespace mica::internal
