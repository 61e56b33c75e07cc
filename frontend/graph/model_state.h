// ModelState: what a model has beside a layer: its graph, the Programs compiled for it, its training configuration.
#pragma once
#include <any>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "frontend/graph/execute.h"
#include "frontend/graph/model_graph.h"
#include "frontend/mica/model.h"

namespace mica::internal {

struct ModelState {
  std::optional<ModelGraph> graph;  // functional models, and sequential ones whose input is known
  std::mutex mutex;                 // of what follows
  std::map<std::string, std::shared_ptr<const Executable>, std::less<>> programs;
  int compilations = 0;
  std::any training;  // frontend/training's: optimizer, losses, metrics
  // The compile() of a file that Mica could not follow, and why: files that are written hold it again.
  struct UnreadTraining {
    Config config;
    std::string error;
    Parameters optimizer;  // its variables
  };
  std::optional<UnreadTraining> unread;
};

// The state of a model; Error when the handle is empty.
ModelState& model_state(const Model& model);
// Its graph. A subclassed model has none: Error, naming `wanted`.
const ModelGraph& model_graph(const Model& model, std::string_view wanted);
std::vector<Layer> model_layers(const CustomLayer& model);

// What a layer was given, in the order it takes: a model matches names, another layer takes tensors only.
Tensors ordered_inputs(const CustomLayer& layer, const Inputs& inputs);

// A model on traced inputs: what its forward pass adds to a graph. Layers of the model have paths without its name.
Tensors forward(const CustomLayer& model, const Tensors& inputs);

// The data of a call of predict, fit or evaluate: arrays in the order of the model's inputs, checked against them.
struct ModelData {
  std::vector<std::string> names;
  ir::Types types;  // with the batch "N" and the model's other open dims as symbols
  std::vector<rt::Array> arrays;
  std::int64_t batch = 0;  // rows
};
ModelData model_data(const CustomLayer& model, const Inputs& x);
// Rows [begin, end) of an array, sharing its storage.
rt::Array rows(const rt::Array& array, std::int64_t begin, std::int64_t end);

// The Executable kept under `key`, made by `build` the first time.
std::shared_ptr<const Executable> compiled(ModelState& state, const std::string& key,
                                           const std::function<TracedGraph()>& build, const ExecuteOptions& options);
// The inference graph of a model: results named after the outputs ("name:1" where a name repeats), then the taps.
TracedGraph trace_model(const CustomLayer& model, const std::vector<std::string>& names, const ir::Types& types,
                        TraceOptions options, bool with_outputs = true);

}  // namespace mica::internal
