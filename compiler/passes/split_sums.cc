// The sum of a large array into few numbers would be one loop on one thread. It becomes the sums of the entries of the
// first axis, which run in parallel, and the sum of those. The cut follows from the shape alone.
//
//     sum over N, H, W of [N,H,W,C]    ->    sum over N of (sum over H, W : [N,C])
#include <algorithm>

#include "compiler/ops/builder.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

constexpr std::int64_t kFewNumbers = 1024;        // more of them run in parallel themselves
constexpr std::int64_t kWorthAThread = 4 * 1024;  // elements

Ints folded_axes(const Node& sum) {
  const int rank = sum.operand(0).rank();
  Ints axes = sum.attrs().ints("axes");
  for (std::int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  if (axes.empty()) {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  return axes;
}

bool is_at_least(const Dim& dim, std::int64_t value) { return dim.is_static() && dim.value() >= value; }

// The first axis is folded, an entry of it is worth a thread, and so few numbers are left that they are not.
bool is_one_long_loop(const Node& node) {
  if (!node.is("reduce_sum")) return false;
  const Dims& dims = node.operand(0).dims();
  const Ints axes = folded_axes(node);
  if (axes.size() < 2 || std::find(axes.begin(), axes.end(), 0) == axes.end() || dims[0].is(1)) return false;
  return is_at_least(product(Dims(dims.begin() + 1, dims.end())), kWorthAThread) &&
         !is_at_least(product(node.result_types()[0].dims), kFewNumbers + 1);
}

Value in_two(Builder& b, const Node& sum) {
  const bool keeps_dims = sum.attrs().flag("keepdims");
  Ints inner = folded_axes(sum);
  inner.erase(std::find(inner.begin(), inner.end(), 0));
  return b.sum(b.sum(sum.operand(0), std::move(inner), keeps_dims), {0}, keeps_dims);
}

}  // namespace

absl::Status split_sums(Graph& graph, const PassOptions&) {
  Builder b(graph);
  const std::size_t count = graph.nodes().size();
  for (std::size_t i = 0; i < count; ++i) {
    Node& node = *graph.nodes()[i];
    if (!is_one_long_loop(node)) continue;
    graph.set_loc(node.loc());
    graph.replace_all_uses(node.result(), in_two(b, node));
  }
  graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace mica::ir
