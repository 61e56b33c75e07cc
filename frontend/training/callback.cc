#include "frontend/training/callback.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/layers/fields.h"
#include "frontend/training/config.h"
#include "frontend/training/session.h"

namespace mica {
namespace internal {

// When a callback acts: a word, or a number of batches.
struct Frequency {
  std::string text;
};
template <>
struct FieldValue<Frequency> {
  static Config::Value write(const Frequency& value) { return value.text; }
  static std::optional<Frequency> read(const Config::Value& value) {
    if (value.kind() == Config::Value::Kind::kText) return Frequency{value.text()};
    if (value.kind() == Config::Value::Kind::kInteger) return Frequency{absl::StrCat(value.integer())};
    return std::nullopt;
  }
  static std::string expected() { return "a word or a number of batches"; }
};

namespace {

// The options of each class, by Keras' names.
void fields(FieldVisitor& v, EarlyStoppingOptions& o) {
  v.field("monitor", o.monitor);
  v.field("min_delta", o.min_delta);
  v.field("patience", o.patience);
  v.field("verbose", o.verbose);
  v.field("mode", o.mode);
  v.field("baseline", o.baseline);
  v.field("restore_best_weights", o.restore_best_weights);
  v.field("start_from_epoch", o.start_from_epoch);
}

void fields(FieldVisitor& v, ReduceLROnPlateauOptions& o) {
  v.field("monitor", o.monitor);
  v.field("factor", o.factor);
  v.field("patience", o.patience);
  v.field("verbose", o.verbose);
  v.field("mode", o.mode);
  v.field("min_delta", o.min_delta);
  v.field("cooldown", o.cooldown);
  v.field("min_lr", o.min_lr);
}

void fields(FieldVisitor& v, ModelCheckpointOptions& o) {
  v.field("monitor", o.monitor);
  v.field("verbose", o.verbose);
  v.field("save_best_only", o.save_best_only);
  v.field("save_weights_only", o.save_weights_only);
  v.field("mode", o.mode);
  v.field("initial_value_threshold", o.initial_value_threshold);
}

void fields(FieldVisitor& v, TensorBoardOptions& o) {
  v.field("histogram_freq", o.histogram_freq);
  v.field("write_graph", o.write_graph);
  v.field("write_steps_per_second", o.write_steps_per_second);
}

void fields(FieldVisitor& v, BackupAndRestoreOptions& o) {
  v.field("double_checkpoint", o.double_checkpoint);
  v.field("delete_checkpoint", o.delete_checkpoint);
}

void fields(FieldVisitor& v, TerminateOnNaNOptions& o) {
  v.field("raise_error", o.raise_error);
  v.field("gradients", o.gradients);
}

// "epoch" or a number of batches, which files may write as a number.
void read_frequency(ConfigReader& reader, const char* name, std::string& text) {
  Frequency frequency{text};
  reader.field(name, frequency);
  text = frequency.text;
}

Callback model_checkpoint(ConfigReader& reader) {
  ModelCheckpointOptions o;
  std::string filepath;
  reader.required("filepath", filepath);
  read_frequency(reader, "save_freq", o.save_freq);
  fields(reader, o);
  reader.finish();
  return ModelCheckpoint(filepath, o);
}

Callback csv_logger(ConfigReader& reader) {
  std::string filename, separator = ",";
  bool append = false;
  reader.required("filename", filename);
  reader.field("separator", separator);
  reader.field("append", append);
  reader.finish();
  return CSVLogger(filename, separator.empty() ? ',' : separator[0], append);
}

Callback tensor_board(ConfigReader& reader) {
  TensorBoardOptions o;
  std::string log_dir = "logs";
  reader.field("log_dir", log_dir);
  read_frequency(reader, "update_freq", o.update_freq);
  fields(reader, o);
  reader.finish();
  return TensorBoard(log_dir, o);
}

Callback backup_and_restore(ConfigReader& reader) {
  BackupAndRestoreOptions o;
  std::string backup_dir;
  reader.required("backup_dir", backup_dir);
  read_frequency(reader, "save_freq", o.save_freq);
  fields(reader, o);
  reader.finish();
  return BackupAndRestore(backup_dir, o);
}

template <class Class, class Options>
Callback with_options(ConfigReader& reader) {
  Options options;
  fields(reader, options);
  reader.finish();
  return Class(options);
}

// After the last epoch of the table its last rate stays.
Callback learning_rate_table(ConfigReader& reader) {
  std::vector<double> table;
  int verbose = 0;
  reader.required("table", table);
  reader.field("verbose", verbose);
  reader.finish();
  if (table.empty()) {
    throw Error({.where = "LearningRateScheduler",
                 .expected = "a table with a rate for each epoch",
                 .received = "an empty list",
                 .hint = {}});
  }
  return LearningRateScheduler(
      [table](int epoch, double) { return table[std::min(static_cast<std::size_t>(epoch), table.size() - 1)]; },
      verbose);
}

Callback swap_ema_weights(ConfigReader& reader) {
  bool swap_on_epoch = false;
  reader.field("swap_on_epoch", swap_on_epoch);
  reader.finish();
  return SwapEMAWeights(swap_on_epoch);
}

struct CallbackClass {
  const char* name;
  Callback (*make)(ConfigReader& reader);
};

constexpr CallbackClass kClasses[] = {
    {"BackupAndRestore", backup_and_restore},
    {"CSVLogger", csv_logger},
    {"EarlyStopping", with_options<EarlyStopping, EarlyStoppingOptions>},
    {"LearningRateScheduler", learning_rate_table},
    {"ModelCheckpoint", model_checkpoint},
    {"ReduceLROnPlateau", with_options<ReduceLROnPlateau, ReduceLROnPlateauOptions>},
    {"SwapEMAWeights", swap_ema_weights},
    {"TensorBoard", tensor_board},
    {"TerminateOnNaN", with_options<TerminateOnNaN, TerminateOnNaNOptions>},
};

}  // namespace

CallbackList::CallbackList(const Model& model, const std::vector<Callback>& callbacks) : callbacks_(callbacks) {
  for (const Callback& callback : callbacks_) callback.impl().model_ = model.impl();
}

Callback make_callback(const Described& described) {
  std::vector<std::string> names;
  for (const CallbackClass& known : kClasses) {
    names.emplace_back(known.name);
    if (described.class_name != known.name) continue;
    ConfigReader reader(described.config, described.class_name);
    return known.make(reader);
  }
  throw Error({.where = "callbacks",
               .expected = absl::StrCat("one of the classes ", join(names)),
               .received = absl::StrCat("\"", described.class_name, "\""),
               .hint = {}});
}

}  // namespace internal

internal::FitSession& internal::fit_session(const Model& model, std::string_view callback) {
  if (FitSession* session = training_config(model, "fit").session) return *session;
  throw Error(
      {.where = std::string(callback), .expected = "to run in fit()", .received = "no fit() that runs", .hint = {}});
}

Model CustomCallback::model() const {
  if (std::shared_ptr<CustomLayer> impl = model_.lock()) return Model::of(std::move(impl));
  throw Error({.where = "CustomCallback",
               .expected = "model() during fit, evaluate or predict",
               .received = "a callback that no model runs",
               .hint = {}});
}

}  // namespace mica
