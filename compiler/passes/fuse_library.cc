// A call that a library runs takes the elementwise operations after it, as long as each is the only user of the one
// before:
//
//     conv2d ── add(bias) ── add(shortcut) ── relu        one step: onednn.conv [bias, add, relu]
//
// A tapped value in between must exist in memory, and a library stores only the last one: there the epilogue ends, and
// the group says `split_by_tap`.
#include <algorithm>
#include <unordered_set>

#include "compiler/ops/op_def.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

// Operations of one epilogue at most: oneDNN takes 32. A weight that is used in more places has that many gradients to
// be added; kernels add up the rest.
constexpr std::size_t kMaxEpilogue = 24;

const LibraryBinding* binding_for(const Node& node) {
  for (const LibraryBinding& binding : node.op().libraries) {
    if (binding.takes(node)) return &binding;
  }
  return nullptr;
}

bool commutes(const Node& node) {
  using loop::ScalarOp;
  if (!node.op().scalar) return false;
  ScalarOp scalar = *node.op().scalar;
  return scalar == ScalarOp::k_add || scalar == ScalarOp::k_mul || scalar == ScalarOp::k_max ||
         scalar == ScalarOp::k_min;
}

enum class Asked { kNo, kTap, kResult };

class Epilogue {
 public:
  Epilogue(Graph& graph, const LibraryBinding& binding, Node& call)
      : graph_(graph), binding_(binding), spec_{.nodes = {&call}} {
    spec_.library = binding.name;
    while (Node* next = spec_.nodes.size() <= kMaxEpilogue ? next_operation() : nullptr) spec_.nodes.push_back(next);
    spec_.name = group_name(spec_.nodes);
  }

  const GroupSpec& spec() const { return spec_; }

 private:
  // The operation that the library can apply next, null when there is none.
  Node* next_operation() {
    Node& last = *spec_.nodes.back();
    Value value = last.result();
    const std::vector<Use>& uses = value.node->uses();
    if (uses.size() != 1) return nullptr;
    Node* user = uses[0].user;
    if (!can_apply(*user, value)) return nullptr;
    Asked asked = asked_for(value);
    spec_.split_by_tap = asked == Asked::kTap;
    return asked == Asked::kNo ? user : nullptr;
  }

  bool can_apply(const Node& user, Value value) const {
    const Strings& known = binding_.epilogues;
    if (std::find(known.begin(), known.end(), user.op().name) == known.end()) return false;
    if (user.result_types()[0] != value.type() || user.num_operands() > 2) return false;
    if (user.num_operands() == 2 && user.operand(0) != value && !commutes(user)) return false;
    return std::all_of(user.operands().begin(), user.operands().end(),
                       [&](const Value& operand) { return operand == value || can_be_second_operand(operand, value); });
  }

  // The same dims, or one number for each channel. A large value that exists only for this use is better computed by a
  // kernel that takes both (an optimizer's update), than stored for the library.
  static bool can_be_second_operand(Value operand, Value value) {
    if (operand.dims() == value.dims()) {
      return operand.node->op().fusion != FusionClass::kElementwise || operand.node->uses(operand.index).size() > 1;
    }
    return operand.rank() >= 1 && operand.dims().back() == value.dims().back() &&
           operand.type().numel() == value.dims().back();
  }

  Asked asked_for(Value value) const {
    Asked asked = Asked::kNo;
    for (const Output& output : graph_.outputs()) {
      if (output.value == value) asked = output.tap && asked != Asked::kResult ? Asked::kTap : Asked::kResult;
    }
    return asked;
  }

  Graph& graph_;
  const LibraryBinding& binding_;
  GroupSpec spec_;
};

absl::Status fuse(Graph& graph) {
  std::vector<Node*> calls;
  for (const auto& node : graph.nodes()) {
    if (binding_for(*node)) calls.push_back(node.get());
  }
  // Backwards: where two calls meet in one addition, the later one takes it, when the other value exists.
  std::reverse(calls.begin(), calls.end());
  for (Node* call : calls) make_group(graph, Epilogue(graph, *binding_for(*call), *call).spec());
  graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace

absl::Status fuse_library(Graph& graph, const PassOptions& options) {
  return options.libraries ? for_each_block(graph, fuse) : absl::OkStatus();
}

}  // namespace mica::ir
