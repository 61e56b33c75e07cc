// mica run and features.
#include "frontend/graph/run_model.h"
#include "frontend/mica/io.h"
#include "frontend/mica/model.h"
#include "tools/mica/commands.h"

namespace mica::tool {
namespace {

// NumPy knows no bfloat16.
TensorDict as_numpy_has(const TensorDict& values) {
  TensorDict known;
  for (const auto& [name, value] : values) {
    known.set(name, value.dtype() == kBFloat16 ? value.to(kFloat32) : value);
  }
  return known;
}

// Runs in order on one instance: a stateful layer goes on where the last run ended.
template <class Values>
void for_each_run(const RunArguments& arguments, const Values& values) {
  for (std::size_t i = 0; i < arguments.inputs.size(); ++i) {
    save_npz(arguments.outputs[i], as_numpy_has(values(load_npz(arguments.inputs[i]))));
  }
}

void set_process_defaults(const RunArguments& arguments) {
  set_default_device(std::string_view(arguments.device));
  if (!arguments.precision.empty()) set_precision(arguments.precision);
  if (arguments.threads > 0) set_num_threads(arguments.threads);
}

}  // namespace

void run(const RunArguments& arguments) {
  set_process_defaults(arguments);
  if (is_graph_file(arguments.path)) return run_graph_file(arguments);
  const Model model = load_model(arguments.path);
  for_each_run(arguments, [&](const TensorDict& inputs) {
    return internal::run_model(model, inputs, {.taps = arguments.taps, .batch_size = arguments.batch_size}).by_name();
  });
}

void features(const RunArguments& arguments) {
  set_process_defaults(arguments);
  const Model model = load_model(arguments.path);
  for_each_run(arguments, [&](const TensorDict& inputs) { return model.trace(inputs, {.layers = arguments.taps}); });
}

}  // namespace mica::tool
