#include "frontend/graph/execute.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/backend.h"

namespace mica::internal {

Executable::Executable(TracedGraph traced, const ExecuteOptions& options)
    : traced_(std::move(traced)), runnable_(compile_graph(*traced_.graph, options)) {}

std::vector<std::string> Executable::output_names() const {
  std::vector<std::string> names;
  for (const ir::Output& output : traced_.graph->outputs()) {
    if (!output.target) names.push_back(output.name);
  }
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

std::vector<rt::Array> Executable::run(std::span<const rt::Array> inputs) const {
  MICA_CHECK(static_cast<int>(inputs.size()) == traced_.num_inputs) << "a run with other inputs than were traced";
  std::vector<rt::Array> operands;
  std::size_t next = 0;
  for (const auto& read : traced_.operands) operands.push_back(read ? read() : inputs[next++]);
  Loan loan(traced_);
  rt::RunResult result = runnable_->run(operands, loan.values());
  loan.settle(std::move(result.updates));
  return std::move(result.results);
}

namespace {

// The pending values below some roots, as one graph.
class PendingGraph {
 public:
  explicit PendingGraph(const std::vector<ValueRef>& roots) {
    for (const ValueRef& root : roots) visit(root);
    for (const CallRef& call : calls_) emit(*call);
    for (const ValueRef& root : roots) want(root);
    for (const CallRef& call : calls_) want_held_results(*call);
  }

  void run() {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      graph_.add_output(values_.at(key(*wanted_[i])), absl::StrCat("value", i));
    }
    rt::RunResult result = compile_graph(graph_)->run(inputs_, variables_);
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      ValueNode& node = *wanted_[i];
      node.array = std::move(result.results[i]);
      node.kind = ValueKind::kComputed;
      node.producer.reset();
    }
  }

 private:
  using Key = std::pair<const void*, int>;
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return std::hash<const void*>()(key.first) * 31 + static_cast<std::size_t>(key.second);
    }
  };
  static Key key(const ValueNode& node) {
    return node.kind == ValueKind::kPending ? Key{node.producer.get(), node.result} : Key{&node, 0};
  }

  // Calls in an order in which operands stand before users, without recursion.
  void visit(const ValueRef& root) {
    std::vector<std::pair<CallRef, std::size_t>> stack;
    auto enter = [&](const ValueRef& value) {
      if (value->kind != ValueKind::kPending) return;
      ++references_[value.get()];
      if (entered_.insert(value->producer.get()).second) stack.emplace_back(value->producer, 0);
    };
    enter(root);
    while (!stack.empty()) {
      auto& [call, next] = stack.back();
      if (next < call->inputs.size()) {
        ValueRef input = call->inputs[next++];
        enter(input);
      } else {
        calls_.push_back(call);
        stack.pop_back();
      }
    }
  }

  ir::Value operand(const ValueRef& node) {
    auto [it, is_new] = values_.try_emplace(key(*node));
    if (!is_new) return it->second;
    if (node->variable_id != 0) {
      it->second = graph_.variable(node->type, absl::StrCat("v", variables_.size()));
      variables_.push_back({node->array, node->variable_id, node->variable_version});
    } else {
      it->second = graph_.input(node->type, absl::StrCat("x", inputs_.size()));
      inputs_.push_back(node->array);
    }
    return it->second;
  }

  void emit(const Call& call) {
    ir::Values operands;
    for (const ValueRef& input : call.inputs) operands.push_back(operand(input));
    graph_.set_loc(call.loc);
    ir::Node* node = graph_.add(*call.op, std::move(operands), call.attrs, clones_of(call.bodies));
    for (int i = 0; i < node->num_results(); ++i) values_[{&call, i}] = node->result(i);
  }

  void want(const ValueRef& node) {
    if (wanted_set_.insert(node.get()).second) wanted_.push_back(node);
  }

  // Results that somebody else still holds: computing them again later would repeat the work.
  void want_held_results(const Call& call) {
    for (const std::weak_ptr<ValueNode>& weak : call.results) {
      ValueRef node = weak.lock();
      if (!node) continue;
      auto it = references_.find(node.get());
      long known = it == references_.end() ? 0 : it->second;
      if (node.use_count() - 1 > known) want(node);
    }
  }

  ir::Graph graph_;
  std::vector<CallRef> calls_;
  std::unordered_set<const Call*> entered_;
  std::unordered_map<const ValueNode*, long> references_;  // from the calls of this graph and the roots
  std::unordered_map<Key, ir::Value, Hash> values_;
  std::vector<rt::Array> inputs_;
  std::vector<rt::VariableValue> variables_;
  std::vector<ValueRef> wanted_;
  std::unordered_set<const ValueNode*> wanted_set_;
};

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

// One evaluation at a time: values that are being computed must not be computed twice.
std::recursive_mutex& evaluation_mutex() {
  static auto* mutex = new std::recursive_mutex();
  return *mutex;
}

}  // namespace

void compute_all(const std::vector<ValueRef>& nodes) {
  std::lock_guard lock(evaluation_mutex());
  std::vector<ValueRef> pending;
  for (const ValueRef& node : nodes) {
    ValueRef current = current_value(node);
    check_concrete(*current);
    if (current->kind == ValueKind::kPending) pending.push_back(std::move(current));
  }
  if (!pending.empty()) PendingGraph(pending).run();
}

rt::Array compute(const ValueRef& node) {
  ValueRef current = current_value(node);
  std::lock_guard lock(evaluation_mutex());
  compute_all({current});
  return current->array;
}

}  // namespace mica::internal
