// Dumps: a model at every stage of its way, as text, as DOT or as JSON.
#pragma once
#include <string>
#include <string_view>

#include "compiler/graph/graph.h"
#include "frontend/mica/model.h"

namespace mica::internal {

// The way from `graph` to machine code; not Stage::kCalls, which is a model's own. `mode` and `batch` are those that
// the graph was traced with. A `note` stands before it, as a comment. Text for every stage; DOT for graph and fused;
// JSON for graph, fused and program. The target "cuda:sm_80" or "cuda:sm_90" shows graph, fused, loop and ptx, "cpu"
// every stage; PTX of "cpu" is that of sm_80.
std::string dump_graph(const ir::Graph& graph, Stage stage, const DumpOptions& options, const std::string& note = {});

// "fused" of Stage::kFused, and back: Error for another word.
std::string_view stage_name(Stage stage);
Stage stage_named(std::string_view name);

}  // namespace mica::internal
