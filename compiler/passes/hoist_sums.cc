// Sums over the steps of a loop leave the loop: the gradient of a captured matrix is a product each step, added up.
// Stacking the two factors instead makes it one large product after the loop, and the loop's states rows of the batch
// again.
//
//     scan { dU' = dU + hᵀ g }          ->    scan { … } -> (hs, gs);  dU = dU + reshape(hs)ᵀ reshape(gs)
//     scan { db' = db + sum(g, rows) }  ->    scan { … } -> gs;        db = db + sum(gs, steps and rows)
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

// A state that nothing reads but its own sum, and what is added to it in each step.
struct StepSum {
  int state = 0;
  Values terms;  // of the body
};

// The leaves of a tree of additions that nothing else reads.
void collect_terms(Value sum, Values& terms) {
  if (!sum.node->is("add") || sum.node->operand(0).dims() != sum.node->operand(1).dims()) {
    terms.push_back(sum);
    return;
  }
  for (const Value& operand : sum.node->operands()) {
    if (operand.node->uses(operand.index).size() == 1) {
      collect_terms(operand, terms);
    } else {
      terms.push_back(operand);
    }
  }
}

std::optional<StepSum> find_sum(const Graph& body, int state) {
  Value carried = body.inputs()[static_cast<std::size_t>(state)]->result();
  Value next = body.outputs()[static_cast<std::size_t>(state)].value;
  auto handed_out = std::count_if(body.outputs().begin(), body.outputs().end(), [&](const Output& output) {
    return output.value == next || output.value == carried;
  });
  if (carried.node->uses().size() != 1 || next.node->has_uses() || handed_out != 1) return std::nullopt;
  StepSum sum{.state = state, .terms = {}};
  collect_terms(next, sum.terms);
  auto self = std::find(sum.terms.begin(), sum.terms.end(), carried);
  if (sum.terms.size() < 2 || self == sum.terms.end()) return std::nullopt;
  sum.terms.erase(self);
  return sum;
}

bool is_product_over_rows(const Node& node) {
  return node.is("matmul") && node.operand(0).rank() == 2 && node.operand(1).rank() == 2 &&
         node.attrs().flag("transpose_a") && !node.attrs().flag("transpose_b");
}

bool is_sum_over_rows(const Node& node) {
  return node.is("reduce_sum") && node.attrs().ints("axes") == Ints{0} && !node.attrs().flag("keepdims");
}

class LoopWithoutSums {
 public:
  LoopWithoutSums(Graph& graph, Node& scan) : b_(graph), scan_(scan), body_(scan.body().clone()) {
    num_states_ = static_cast<int>(scan.attrs().integer("num_states"));
  }

  void run() {
    for (int state = 0; state < num_states_; ++state) {
      if (std::optional<StepSum> sum = find_sum(*body_, state)) sums_.push_back(*std::move(sum));
    }
    if (sums_.empty()) return;
    b_.graph().set_loc(scan_.loc());
    stack_terms();
    Node* loop = rebuild();
    replace_results(*loop);
  }

 private:
  const StepSum* sum_of(int state) const {
    auto it = std::find_if(sums_.begin(), sums_.end(), [&](const StepSum& sum) { return sum.state == state; });
    return it == sums_.end() ? nullptr : &*it;
  }

  // New outputs of the body: the factors of products, what is added up over rows, or the terms themselves.
  void stack_terms() {
    for (const StepSum& sum : sums_) {
      for (const Value& term : sum.terms) {
        if (is_product_over_rows(*term.node)) {
          stack(term.node->operand(0));
          stack(term.node->operand(1));
        } else if (is_sum_over_rows(*term.node)) {
          stack(term.node->operand(0));
        } else {
          stack(term);
        }
      }
    }
  }
  // What the loop runs over, or hands out already, needs no second stack.
  void stack(Value value) {
    if (!place_of(value)) body_->add_output(value, absl::StrCat("stacked", body_->outputs().size()));
  }
  // The operand of the scan that holds the value of each step, or else the output of the body.
  struct Place {
    bool is_operand = false;
    int number = 0;
  };
  std::optional<Place> place_of(Value value) const {
    const int num_xs = static_cast<int>(scan_.attrs().integer("num_xs"));
    for (int i = num_states_; i < num_states_ + num_xs; ++i) {
      if (body_->inputs()[static_cast<std::size_t>(i)]->result() == value) return Place{true, i};
    }
    for (int i = num_states_; i < static_cast<int>(body_->outputs().size()); ++i) {
      if (body_->outputs()[static_cast<std::size_t>(i)].value == value) return Place{false, i};
    }
    return std::nullopt;
  }
  Value stacked(Node& loop, Value value) const {
    const Place place = *place_of(value);
    return place.is_operand ? scan_.operand(place.number) : loop.result(place.number - static_cast<int>(sums_.size()));
  }

  Node* rebuild() {
    const Graph& old = *body_;
    auto slim = std::make_unique<Graph>(old.name());
    Values arguments, operands;
    for (int i = 0; i < scan_.num_operands(); ++i) {
      const Node* input = old.inputs()[static_cast<std::size_t>(i)];
      if (i < num_states_ && sum_of(i)) {  // the sum itself is dead: any value of its type will do until it is swept
        arguments.push_back(Builder(*slim).constant(0, input->result_types()[0].dtype, input->result_types()[0].dims));
        continue;
      }
      arguments.push_back(slim->input(input->result_types()[0], input->name_hint()));
      operands.push_back(scan_.operand(i));
    }
    Values outputs = slim->inline_graph(old, arguments);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (static_cast<int>(i) < num_states_ && sum_of(static_cast<int>(i))) continue;
      slim->add_output(outputs[i], old.outputs()[i].name);
    }
    slim->sort_and_sweep();
    Attrs attrs = scan_.attrs();
    attrs.set("num_states", static_cast<std::int64_t>(num_states_) - static_cast<std::int64_t>(sums_.size()));
    std::vector<std::unique_ptr<Graph>> bodies;
    bodies.push_back(std::move(slim));
    return b_.graph().add(scan_.op(), std::move(operands), std::move(attrs), std::move(bodies));
  }

  void replace_results(Node& loop) {
    int next = 0;
    for (int i = 0; i < scan_.num_results(); ++i) {
      if (i < num_states_ && sum_of(i)) continue;
      b_.graph().replace_all_uses(scan_.result(i), loop.result(next++));
    }
    for (const StepSum& sum : sums_) {
      Value total = scan_.operand(sum.state);
      for (const Value& term : sum.terms) {
        if (is_product_over_rows(*term.node)) {
          Value left = stacked(loop, term.node->operand(0)), right = stacked(loop, term.node->operand(1));
          total = total + b_.matmul(rows(left), rows(right), /*transpose_a=*/true);
        } else if (is_sum_over_rows(*term.node)) {
          total = total + b_.sum(stacked(loop, term.node->operand(0)), {0, 1});
        } else {
          total = total + b_.sum(stacked(loop, term), {0});
        }
      }
      b_.graph().replace_all_uses(scan_.result(sum.state), total);
    }
  }

  // [steps, rows, columns] as [steps * rows, columns].
  Value rows(Value stacked) {
    const Dims& dims = stacked.dims();
    return b_.reshape(stacked, {dims[0] * dims[1], dims[2]});
  }

  Builder b_;
  Node& scan_;
  std::unique_ptr<Graph> body_;
  int num_states_ = 0;
  std::vector<StepSum> sums_;
};

}  // namespace

absl::Status hoist_sums(Graph& graph, const PassOptions&) {
  std::vector<Node*> scans;
  for (const auto& node : graph.nodes()) {
    if (node->is("scan")) scans.push_back(node.get());
  }
  for (Node* scan : scans) LoopWithoutSums(graph, *scan).run();
  if (!scans.empty()) graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace mica::ir
