// Which nodes may share one kernel: the rules of the row space.
//
// A kernel walks one space of elements, the dims of its largest results. Each value of a group is read at the element
// that is being written, or at its row:
//
//     x[N,C] ── max over C ──┐ [N]        one space [N,C], one set of rows [N]: softmax is one kernel
//        └────── subtract ◄──┘ ── exp ── …
//
//  - Reductions fold the same axes of the same space. Values of the whole space may be results beside them only when
//  the
//    folded axes are the last ones (otherwise the kernel would walk memory across rows) and rows are left to run in
//    parallel.
//  - A contraction (matmul, convolution, pooling) stands alone, with what is elementwise after it.
//  - What is read through an index map (slice, transpose, concat) is computed where it is read, so it is read once, is
//    no result and contains no fold.
//  - A smaller value (a sum of two biases) may be computed again for each element, if it is no result.
#pragma once
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "compiler/graph/graph.h"

namespace mica::ir {

// Constants, iota: they have no operands and are computed wherever they are needed.
bool is_free(const Node& node);
// A reshape that only adds or drops axes of extent 1: no element moves, an index loses or gains a zero.
bool is_trivial_reshape(const Node& node);
// May stand in a group with others.
bool is_fusible(const Node& node);

// The rules, with what they ask about the nodes of one graph kept from question to question: it may grow meanwhile,
// but must not be sorted.
class RowSpaces {
 public:
  using IsMember = absl::FunctionRef<bool(const Node&)>;
  using IsResult = absl::FunctionRef<bool(Value)>;

  // True when the nodes (in topological order) obey the rules; `is_result` says which values are used outside.
  bool share(const std::vector<Node*>& nodes, IsMember is_member, IsResult is_result);

 private:
  friend class RowSpaceRules;
  // Of a reduction: the space that it folds, without axes of extent 1, and which of its axes are left as rows.
  struct Fold {
    int space = 0, rows = 0;
    Ints row_axes = {};
    bool folds_last = true;
    friend bool operator==(const Fold&, const Fold&) = default;
  };
  struct Facts {
    bool known = false, free = false, reduction = false, contraction = false, elementwise = false, index_map = false;
    std::vector<int> spaces = {};  // of the results
    Fold fold = {};
    std::uint32_t remapped = 0;  // the question in which it was read through an index map
  };

  Facts& facts(const Node& node);
  Fold fold_of(const Node& reduction);
  int number_of(Dims dims);  // of the dims without those of extent 1
  int space_of(Value value) { return facts(*value.node).spaces[static_cast<std::size_t>(value.index)]; }
  const Dims& dims_of(int space) const { return spaces_[static_cast<std::size_t>(space)]; }

  std::deque<Facts> facts_;  // by position
  std::vector<Dims> spaces_;
  absl::flat_hash_map<std::string, int> numbers_;
  std::uint32_t question_ = 0;
};

}  // namespace mica::ir
