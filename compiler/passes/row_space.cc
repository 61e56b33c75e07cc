#include "compiler/passes/row_space.h"

#include <algorithm>
#include <optional>

#include "compiler/ops/op_def.h"
#include "compiler/passes/groups.h"

namespace mica::ir {
namespace {

Dims without_ones(const Dims& dims) {
  Dims kept;
  for (const Dim& dim : dims) {
    if (!dim.is(1)) kept.push_back(dim);
  }
  return kept;
}

bool is_reduction(const Node& node) { return node.op().fusion == FusionClass::kReduction; }
bool is_contraction(const Node& node) { return node.op().fusion == FusionClass::kContraction; }
// Element i of the result reads element i of the operands.
bool is_pointwise(const Node& node) {
  return node.op().fusion == FusionClass::kElementwise || is_trivial_reshape(node);
}
bool is_index_map(const Node& node) { return node.op().fusion == FusionClass::kInjective && !is_trivial_reshape(node); }

// The space that a reduction folds, without axes of extent 1, and which of its axes are left as rows.
struct Fold {
  Dims space, rows;
  Ints row_axes;
  bool folds_last = true;
  friend bool operator==(const Fold&, const Fold&) = default;
};

Fold fold_of(const Node& reduction) {
  const TensorType& operand = reduction.operand(0).type();
  Ints axes = reduction.attrs().ints("axes");
  std::vector<bool> folded(operand.dims.size(), axes.empty());
  for (std::int64_t axis : axes) folded[static_cast<std::size_t>(axis < 0 ? axis + operand.rank() : axis)] = true;
  Fold fold;
  bool seen_folded = false;
  for (std::size_t axis = 0; axis < folded.size(); ++axis) {
    if (operand.dims[axis].is(1)) continue;
    fold.space.push_back(operand.dims[axis]);
    if (folded[axis]) {
      seen_folded = true;
    } else {
      fold.rows.push_back(operand.dims[axis]);
      fold.row_axes.push_back(static_cast<std::int64_t>(fold.space.size()) - 1);
      fold.folds_last = fold.folds_last && !seen_folded;
    }
  }
  return fold;
}

// The axes of the user's dims, without those of extent 1, that an operand stretched to them varies along.
Ints axes_in(const Dims& operand, const Dims& user) {
  Ints axes;
  std::int64_t at = 0;
  const std::size_t extra = user.size() - operand.size();
  for (std::size_t axis = 0; axis < user.size(); ++axis) {
    if (user[axis].is(1)) continue;
    if (axis >= extra && !operand[axis - extra].is(1)) axes.push_back(at);
    ++at;
  }
  return axes;
}

class RowSpace {
 public:
  RowSpace(const std::vector<Node*>& nodes, const std::function<bool(Value)>& is_result)
      : nodes_(nodes), members_(nodes.begin(), nodes.end()), is_result_(is_result) {}

  bool holds() {
    return find_folds() && contraction_stands_alone() && index_maps_read_once() && rows_align() && results_fit();
  }

 private:
  bool find_folds() {
    for (const Node* node : nodes_) {
      if (is_contraction(*node)) {
        if (contraction_ || fold_) return false;
        contraction_ = node;
      }
      if (!is_reduction(*node)) continue;
      Fold fold = fold_of(*node);
      if (contraction_ || (fold_ && !(*fold_ == fold))) return false;
      fold_ = std::move(fold);
    }
    return true;
  }

  // Its operands would be computed again for each element that reads them.
  bool contraction_stands_alone() const {
    if (!contraction_) return true;
    for (const Value& operand : contraction_->operands()) {
      if (members_.count(operand.node) && !is_free(*operand.node)) return false;
    }
    return true;
  }

  bool index_maps_read_once() {
    std::unordered_set<const Node*> remapped;  // read through an index map
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
      Node& node = **it;
      bool maps = is_index_map(node) || remapped.count(&node);
      if (!maps) continue;
      for (const Value& operand : node.operands()) {
        Node& producer = *operand.node;
        if (!members_.count(&producer) || is_free(producer)) continue;
        if (is_reduction(producer) || is_contraction(producer) || is_result_(operand)) return false;
        if (producer.uses(operand.index).size() != 1) return false;
        remapped.insert(&producer);
      }
    }
    remapped_ = std::move(remapped);
    return true;
  }

  // A row that is stretched over the space must be stretched over the folded axes.
  bool rows_align() const {
    if (!fold_) return true;
    for (const Node* node : nodes_) {
      if (node->op().fusion != FusionClass::kElementwise) continue;
      const Dims& dims = node->result_types()[0].dims;
      if (without_ones(dims) != fold_->space) continue;
      for (const Value& operand : node->operands()) {
        if (!members_.count(operand.node) || without_ones(operand.dims()) != fold_->rows) continue;
        if (fold_->rows != fold_->space && axes_in(operand.dims(), dims) != fold_->row_axes) return false;
      }
    }
    return true;
  }

  // The space is that of the fold, else the dims of the largest value.
  bool results_fit() const {
    Dims space;
    if (fold_) {
      space = fold_->space;
    } else {
      for (const Node* node : nodes_) {
        if (remapped_.count(node) || is_free(*node)) continue;
        for (const TensorType& type : node->result_types()) {
          Dims dims = without_ones(type.dims);
          if (dims.size() > space.size()) space = std::move(dims);
        }
      }
    }
    bool whole_results = false;
    for (Node* node : nodes_) {
      if (is_free(*node)) continue;
      for (int i = 0; i < node->num_results(); ++i) {
        Dims dims = without_ones(node->result(i).dims());
        bool whole = dims == space, row = fold_ && dims == fold_->rows;
        if (!is_result_(node->result(i))) {
          // What is computed again must be smaller than the space, or be read through a map.
          if (!whole && !row && !remapped_.count(node) && !is_smaller(dims, space)) return false;
          continue;
        }
        if (!whole && !row) return false;
        whole_results |= whole && !row;
      }
    }
    return !fold_ || !whole_results || (fold_->folds_last && has_many_rows());
  }

  // Rows run in parallel. A large space that is one row is better stored by one kernel and folded by another.
  bool has_many_rows() const {
    constexpr std::int64_t kSmall = 16 * 1024;
    Dim elements = product(fold_->space);
    return !fold_->rows.empty() || (elements.is_static() && elements.value() <= kSmall);
  }

  // Broadcasts into the space: its dims are among those of the space, in order.
  static bool is_smaller(const Dims& dims, const Dims& space) {
    std::size_t at = 0;
    for (const Dim& dim : dims) {
      while (at < space.size() && !(space[at] == dim)) ++at;
      if (at++ >= space.size()) return false;
    }
    return true;
  }

  const std::vector<Node*>& nodes_;
  std::unordered_set<const Node*> members_;
  const std::function<bool(Value)>& is_result_;
  std::optional<Fold> fold_;
  const Node* contraction_ = nullptr;
  std::unordered_set<const Node*> remapped_;
};

}  // namespace

bool is_free(const Node& node) { return node.num_operands() == 0 && !is_graph_operand(node) && !is_group(node); }

bool is_trivial_reshape(const Node& node) {
  return node.is("reshape") && without_ones(node.operand(0).dims()) == without_ones(node.result_types()[0].dims);
}

bool is_fusible(const Node& node) {
  if (is_graph_operand(node) || is_group(node) || is_free(node)) return false;
  if (is_view(node)) return is_trivial_reshape(node);
  return is_pointwise(node) || is_index_map(node) || is_reduction(node) || is_contraction(node);
}

bool share_row_space(const std::vector<Node*>& nodes, const std::function<bool(Value)>& is_result) {
  return RowSpace(nodes, is_result).holds();
}

}  // namespace mica::ir
