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
#include <functional>
#include <unordered_set>
#include <vector>

#include "compiler/graph/graph.h"

namespace mica::ir {

// Constants, iota: they have no operands and are computed wherever they are needed.
bool is_free(const Node& node);
// A reshape that only adds or drops axes of extent 1: no element moves, an index loses or gains a zero.
bool is_trivial_reshape(const Node& node);
// May stand in a group with others.
bool is_fusible(const Node& node);

// True when the nodes (in topological order) obey the rules; `is_result` says which values are used outside.
bool share_row_space(const std::vector<Node*>& nodes, const std::function<bool(Value)>& is_result);

}  // namespace mica::ir
