// The sum of a large array into few numbers would be one loop on one thread. It becomes sums of pieces, which run in
// parallel, and the sum of those. The cut follows from the shape alone.
//
//     sum over N, H, W of [N,H,W,C]    ->    sum over N of (sum over H, W : [N,C])
//     sum of all of [3,3,256,512]      ->    sum of (sums of each of [72,32,512] : [72])
#include <algorithm>
#include <map>
#include <ranges>
#include <set>
#include <unordered_set>

#include "compiler/ops/builder.h"
#include "compiler/ops/infer.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/passes.h"

namespace mica::ir {
namespace {

constexpr std::int64_t kFewNumbers = 1024;        // more of them run in parallel themselves
constexpr std::int64_t kWorthAThread = 4 * 1024;  // elements
// Several entries are a piece only where less than a vector of numbers is left and pieces are long.
constexpr std::int64_t kLessThanAVector = 15;
constexpr std::int64_t kLongPiece = 16 * 1024;
constexpr std::int64_t kFewestPieces = 4;

bool is_at_least(const Dim& dim, std::int64_t value) { return dim.is_static() && dim.value() >= value; }

bool leaves_at_most(const Node& sum, std::int64_t count) {
  return !is_at_least(product(sum.result_types()[0].dims), count + 1);
}

Ints folded_axes(const Node& sum) { return axes_of(sum.attrs(), sum.operand(0).rank()); }

Dim product_from(const Dims& dims, std::size_t axis) {
  return product(Dims(dims.begin() + static_cast<std::ptrdiff_t>(axis), dims.end()));
}

// ---- by entries of the first axis

// The first axis is folded, an entry of it is worth a thread, and so few numbers are left that they are not.
bool has_long_entries(const Node& sum) {
  const Dims& dims = sum.operand(0).dims();
  const Ints axes = folded_axes(sum);
  return axes.size() > 1 && axes[0] == 0 && !dims[0].is(1) && is_at_least(product_from(dims, 1), kWorthAThread) &&
         leaves_at_most(sum, kFewNumbers);
}

Value by_entries(Builder& b, const Node& sum) {
  const bool keeps_dims = sum.attrs().flag("keepdims");
  const Ints axes = folded_axes(sum);
  return b.sum(b.sum(sum.operand(0), Ints(axes.begin() + 1, axes.end()), keeps_dims), {0}, keeps_dims);
}

// ---- by pieces

// The first `axes` axes, all of them folded, are seen as `pieces` of `entries` each.
struct Cut {
  std::size_t axes = 0;
  std::int64_t pieces = 0, entries = 0;
};

// As many pieces as divide the axes and are long enough; none where they are too few.
Cut cut_of(const Node& sum) {
  const Dims& dims = sum.operand(0).dims();
  if (!all_static(dims) || product(dims).value() == 0 || !leaves_at_most(sum, kLessThanAVector)) return {};
  const Ints folded = folded_axes(sum);
  Cut cut;
  std::int64_t size = 1, entry = product(dims).value();
  while (cut.axes < folded.size() && folded[cut.axes] == static_cast<std::int64_t>(cut.axes) && entry > kLongPiece) {
    size *= dims[cut.axes].value();
    entry /= dims[cut.axes].value();
    ++cut.axes;
  }
  cut.pieces = size * entry / kLongPiece;
  while (cut.pieces >= kFewestPieces && size % cut.pieces != 0) --cut.pieces;
  if (cut.pieces < kFewestPieces) return {};
  cut.entries = size / cut.pieces;
  return cut;
}

using Nodes = std::unordered_set<const Node*>;

// What is summed, seen as pieces. Elementwise operations that nothing else reads are done on pieces of their operands:
// so they still are computed where they are summed.
class Pieces {
 public:
  Pieces(Builder& b, const Node& sum, const Cut& cut, const Nodes& handed_out)
      : builder_(b), cut_(cut), sum_(sum), dims_(sum.operand(0).dims()), handed_out_(handed_out) {
    find_inner();
  }

  // Whether all else that is read are arrays anyway.
  bool read_arrays() const { return read_arrays_; }

  Value of_sum() {
    for (Node* node : inner_ | std::views::reverse) {
      Values operands;
      for (const Value& operand : node->operands()) operands.push_back(of(operand));
      made_[node->result()] = builder_.call(node->op().name, std::move(operands), node->attrs());
    }
    return of(sum_.operand(0));
  }

 private:
  struct IsLater {
    bool operator()(const Node* a, const Node* b) const { return a->position() > b->position(); }
  };

  // Readers stand behind what they read: from the sum backwards.
  void find_inner() {
    Nodes inner;
    std::set<Node*, IsLater> producers = {sum_.operand(0).node};
    while (!producers.empty()) {
      Node* node = *producers.begin();
      producers.erase(producers.begin());
      if (!is_read_here(*node, inner)) continue;
      read_arrays_ &= std::ranges::all_of(node->operands(), [&](const Value& x) { return !x || fits(x); }) &&
                      node->op().fusion == FusionClass::kElementwise;
      inner.insert(node);
      inner_.push_back(node);
      for (const Value& operand : node->operands()) {
        if (operand && !is_short(operand)) producers.insert(operand.node);
      }
    }
  }

  // Computed where it is summed, and there alone.
  bool is_read_here(const Node& node, const Nodes& inner) const {
    const FusionClass fusion = node.op().fusion;
    if (fusion == FusionClass::kInjective) return !is_view(node);
    return fusion == FusionClass::kElementwise && !handed_out_.contains(&node) &&
           std::ranges::all_of(node.uses(),
                               [&](const Use& use) { return use.user == &sum_ || inner.contains(use.user); });
  }

  // Has none of the axes that are cut: stretched over them.
  bool is_short(Value x) const { return x.dims().size() + cut_.axes <= dims_.size(); }
  Dims cut_dims(const Dims& dims) const {
    return {dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(cut_.axes)};
  }
  // All of the axes that are cut, or stretched over all of them.
  bool fits(Value x) const {
    if (is_short(x)) return true;
    if (x.dims().size() != dims_.size()) return false;
    const Dims cut = cut_dims(x.dims());
    return cut == cut_dims(dims_) || product(cut).is(1);
  }

  Value of(Value x) {
    if (!x || is_short(x)) return x;
    Value& made = made_[x];
    if (!made) made = view(x);
    return made;
  }

  Value view(Value x) {
    const bool stretched = product(cut_dims(x.dims())).is(1);
    Dims dims = {Dim(stretched ? 1 : cut_.pieces), Dim(stretched ? 1 : cut_.entries)};
    dims.insert(dims.end(), x.dims().begin() + static_cast<std::ptrdiff_t>(cut_.axes), x.dims().end());
    return builder_.reshape(x, std::move(dims));
  }

  Builder& builder_;
  Cut cut_;
  const Node& sum_;
  Dims dims_;
  const Nodes& handed_out_;
  std::vector<Node*> inner_;
  bool read_arrays_ = true;
  std::map<Value, Value> made_;
};

Value by_pieces(Builder& b, const Node& sum, const Cut& cut, Pieces& pieces) {
  Ints inner = {1};
  for (std::int64_t axis : folded_axes(sum)) {
    if (axis >= static_cast<std::int64_t>(cut.axes)) inner.push_back(axis - static_cast<std::int64_t>(cut.axes) + 2);
  }
  const Value sums = b.sum(pieces.of_sum(), std::move(inner));
  return b.reshape(b.sum(sums, {0}), sum.result_types()[0].dims);
}

// The sum from sums that run in parallel; empty where it stays as it is.
Value split(Builder& b, const Node& sum, const Nodes& handed_out) {
  if (const Cut cut = cut_of(sum); cut.pieces > 0) {
    Pieces pieces(b, sum, cut, handed_out);
    if (pieces.read_arrays()) return by_pieces(b, sum, cut, pieces);
  }
  return has_long_entries(sum) ? by_entries(b, sum) : Value();
}

}  // namespace

absl::Status split_sums(Graph& graph, const PassOptions&) {
  Builder b(graph);
  Nodes handed_out;
  for (const Output& output : graph.outputs()) handed_out.insert(output.value.node);
  const std::size_t count = graph.nodes().size();
  for (std::size_t i = 0; i < count; ++i) {
    Node& node = *graph.nodes()[i];
    if (!node.is("reduce_sum")) continue;
    graph.set_loc(node.loc());
    if (const Value sum = split(b, node, handed_out)) graph.replace_all_uses(node.result(), sum);
  }
  graph.sort_and_sweep();
  return absl::OkStatus();
}

}  // namespace mica::ir
