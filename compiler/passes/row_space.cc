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

// Broadcasts into the space: its dims are among those of the space, in order.
bool is_smaller(const Dims& dims, const Dims& space) {
  std::size_t at = 0;
  for (const Dim& dim : dims) {
    while (at < space.size() && !(space[at] == dim)) ++at;
    if (at++ >= space.size()) return false;
  }
  return true;
}

}  // namespace

// One question to the rules.
class RowSpaceRules {
 public:
  using Facts = RowSpaces::Facts;
  using Fold = RowSpaces::Fold;
  RowSpaceRules(RowSpaces& spaces, const std::vector<Node*>& nodes, RowSpaces::IsMember is_member,
                RowSpaces::IsResult is_result)
      : spaces_(spaces), nodes_(nodes), is_member_(is_member), is_result_(is_result), question_(++spaces.question_) {}

  bool hold() {
    return find_folds() && contraction_stands_alone() && index_maps_read_once() && rows_align() && results_fit();
  }

 private:
  Facts& facts(const Node& node) { return spaces_.facts(node); }

  bool find_folds() {
    for (const Node* node : nodes_) {
      const Facts& of = facts(*node);
      if (of.contraction) {
        if (contraction_ || fold_) return false;
        contraction_ = node;
      }
      if (!of.reduction) continue;
      if (contraction_ || (fold_ && !(*fold_ == of.fold))) return false;
      fold_ = &of.fold;
    }
    return true;
  }

  // Its operands would be computed again for each element that reads them.
  bool contraction_stands_alone() {
    if (!contraction_) return true;
    for (const Value& operand : contraction_->operands()) {
      if (is_member_(*operand.node) && !facts(*operand.node).free) return false;
    }
    return true;
  }

  bool index_maps_read_once() {
    for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
      const Facts& of = facts(**it);
      if (!of.index_map && of.remapped != question_) continue;
      for (const Value& operand : (*it)->operands()) {
        Facts& producer = facts(*operand.node);
        if (!is_member_(*operand.node) || producer.free) continue;
        if (producer.reduction || producer.contraction || is_result_(operand)) return false;
        if (operand.node->uses(operand.index).size() != 1) return false;
        producer.remapped = question_;
      }
    }
    return true;
  }

  // A row that is stretched over the space must be stretched over the folded axes.
  bool rows_align() {
    if (!fold_ || fold_->rows == fold_->space) return true;
    for (Node* node : nodes_) {
      const Facts& of = facts(*node);
      if (!of.elementwise || of.spaces[0] != fold_->space) continue;
      for (const Value& operand : node->operands()) {
        if (!is_member_(*operand.node) || spaces_.space_of(operand) != fold_->rows) continue;
        if (axes_in(operand.dims(), node->result().dims()) != fold_->row_axes) return false;
      }
    }
    return true;
  }

  // The space is that of the fold, else the dims of the largest value.
  int space() {
    if (fold_) return fold_->space;
    std::optional<int> largest;
    for (const Node* node : nodes_) {
      const Facts& of = facts(*node);
      if (of.remapped == question_ || of.free) continue;
      for (int space : of.spaces) {
        if (!largest || spaces_.dims_of(space).size() > spaces_.dims_of(*largest).size()) largest = space;
      }
    }
    return largest.value_or(spaces_.number_of({}));
  }

  bool results_fit() {
    const int whole = space();
    bool whole_results = false;
    for (Node* node : nodes_) {
      const Facts& of = facts(*node);
      if (of.free) continue;
      for (int i = 0; i < node->num_results(); ++i) {
        const int own = of.spaces[static_cast<std::size_t>(i)];
        const bool is_whole = own == whole, is_row = fold_ && own == fold_->rows;
        if (!is_result_(node->result(i))) {
          // What is computed again must be smaller than the space, or be read through a map.
          if (!is_whole && !is_row && of.remapped != question_ &&
              !is_smaller(spaces_.dims_of(own), spaces_.dims_of(whole)))
            return false;
          continue;
        }
        if (!is_whole && !is_row) return false;
        whole_results |= is_whole && !is_row;
      }
    }
    return !fold_ || !whole_results || (fold_->folds_last && has_many_rows());
  }

  // Rows run in parallel. A large space that is one row is better stored by one kernel and folded by another.
  bool has_many_rows() const {
    constexpr std::int64_t kSmall = 16 * 1024;
    Dim elements = product(spaces_.dims_of(fold_->space));
    return !spaces_.dims_of(fold_->rows).empty() || (elements.is_static() && elements.value() <= kSmall);
  }

  RowSpaces& spaces_;
  const std::vector<Node*>& nodes_;
  RowSpaces::IsMember is_member_;
  RowSpaces::IsResult is_result_;
  std::uint32_t question_;
  const Fold* fold_ = nullptr;
  const Node* contraction_ = nullptr;
};

bool is_free(const Node& node) { return node.num_operands() == 0 && !is_graph_operand(node) && !is_group(node); }

bool is_trivial_reshape(const Node& node) {
  return node.is("reshape") && without_ones(node.operand(0).dims()) == without_ones(node.result_types()[0].dims);
}

bool is_fusible(const Node& node) {
  if (is_graph_operand(node) || is_group(node) || is_free(node)) return false;
  if (is_view(node)) return is_trivial_reshape(node);
  return is_pointwise(node) || is_index_map(node) || is_reduction(node) || is_contraction(node);
}

RowSpaces::Facts& RowSpaces::facts(const Node& node) {
  if (facts_.size() <= node.position()) facts_.resize(node.graph().nodes().size());
  Facts& of = facts_[node.position()];
  if (of.known) return of;
  of.known = true;
  of.free = is_free(node);
  of.reduction = is_reduction(node);
  of.contraction = is_contraction(node);
  of.elementwise = node.op().fusion == FusionClass::kElementwise;
  of.index_map = is_index_map(node);
  for (const TensorType& type : node.result_types()) of.spaces.push_back(number_of(type.dims));
  if (of.reduction) of.fold = fold_of(node);
  return of;
}

RowSpaces::Fold RowSpaces::fold_of(const Node& reduction) {
  const TensorType& operand = reduction.operand(0).type();
  Ints axes = reduction.attrs().ints("axes");
  std::vector<bool> folded(operand.dims.size(), axes.empty());
  for (std::int64_t axis : axes) folded[static_cast<std::size_t>(axis < 0 ? axis + operand.rank() : axis)] = true;
  Fold fold;
  Dims rows;
  bool seen_folded = false;
  std::int64_t place = 0;  // among the axes of the space
  for (std::size_t axis = 0; axis < folded.size(); ++axis) {
    if (operand.dims[axis].is(1)) continue;
    if (folded[axis]) {
      seen_folded = true;
    } else {
      rows.push_back(operand.dims[axis]);
      fold.row_axes.push_back(place);
      fold.folds_last = fold.folds_last && !seen_folded;
    }
    ++place;
  }
  fold.space = number_of(operand.dims);
  fold.rows = number_of(std::move(rows));
  return fold;
}

int RowSpaces::number_of(Dims dims) {
  std::erase_if(dims, [](const Dim& dim) { return dim.is(1); });
  auto [it, is_new] = numbers_.emplace(to_string(dims), static_cast<int>(spaces_.size()));
  if (is_new) spaces_.push_back(std::move(dims));
  return it->second;
}

bool RowSpaces::share(const std::vector<Node*>& nodes, IsMember is_member, IsResult is_result) {
  return RowSpaceRules(*this, nodes, is_member, is_result).hold();
}

}  // namespace mica::ir
