// Checkers of the invariants that can be decided by looking at a graph.
#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/pass.h"

namespace mica::ir {
namespace {

bool is_differentiated(const Node& node) { return !node.is("gradient"); }
bool is_open(const Node& node) { return !node.is("checkpoint"); }
bool is_legal(const Node& node) { return !node.op().is_composite(); }
bool is_alive(const Node& node) { return is_graph_operand(node) || node.graph().is_used(node); }
bool is_one_step(const Node& node) {
  return is_graph_operand(node) || is_group(node) || is_view(node) || node.is("constant") ||
         node.op().fusion == FusionClass::kOpaque;
}

struct Invariant {
  Invariants bit;
  const char* name;
  bool (*holds)(const Node&);  // null: cannot be decided by looking
};
constexpr Invariant kInvariants[] = {
    {kCanonical, "canonical", nullptr}, {kDifferentiated, "differentiated", is_differentiated},
    {kFolded, "folded", nullptr},       {kLaidOut, "laid out", nullptr},
    {kClaimed, "claimed", nullptr},     {kLegal, "legal", is_legal},
    {kClean, "clean", is_alive},        {kFused, "fused", is_one_step},
    {kTemplated, "templated", nullptr}, {kOpen, "open", is_open},
};

absl::Status check(const Graph& graph, const Invariant& invariant) {
  for (const auto& node : graph.nodes()) {
    if (!invariant.holds(*node)) {
      return absl::InternalError(absl::StrCat("the graph is not ", invariant.name, ": ", node->op().name,
                                              node->loc().empty() ? "" : " # ", node->loc()));
    }
    // Groups are closed; the body of a scan is lowered whole, by its template; that of a loop is steps.
    if (is_group(*node) || (invariant.bit == kFused && !is_loop(*node))) continue;
    for (const auto& body : node->bodies()) {
      if (absl::Status status = check(*body, invariant); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string to_string(Invariants invariants) {
  std::string text;
  for (const Invariant& invariant : kInvariants) {
    if (invariants & invariant.bit) absl::StrAppend(&text, text.empty() ? "" : ", ", invariant.name);
  }
  return text.empty() ? "none" : text;
}

absl::Status check_invariants(const Graph& graph, Invariants claimed) {
  for (const Invariant& invariant : kInvariants) {
    if (!(claimed & invariant.bit) || !invariant.holds) continue;
    if (absl::Status status = check(graph, invariant); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace mica::ir
