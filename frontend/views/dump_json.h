// Dumps as JSON, for tools that read what a person reads in the text: the same names of values, types and layers.
#pragma once
#include <string>

#include "compiler/graph/graph.h"
#include "compiler/program/plan.h"
#include "frontend/graph/model_graph.h"

namespace mica::views {

// {"model", "inputs": [{"name", "type"}], "calls": [{"key", "class", "inputs", "types"}], "outputs": [{"name",
// "value"}]}
std::string to_json(const std::string& model, const internal::ModelGraph& graph);

// {"graph", "inputs", "nodes": [{"value", "op", "attributes", "operands", "types", "layer", "role", "bodies"}],
// "outputs"}; the result k of a node of several is "%3#k". A `note` stands under that key.
std::string to_json(const ir::Graph& graph, const std::string& note = {});

// {"program", "buffers": [{"name", "space", "type", …}], "init": steps, "run": steps, "results"}; a step's operands and
// results are indices of buffers, a loop has "steps" of its own.
std::string to_json(const program::Plan& plan, const std::string& note = {});

}  // namespace mica::views
