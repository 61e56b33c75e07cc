// The kernel of a concatenation asks for each element in which of the arrays it lies. That of very many arrays becomes
// a tree of concatenations of a few: kernels of one structure.
#include "compiler/ops/builder.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

constexpr std::ptrdiff_t kMostArrays = 64;

Value in_tree(Builder& b, const Node& concat) {
  const auto axis = static_cast<int>(concat.attrs().integer("axis"));
  Values parts = concat.operands();
  while (std::ssize(parts) > kMostArrays) {
    Values whole;
    for (auto first = parts.begin(); first != parts.end();) {
      const auto last = first + std::min(kMostArrays, parts.end() - first);
      whole.push_back(last - first == 1 ? *first : b.concat({first, last}, axis));
      first = last;
    }
    parts = std::move(whole);
  }
  return b.concat(std::move(parts), axis);
}

absl::Status split_all(Graph& graph) {
  Builder b(graph);
  const std::size_t count = graph.nodes().size();
  for (std::size_t i = 0; i < count; ++i) {
    Node& node = *graph.nodes()[i];
    if (!node.is("concat") || node.num_operands() <= kMostArrays) continue;
    graph.set_loc(node.loc());
    graph.replace_all_uses(node.result(), in_tree(b, node));
  }
  graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace

absl::Status split_concats(Graph& graph, const PassOptions&) { return for_each_region(graph, split_all); }

}  // namespace mica::ir
