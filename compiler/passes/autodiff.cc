#include "compiler/passes/autodiff.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/graph/location.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

// Whether an x may be a function of another: of the operands of a decomposed node, each stands for itself.
enum class Sources { kThrough, kLeaves };

// Nodes that lead from xs to ys, users before their operands. Nothing beyond leaves is entered.
std::vector<Node*> path_nodes(const Values& ys, const Values& xs, Sources kind) {
  std::unordered_set<const Node*> sources;
  for (const Value& x : xs) sources.insert(x.node);
  enum State : char { kEntered = 1, kOff, kOn };
  std::unordered_map<const Node*, State> state;
  std::vector<Node*> order;  // operands before users
  std::vector<std::pair<Node*, int>> stack;
  auto enter = [&](Node* node) {
    if (state.emplace(node, kEntered).second) stack.push_back({node, 0});
  };
  for (const Value& y : ys) {
    enter(y.node);
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      const bool is_source = sources.count(node) > 0;
      if (next < node->num_operands() && !(is_source && kind == Sources::kLeaves)) {
        enter(node->operand(next++).node);
        continue;
      }
      const Values& operands = node->operands();
      bool on = is_source || std::any_of(operands.begin(), operands.end(),
                                         [&](const Value& operand) { return state.at(operand.node) == kOn; });
      state[node] = on ? kOn : kOff;
      if (on) order.push_back(node);
      stack.pop_back();
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

class ReverseMode {
 public:
  ReverseMode(Builder& b, Sources kind) : b_(b), kind_(kind) {}

  absl::StatusOr<Values> run(const Values& ys, const Values& seeds, const Values& xs) {
    std::vector<Node*> path = path_nodes(ys, xs, kind_);
    on_path_.insert(path.begin(), path.end());
    if (kind_ == Sources::kLeaves) {
      for (const Value& x : xs) leaves_.insert(x.node);
    }
    for (std::size_t i = 0; i < ys.size(); ++i) {
      if (seeds[i]) accumulate(ys[i], seeds[i]);
    }
    for (Node* node : path) {
      if (leaves_.count(node)) continue;
      if (absl::Status status = backward(*node); !status.ok()) return status;
    }
    Values result;
    for (const Value& x : xs) result.push_back(gradient_of(x));
    return result;
  }

 private:
  Value gradient_of(Value value) const {
    auto it = gradients_.find(value);
    return it == gradients_.end() ? Value{} : it->second;
  }

  void accumulate(Value value, Value contribution) {
    contribution = unbroadcast(b_, contribution, value);
    auto [it, first] = gradients_.emplace(value, contribution);
    if (!first) it->second = it->second + contribution;
  }

  // True when an operand of the node needs a gradient: xs and what depends on them.
  bool leads_on(const Node& node) const {
    return std::any_of(node.operands().begin(), node.operands().end(), [&](const Value& operand) {
      return on_path_.count(operand.node) && operand.dtype().is_floating();
    });
  }

  absl::Status backward(Node& node) {
    Values result_gradients;
    bool reached = false;
    for (int i = 0; i < node.num_results(); ++i) {
      result_gradients.push_back(gradient_of(node.result(i)));
      reached |= static_cast<bool>(result_gradients.back());
    }
    if (!reached || !leads_on(node)) return absl::OkStatus();
    b_.graph().set_loc(with_role(node.loc(), Role::kBackward));
    absl::StatusOr<Values> gradients = operand_gradients(node, result_gradients);
    if (!gradients.ok()) return gradients.status();
    MICA_CHECK(static_cast<int>(gradients->size()) == node.num_operands())
        << "the gradient of " << node.op().name << " gives " << gradients->size() << " values";
    for (int i = 0; i < node.num_operands(); ++i) {
      Value gradient = (*gradients)[static_cast<std::size_t>(i)];
      Value operand = node.operand(i);
      if (gradient && on_path_.count(operand.node) && operand.dtype().is_floating()) accumulate(operand, gradient);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Values> operand_gradients(Node& node, const Values& result_gradients) {
    const OpDef& op = node.op();
    if (op.vjp) return op.vjp(b_, node, result_gradients);
    if (op.decompose) return through_decomposition(node, result_gradients);
    return absl::InvalidArgumentError(
        absl::StrCat(node.loc().empty() ? "" : absl::StrCat(node.loc(), ": "), op.name, " has no gradient",
                     op.no_gradient.empty() ? "" : absl::StrCat(" (", op.no_gradient, ")"),
                     ". Is it meant to be differentiated? Otherwise put stop_gradient around it"));
  }

  absl::StatusOr<Values> through_decomposition(Node& node, const Values& result_gradients) {
    Values parts = node.op().decompose(b_, node);
    // Each distinct operand once: the gradient of a value that stands twice is already the sum.
    Values distinct;
    for (const Value& operand : node.operands()) {
      if (on_path_.count(operand.node) && std::find(distinct.begin(), distinct.end(), operand) == distinct.end())
        distinct.push_back(operand);
    }
    absl::StatusOr<Values> gradients = ReverseMode(b_, Sources::kLeaves).run(parts, result_gradients, distinct);
    if (!gradients.ok()) return gradients.status();
    Values by_operand;
    for (const Value& operand : node.operands()) {
      auto it = std::find(distinct.begin(), distinct.end(), operand);
      Value gradient;
      if (it != distinct.end()) std::swap(gradient, (*gradients)[static_cast<std::size_t>(it - distinct.begin())]);
      by_operand.push_back(gradient);
    }
    return by_operand;
  }

  Builder& b_;
  Sources kind_;
  std::map<Value, Value> gradients_;
  std::unordered_set<const Node*> on_path_, leaves_;
};

absl::Status expand(Graph& graph, Node& node) {
  Builder b(graph);
  Value y = node.operand(0);
  Values xs(node.operands().begin() + 1, node.operands().end());
  graph.set_loc(node.loc());
  absl::StatusOr<Values> gradients = differentiate(b, {y}, {b.full_like(1, y)}, xs);
  if (!gradients.ok()) return gradients.status();
  for (int i = 0; i < node.num_results(); ++i) {
    Value gradient = (*gradients)[static_cast<std::size_t>(i)];
    if (!gradient) gradient = b.full_like(0, xs[static_cast<std::size_t>(i)]);
    graph.replace_all_uses(node.result(i), gradient);
  }
  return absl::OkStatus();
}

}  // namespace

Value unbroadcast(Builder& b, Value gradient, Value of) {
  const Dims& want = of.dims();
  if (gradient.dims() != want) {
    const int extra = gradient.rank() - of.rank();
    Ints axes;
    for (int axis = 0; axis < gradient.rank(); ++axis) {
      const Dim& dim = gradient.dims()[static_cast<std::size_t>(axis)];
      if (axis < extra || !(want[static_cast<std::size_t>(axis - extra)] == dim)) axes.push_back(axis);
    }
    const bool leading_only = static_cast<int>(axes.size()) == extra;
    if (!axes.empty()) gradient = b.sum(gradient, axes, /*keepdims=*/!leading_only);
    gradient = b.reshape(gradient, want);
  }
  return b.cast(gradient, of.dtype());
}

absl::StatusOr<Values> differentiate(Builder& b, const Values& ys, const Values& seeds, const Values& xs) {
  return ReverseMode(b, Sources::kThrough).run(ys, seeds, xs);
}

absl::Status autodiff(Graph& graph, const PassOptions&) {
  return for_each_region(graph, [](Graph& region) -> absl::Status {
    for (;;) {
      // In order of definition, so that an inner gradient is ordinary graph when an outer one is expanded.
      auto it = std::find_if(region.nodes().begin(), region.nodes().end(),
                             [](const auto& node) { return node->is("gradient"); });
      if (it == region.nodes().end()) return absl::OkStatus();
      if (absl::Status status = expand(region, **it); !status.ok()) return status;
      region.sort_and_sweep();
    }
  });
}

}  // namespace mica::ir
