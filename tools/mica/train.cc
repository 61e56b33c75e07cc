// mica fit and evaluate.
#include <cstdio>

#include "frontend/files/atomic_file.h"
#include "frontend/files/file_error.h"
#include "frontend/mica/io.h"
#include "frontend/mica/model.h"
#include "frontend/training/callbacks/backup.h"
#include "tools/mica/commands.h"
#include "tools/mica/train_options.h"

namespace mica::tool {
namespace {

constexpr int kSilent = 0, kAutomatic = -1;

Model load_compiled(const std::string& path) {
  if (is_graph_file(path)) {
    throw Error({.where = path, .expected = "a .keras file", .received = "a Mica text file", .hint = {}});
  }
  return load_model(path);
}

// Roles of a file whose names say them, where the options do not.
ArrayRoles roles_for(const TrainOptions& options, const TensorDict& arrays) {
  return options.roles ? *options.roles : roles_by_name(arrays);
}

ValidationData validation_data(const FitArguments& arguments, const TrainOptions& options, const TensorDict& train) {
  if (!arguments.validation.empty()) {
    const TensorDict arrays = load_npz(arguments.validation);
    const ArrayRoles roles = roles_for(options, arrays);
    return {.x = inputs_of(arrays, roles.x, arguments.validation),
            .y = inputs_of(arrays, roles.y, arguments.validation),
            .sample_weight = inputs_of(arrays, roles.sample_weight, arguments.validation)};
  }
  if (!options.validation) return {};
  const ArrayRoles& roles = *options.validation;
  return {.x = inputs_of(train, roles.x, arguments.data),
          .y = inputs_of(train, roles.y, arguments.data),
          .sample_weight = inputs_of(train, roles.sample_weight, arguments.data)};
}

// What the command line says goes before what the file of options says.
FitOptions fit_options(const FitArguments& arguments, TrainOptions options, const TensorDict& arrays) {
  FitOptions fit = std::move(options.fit);
  if (arguments.epochs) fit.epochs = *arguments.epochs;
  if (arguments.batch_size) fit.batch_size = *arguments.batch_size;
  fit.shuffle &= arguments.shuffle;
  fit.verbose = arguments.quiet ? kSilent : kAutomatic;
  fit.sample_weight = inputs_of(arrays, roles_for(options, arrays).sample_weight, arguments.data);
  fit.validation_data = validation_data(arguments, options, arrays);
  if (!arguments.checkpoint.empty()) {
    fit.callbacks.push_back(internal::backup_callback(
        arguments.checkpoint,
        {.save_freq = arguments.every ? std::to_string(*arguments.every) : "epoch", .resume = arguments.resume}));
  }
  return fit;
}

}  // namespace

void fit(const FitArguments& arguments) {
  if (arguments.seed) set_random_seed(*arguments.seed);
  const TrainOptions options = arguments.options.empty() ? TrainOptions() : read_train_options(arguments.options);
  const Model model = load_compiled(arguments.path);
  const TensorDict arrays = load_npz(arguments.data);
  const ArrayRoles roles = roles_for(options, arrays);
  const History history =
      model.fit(inputs_of(arrays, roles.x, arguments.data), inputs_of(arrays, roles.y, arguments.data),
                fit_options(arguments, options, arrays));
  model.save(arguments.output);
  if (!arguments.history.empty())
    files::throw_if_error(files::write_file(arguments.history, history.to_config().to_json() + "\n"));
}

void evaluate(const EvaluateArguments& arguments) {
  const Model model = load_compiled(arguments.path);
  const TensorDict arrays = load_npz(arguments.data);
  const ArrayRoles roles = roles_by_name(arrays);
  const Logs logs =
      model.evaluate(inputs_of(arrays, roles.x, arguments.data), inputs_of(arrays, roles.y, arguments.data),
                     {.batch_size = arguments.batch_size,
                      .verbose = arguments.quiet || arguments.json ? kSilent : kAutomatic,
                      .sample_weight = inputs_of(arrays, roles.sample_weight, arguments.data)});
  Config values;
  for (const auto& [name, value] : logs.items()) values.set(name, value);
  if (arguments.json) return void(std::puts(values.to_json().c_str()));
  for (const auto& [name, value] : values.items()) std::printf("%s: %s\n", name.c_str(), value.to_json().c_str());
}

}  // namespace mica::tool
