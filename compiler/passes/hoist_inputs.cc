// What the body of a scan computes of one x and of captured values leaves the loop: the product of each step's input
// with a matrix, or its convolution, is one over the inputs of all steps.
//
//     scan (h; x, w) { z = x w; … }    ->    zs = reshape(x) w;  scan (h; zs) { … }
//
// So does the transpose of a captured matrix: the kernel of a step reads its rows.
//
//     scan (h; w) { z = h wᵀ; … }      ->    t = wᵀ;  scan (h; t) { z = h t; … }
#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

// Whether row i of the result needs row i of operand 0 and no row of another operand: steps then stack along the rows.
bool keeps_rows(const Node& node) {
  if (!node.op().define || node.num_results() != 1 || node.operand(0).rank() == 0) return false;
  Types operands;
  for (const Value& operand : node.operands()) operands.push_back(operand.type());
  const Types& results = node.result_types();
  if (results[0].rank() == 0 || !(results[0].dims[0] == operands[0].dims[0])) return false;
  loop::Exprs index;
  for (int axis = 0; axis < results[0].rank(); ++axis) index.push_back(loop::var(loop::make_var("i")));
  const loop::VarRef row = index[0]->var;
  bool keeps = true;
  auto mentions_row = [&](const loop::Expr& e) {
    bool found = false;
    loop::visit(e, [&](const loop::ExprNode& part) { found |= part.kind == loop::ExprKind::kVar && part.var == row; });
    return found;
  };
  loop::visit(node.op().define({node.attrs(), operands, results}, 0, index), [&](const loop::ExprNode& e) {
    if (e.kind != loop::ExprKind::kRead) return;
    const bool is_rows = e.slot == 0;
    for (std::size_t axis = 0; axis < e.args.size(); ++axis) {
      const bool is_row = e.args[axis]->kind == loop::ExprKind::kVar && e.args[axis]->var == row;
      keeps = keeps && (is_rows && axis == 0 ? is_row : !mentions_row(e.args[axis]));
    }
  });
  return keeps;
}

class InputHoister {
 public:
  InputHoister(Graph& graph, Node& scan)
      : b_(graph),
        scan_(scan),
        body_(scan.body().clone()),
        num_states_(static_cast<std::size_t>(scan.attrs().integer("num_states"))),
        first_captured_(num_states_ + static_cast<std::size_t>(scan.attrs().integer("num_xs"))) {}

  void run() {
    b_.graph().set_loc(scan_.loc());
    for (std::size_t i = 0; i < body_->inputs().size(); ++i) position_[body_->inputs()[i]->result()] = i;
    std::vector<Node*> nodes;
    for (const auto& node : body_->nodes()) nodes.push_back(node.get());
    for (Node* node : nodes) {
      if (can_leave(*node)) {
        take_out(*node);
      } else if (reads_transposed(*node)) {
        turn_outside(*node);
      }
    }
    if (!hoisted_.empty() || !turned_.empty()) replace_scan();
  }

 private:
  // Contractions alone: what is elementwise fuses with what follows in the step.
  bool can_leave(const Node& node) const {
    if (node.op().fusion != FusionClass::kContraction || node.num_operands() < 2) return false;
    for (int i = 0; i < node.num_operands(); ++i) {
      auto it = position_.find(node.operand(i));
      if (it == position_.end() || it->second < num_states_ || (it->second < first_captured_) != (i == 0)) return false;
    }
    return keeps_rows(node);
  }

  bool reads_transposed(const Node& node) const {
    if (!node.is("matmul") || node.operand(1).rank() != 2 || !node.attrs().flag("transpose_b")) return false;
    auto it = position_.find(node.operand(1));
    return it != position_.end() && it->second >= first_captured_;
  }

  void turn_outside(Node& node) {
    Value captured = node.operand(1);
    Value& turned = turned_[captured];
    if (!turned) {
      turned_outside_.push_back(b_.transpose(scan_.operand(static_cast<int>(position_[captured])), {1, 0}));
      turned = body_->input(turned_outside_.back().type(), absl::StrCat("turned", turned_outside_.size()));
      turned_inputs_.push_back(body_->inputs().size() - 1);
    }
    Builder inside(*body_);
    body_->set_loc(node.loc());
    body_->replace_all_uses(node.result(), inside.matmul(node.operand(0), turned, node.attrs().flag("transpose_a")));
  }

  // The steps stand under each other as rows.
  void take_out(Node& node) {
    Values operands;
    for (const Value& operand : node.operands())
      operands.push_back(scan_.operand(static_cast<int>(position_[operand])));
    const Dims all = operands[0].dims();
    Dims rows(all.begin() + 1, all.end()), stacked = node.result().dims();
    rows[0] = all[0] * all[1];
    operands[0] = b_.reshape(operands[0], rows);
    stacked.insert(stacked.begin(), all[0]);
    Value hoisted = b_.reshape(b_.call(node.op().name, operands, node.attrs()), stacked);
    Value x = body_->input(node.result().type(), absl::StrCat("hoisted", hoisted_.size()));
    hoisted_inputs_.push_back(body_->inputs().size() - 1);
    body_->replace_all_uses(node.result(), x);
    hoisted_.push_back(hoisted);
  }

  // States, xs, the new ones, captured values, the new ones.
  void replace_scan() {
    body_->sort_and_sweep();
    auto body = std::make_unique<Graph>(body_->name());
    const std::vector<Node*>& inputs = body_->inputs();
    Values operands, arguments(inputs.size());
    auto add = [&](std::size_t input, Value outer) {
      operands.push_back(outer);
      arguments[input] = body->input(inputs[input]->result_types()[0], inputs[input]->name_hint());
    };
    const std::size_t num_operands = scan_.operands().size();
    for (std::size_t i = 0; i < first_captured_; ++i) add(i, scan_.operands()[i]);
    for (std::size_t i = 0; i < hoisted_.size(); ++i) add(hoisted_inputs_[i], hoisted_[i]);
    for (std::size_t i = first_captured_; i < num_operands; ++i) add(i, scan_.operands()[i]);
    for (std::size_t i = 0; i < turned_outside_.size(); ++i) add(turned_inputs_[i], turned_outside_[i]);
    Values outputs = body->inline_graph(*body_, arguments);
    for (std::size_t i = 0; i < outputs.size(); ++i) body->add_output(outputs[i], body_->outputs()[i].name);
    Attrs attrs = scan_.attrs();
    attrs.set("num_xs", attrs.integer("num_xs") + static_cast<std::int64_t>(hoisted_.size()));
    std::vector<std::unique_ptr<Graph>> bodies;
    bodies.push_back(std::move(body));
    Node* made = b_.graph().add(scan_.op(), operands, attrs, std::move(bodies));
    for (int i = 0; i < scan_.num_results(); ++i) b_.graph().replace_all_uses(scan_.result(i), made->result(i));
  }

  Builder b_;
  Node& scan_;
  std::unique_ptr<Graph> body_;
  std::size_t num_states_, first_captured_;
  std::map<Value, std::size_t> position_;  // of the body's inputs among the operands
  Values hoisted_;                         // what the new xs are
  std::map<Value, Value> turned_;          // captured matrices of the body and their transposes there
  Values turned_outside_;
  std::vector<std::size_t> hoisted_inputs_, turned_inputs_;  // of the body
};

absl::Status hoist(Graph& graph) {
  std::vector<Node*> scans;
  for (const auto& node : graph.nodes()) {
    if (node->is("scan")) scans.push_back(node.get());
  }
  for (Node* scan : scans) InputHoister(graph, *scan).run();
  if (!scans.empty()) graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace

absl::Status hoist_inputs(Graph& graph, const PassOptions&) { return for_each_region(graph, hoist); }

}  // namespace mica::ir
