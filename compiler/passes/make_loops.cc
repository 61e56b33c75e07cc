// Scans that no template takes: their bodies become steps that run once for each row.
//
// The template of compiler/loop/lower_scan.h keeps a whole sequence in one kernel, as long as the rows of its states
// are independent. Whether it takes a scan is asked of the template itself, on a copy that is brought into the form in
// which it will stand then.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/loop/lower_scan.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/passes.h"
#include "compiler/passes/row_space.h"

namespace mica::ir {
namespace {

std::vector<std::unique_ptr<Graph>> cloned_body(const Node& node) {
  std::vector<std::unique_ptr<Graph>> bodies;
  bodies.push_back(node.body().clone());
  return bodies;
}

bool template_takes(const Node& scan) {
  Graph trial("trial");
  Values operands;
  for (const Value& operand : scan.operands()) {
    operands.push_back(trial.input(operand.type(), absl::StrCat("x", operands.size())));
  }
  Node* copy = trial.add(scan.op(), operands, scan.attrs(), cloned_body(scan));
  for (int i = 0; i < copy->num_results(); ++i) trial.add_output(copy->result(i), absl::StrCat("y", i));
  for (auto pass : {legalize, canonicalize, constant_fold, cleanup}) {
    if (!pass(trial, PassOptions{}).ok()) return false;
  }
  const auto& nodes = trial.nodes();
  auto it = std::find_if(nodes.begin(), nodes.end(), [](const auto& node) { return node->is("scan"); });
  return it == nodes.end() || loop::lower_scan(**it).ok();
}

// Copies of values that are larger than what they are made of are better made where they are read.
bool grows(const Node& node) {
  const Dim made = node.result_types()[0].numel();
  return std::none_of(node.operands().begin(), node.operands().end(), [&](const Value& operand) {
    const Dim read = operand.type().numel();
    return read == made || (read.is_static() && made.is_static() && made.value() <= read.value());
  });
}

// A scan as a loop, without what is the same in every iteration: that is computed once before.
class LoopMaker {
 public:
  LoopMaker(Graph& graph, Node& scan) : graph_(graph), scan_(scan), bodies_(cloned_body(scan)), body_(*bodies_[0]) {}

  void run() {
    operands_ = scan_.operands();
    graph_.set_loc(scan_.loc());
    take_out_invariants();
    Node* loop = graph_.add(op("loop"), operands_, scan_.attrs(), std::move(bodies_));
    for (int i = 0; i < scan_.num_results(); ++i) graph_.replace_all_uses(scan_.result(i), loop->result(i));
  }

 private:
  void take_out_invariants() {
    const std::size_t first_captured =
        static_cast<std::size_t>(scan_.attrs().integer("num_states") + scan_.attrs().integer("num_xs"));
    for (std::size_t i = first_captured; i < body_.inputs().size(); ++i) {
      outside_[body_.inputs()[i]->result()] = operands_[i];
    }
    std::vector<Node*> nodes;
    for (const auto& node : body_.nodes()) nodes.push_back(node.get());
    for (Node* node : nodes) {
      if (is_invariant(*node)) take_out(*node);
    }
    for (Node* node : nodes) {
      for (int i = 0; i < node->num_results(); ++i) capture(node->result(i));
    }
    body_.sort_and_sweep();
  }

  bool is_invariant(const Node& node) const {
    if (is_graph_operand(node) || is_free(node) || !node.bodies().empty()) return false;
    return std::all_of(node.operands().begin(), node.operands().end(),
                       [&](const Value& operand) { return is_free(*operand.node) || outside_.count(operand) > 0; }) &&
           (node.op().fusion == FusionClass::kContraction || !grows(node));
  }

  void take_out(Node& node) {
    Values operands;
    for (const Value& operand : node.operands()) operands.push_back(outer(operand));
    Node* copy = graph_.add(node.op(), std::move(operands), node.attrs());
    for (int i = 0; i < node.num_results(); ++i) outside_[node.result(i)] = copy->result(i);
    taken_.insert(&node);
  }

  Value outer(Value inner) {
    if (auto it = outside_.find(inner); it != outside_.end()) return it->second;
    Node* copy = graph_.add(inner.node->op(), {}, inner.node->attrs());
    return outside_[inner] = copy->result(inner.index);
  }

  // What the body still reads of a value taken out becomes one more captured value.
  void capture(Value value) {
    if (!taken_.count(value.node)) return;
    const std::vector<Use>& uses = value.node->uses(value.index);
    bool read = std::any_of(uses.begin(), uses.end(), [&](const Use& use) { return !taken_.count(use.user); }) ||
                std::any_of(body_.outputs().begin(), body_.outputs().end(),
                            [&](const Output& output) { return output.value == value; });
    if (!read) return;
    Value input = body_.input(value.type(), absl::StrCat("captured", operands_.size()));
    body_.replace_all_uses(value, input);
    operands_.push_back(outside_.at(value));
  }

  Graph& graph_;
  Node& scan_;
  std::vector<std::unique_ptr<Graph>> bodies_;
  Graph& body_;
  Values operands_;
  std::map<Value, Value> outside_;  // values of the body that exist before the loop
  std::unordered_set<const Node*> taken_;
};

absl::Status loops_of(Graph& graph) {
  std::vector<Node*> scans;
  for (const auto& node : graph.nodes()) {
    if (node->is("scan") && !template_takes(*node)) scans.push_back(node.get());
  }
  for (Node* scan : scans) LoopMaker(graph, *scan).run();
  if (!scans.empty()) graph.sort_and_sweep();
  // Scans in the bodies of loops may have a template, or be loops themselves.
  for (const auto& node : graph.nodes()) {
    if (!is_loop(*node)) continue;
    if (absl::Status status = loops_of(node->body()); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status make_loops(Graph& graph, const PassOptions&) { return loops_of(graph); }

}  // namespace mica::ir
