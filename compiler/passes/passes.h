// Every pass, with its contract in a sentence: the table of contents of this folder. The order is pipeline.cc's.
#pragma once
#include <span>

#include "compiler/passes/pass.h"

namespace mica::ir {

// Applies the rules of canonicalize.cc until none fires: one spelling for each meaning.
absl::Status canonicalize(Graph& graph, const PassOptions& options);
// Concatenations of very many arrays become concatenations of concatenations.
absl::Status split_concats(Graph& graph, const PassOptions& options);
// What a scan computes of one x and captured values alone, row by row, is computed for all steps before it.
absl::Status hoist_inputs(Graph& graph, const PassOptions& options);
// Expands `gradient` nodes into ordinary operations, inner ones first.
absl::Status autodiff(Graph& graph, const PassOptions& options);
// The bodies of `checkpoint` nodes take the place of the nodes.
absl::Status open_checkpoints(Graph& graph, const PassOptions& options);
// Sums over the steps of a scan, such as the gradient of a captured matrix, are taken once after the loop.
absl::Status hoist_sums(Graph& graph, const PassOptions& options);
// Computes operations on constants through the reference, in double.
absl::Status constant_fold(Graph& graph, const PassOptions& options);
// Merges equal nodes, drops dead ones.
absl::Status cleanup(Graph& graph, const PassOptions& options);
// Normalisations of inference go into the weights and the bias of the call before them.
absl::Status fold_normalization(Graph& graph, const PassOptions& options);
// Transposes go into the flags of products, or on until they meet and vanish; padding goes into convolutions.
absl::Status choose_layout(Graph& graph, const PassOptions& options);
// Scans that no template takes become loops, whose bodies run as steps; what does not change leaves them.
absl::Status make_loops(Graph& graph, const PassOptions& options);
// A library call takes the elementwise operations after it as its epilogue: one `fusion` node with `library` set.
absl::Status fuse_library(Graph& graph, const PassOptions& options);
// Decomposes the composites that nothing took.
absl::Status legalize(Graph& graph, const PassOptions& options);
// Sums of large arrays into few numbers are taken in two steps, the first of which runs in parallel.
absl::Status split_sums(Graph& graph, const PassOptions& options);
// Groups the rest into `fusion` nodes, one kernel each.
absl::Status fuse_loops(Graph& graph, const PassOptions& options);

// The pipeline of compile().
std::span<const Pass> pipeline();
// A pass of the pipeline by name, for `mica opt`; null when there is none.
const Pass* find_pass(std::string_view name);

}  // namespace mica::ir
