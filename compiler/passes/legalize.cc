// Decomposes composites until primitives, groups and opaque operations are left.
#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

absl::Status decompose_all(Graph& graph) {
  Builder b(graph);
  // Parts that are composites themselves are appended, so the loop comes to them.
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    Node& node = *graph.nodes()[i];
    if (!node.op().is_composite()) continue;
    // Where no layer can be named, errors about sizes name what was asked for, not its parts.
    graph.set_loc(node.loc().empty() && node.op().bounds ? node.op().name : node.loc());
    Values parts = node.op().decompose(b, node);
    for (int result = 0; result < node.num_results(); ++result) {
      Value part = parts.at(static_cast<std::size_t>(result));
      if (part.type() != node.result(result).type()) {
        return absl::InternalError(absl::StrCat("the decomposition of ", node.op().name, " gives ",
                                                part.type().to_string(), " instead of ",
                                                node.result(result).type().to_string()));
      }
      graph.replace_all_uses(node.result(result), part);
    }
  }
  graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace

absl::Status legalize(Graph& graph, const PassOptions&) { return for_each_region(graph, decompose_all); }

}  // namespace mica::ir
