// ModelCheckpoint.
#include <cstdio>
#include <filesystem>

#include "frontend/training/callbacks/file_name.h"
#include "frontend/training/callbacks/monitor.h"
#include "frontend/training/callbacks/save_frequency.h"

namespace mica {
namespace {

constexpr const char* kName = "ModelCheckpoint";

class ModelCheckpointImpl : public CustomCallback {
 public:
  ModelCheckpointImpl(std::string_view filepath, ModelCheckpointOptions options)
      : filepath_(filepath),
        o_(std::move(options)),
        monitor_(kName, o_.monitor, o_.mode, 0),
        frequency_(kName, o_.save_freq),
        best_(o_.initial_value_threshold) {
    const char* ending = o_.save_weights_only ? ".weights.h5" : ".keras";
    if (filepath_.ends_with(ending)) return;
    throw Error({.where = kName,
                 .expected = std::string("a filepath that ends with ") + ending,
                 .received = "\"" + filepath_ + "\"",
                 .hint = {}});
  }

  void on_epoch_begin(int epoch) override { epoch_ = epoch; }
  void on_train_batch_end(int batch, const Logs& logs) override {
    if (frequency_.is_due(batch)) save(batch, logs);
  }
  void on_epoch_end(int epoch, Logs& logs) override {
    epoch_ = epoch;
    if (frequency_.at_epochs()) save(-1, logs);
  }

  CallbackState state() const override {
    CallbackState state{.values = {{"epoch", epoch_}, {"seen", frequency_.seen()}, {"batch", batch_}}};
    if (best_) state.values.set("best", *best_);
    return state;
  }
  void restore(const CallbackState& state) override {
    epoch_ = state.values.get<int>("epoch");
    frequency_.set_seen(state.values.get<std::int64_t>("seen"), state.values.get<int>("batch"));
    if (state.values.contains("best")) best_ = state.values.get<double>("best");
  }

 private:
  void save(int batch, const Logs& logs) {
    batch_ = batch;
    if (o_.save_best_only && !is_best(logs)) return;
    const std::string path = internal::formatted_name(filepath_, epoch_ + 1, batch + 1, logs);
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder);
    if (o_.verbose > 0) std::printf("Epoch %d: the model goes to %s\n", epoch_ + 1, path.c_str());
    o_.save_weights_only ? model().save_weights(path) : model().save(path);
  }

  // Without a number to compare every model is saved, as in Keras.
  bool is_best(const Logs& logs) {
    std::optional<double> current = monitor_.value(logs);
    if (!current) return true;
    if (!monitor_.is_improvement(model(), *current, best_)) return false;
    best_ = current;
    return true;
  }

  std::string filepath_;
  ModelCheckpointOptions o_;
  internal::Monitor monitor_;
  internal::SaveFrequency frequency_;
  std::optional<double> best_;
  int epoch_ = 0, batch_ = -1;
};

}  // namespace

ModelCheckpoint::ModelCheckpoint(std::string_view filepath, ModelCheckpointOptions options)
    : Callback(std::make_shared<ModelCheckpointImpl>(filepath, std::move(options))) {}

}  // namespace mica
