// What fit() reports and to whom: numbers by name, callbacks, histories.
#pragma once
#include "mica/layer.h"

namespace mica {

class Model;
namespace internal {
class CallbackList;  // frontend/training/callback.h
}

// Names to numbers, in order of insertion.
class Logs {
 public:
  double operator[](std::string_view name) const;  // throws with the list of names
  bool contains(std::string_view name) const;
  std::vector<std::string> keys() const;
  void set(std::string_view name, double value);
  // The one element of a tensor; of a train_step that is traced, read after each step.
  void set(std::string_view name, const Tensor& value);
  const std::vector<std::pair<std::string, double>>& items() const { return items_; }
  const std::vector<std::pair<std::string, Tensor>>& traced() const { return traced_; }  // the library's own code

 private:
  std::vector<std::pair<std::string, double>> items_;
  std::vector<std::pair<std::string, Tensor>> traced_;
};

// What a callback remembers, as a checkpoint keeps it.
struct CallbackState {
  Config values = {};
  TensorDict tensors = {};
};

// Derive, then create with make<T>(…). The hooks are Keras': fit() calls the train ones; evaluate(), and fit() for
// validation, the test ones; predict() the predict ones. Batches and epochs count from 0. What on_epoch_end() sets in
// the logs is seen by later callbacks and by the History.
class CustomCallback {
 public:
  virtual ~CustomCallback() = default;
  virtual void on_train_begin() {}
  virtual void on_train_end() {}
  virtual void on_epoch_begin(int /*epoch*/) {}
  virtual void on_epoch_end(int /*epoch*/, Logs& /*logs*/) {}
  virtual void on_train_batch_begin(int /*batch*/) {}
  virtual void on_train_batch_end(int /*batch*/, const Logs& /*logs*/) {}
  virtual void on_test_begin() {}
  virtual void on_test_end(const Logs& /*logs*/) {}
  virtual void on_test_batch_begin(int /*batch*/) {}
  virtual void on_test_batch_end(int /*batch*/, const Logs& /*logs*/) {}
  virtual void on_predict_begin() {}
  virtual void on_predict_end() {}
  virtual void on_predict_batch_begin(int /*batch*/) {}
  virtual void on_predict_batch_end(int /*batch*/) {}

  // What a checkpoint keeps between on_train_begin() and the end, and how training that is resumed goes on with it.
  virtual CallbackState state() const { return {}; }
  virtual void restore(const CallbackState& /*state*/) {}

 protected:
  // The model that is being trained, evaluated or run; Error outside of that.
  Model model() const;

 private:
  friend class internal::CallbackList;
  std::weak_ptr<CustomLayer> model_;
};

// A handle: copies are the same callback.
class Callback {
 public:
  CustomCallback& impl() const { return *impl_; }  // the library's own code
  static Callback of(std::shared_ptr<CustomCallback> impl) { return Callback(std::move(impl)); }

 protected:
  explicit Callback(std::shared_ptr<CustomCallback> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<CustomCallback> impl_;
};

inline namespace callbacks {

// mode: "min", "max", or "auto": by the metric that `monitor` names; a loss gets smaller.
struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;
  int patience = 0, verbose = 0;
  std::string mode = "auto";
  std::optional<double> baseline = {};
  bool restore_best_weights = false;
  int start_from_epoch = 0;
};
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  int stopped_epoch() const;  // 0: training was not stopped
};

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;
  int patience = 10;
  std::string mode = "auto";
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_lr = 0;
  int verbose = 0;
};
class ReduceLROnPlateau : public Callback {
 public:
  explicit ReduceLROnPlateau(ReduceLROnPlateauOptions options = {});
};

class LearningRateScheduler : public Callback {
 public:
  explicit LearningRateScheduler(std::function<double(int epoch, double lr)> schedule, int verbose = 0);
};

// Ends training at the first batch whose loss is no finite number: quietly, or with an Error that names it. With
// `gradients` every gradient is checked too, inside the step: a step whose gradients are not finite changes no weight,
// and the Error names the variable.
struct TerminateOnNaNOptions {
  bool raise_error = false;
  bool gradients = false;
};
class TerminateOnNaN : public Callback {
 public:
  explicit TerminateOnNaN(TerminateOnNaNOptions options = {});
};

// Evaluates and predicts with the moving averages of an optimizer that has use_ema; with swap_on_epoch they are in the
// model for the callbacks of an epoch's end too, ModelCheckpoint for one, which stand behind this one in the list.
class SwapEMAWeights : public Callback {
 public:
  explicit SwapEMAWeights(bool swap_on_epoch = false);
};

// filepath may hold {epoch}, {epoch:02d} and numbers of the logs, {val_loss:.2f}. save_freq: "epoch", or a number of
// batches. initial_value_threshold: the best so far, to improve on. Weights alone need a name that ends with
// .weights.h5.
struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false, save_weights_only = false;
  std::string mode = "auto", save_freq = "epoch";
  std::optional<double> initial_value_threshold = {};
};
class ModelCheckpoint : public Callback {
 public:
  explicit ModelCheckpoint(std::string_view filepath, ModelCheckpointOptions options = {});
};

// One line an epoch: the epoch, then the logs by name.
class CSVLogger : public Callback {
 public:
  explicit CSVLogger(std::string_view filename, char separator = ',', bool append = false);
};

// Event files that TensorBoard reads, in log_dir/train and log_dir/validation: the model's graph, scalars of every
// epoch, and of batches where update_freq is "batch" or a number of them; histograms of weights every histogram_freq
// epochs.
struct TensorBoardOptions {
  int histogram_freq = 0;
  bool write_graph = true, write_steps_per_second = false;
  std::string update_freq = "epoch";
};
class TensorBoard : public Callback {
 public:
  explicit TensorBoard(std::string_view log_dir = "logs", TensorBoardOptions options = {});
};

// The state of training in backup_dir, after every epoch or every save_freq batches; fit() goes on from it when it was
// interrupted. double_checkpoint keeps the one before too, for a file that was damaged. The folder's backup is removed
// at the end of training, unless it is to stay.
struct BackupAndRestoreOptions {
  std::string save_freq = "epoch";
  bool double_checkpoint = false, delete_checkpoint = true;
};
class BackupAndRestore : public Callback {
 public:
  explicit BackupAndRestore(std::string_view backup_dir, BackupAndRestoreOptions options = {});
};

// The bar or the lines that fit() prints by itself unless verbose is 0.
class ProgbarLogger : public Callback {
 public:
  ProgbarLogger();
};

struct LambdaCallbackOptions {
  std::function<void(int epoch)> on_epoch_begin = {};
  std::function<void(int epoch, Logs& logs)> on_epoch_end = {};
  std::function<void()> on_train_begin = {}, on_train_end = {};
  std::function<void(int batch)> on_train_batch_begin = {};
  std::function<void(int batch, const Logs& logs)> on_train_batch_end = {};
  std::function<void()> on_test_begin = {};
  std::function<void(const Logs& logs)> on_test_end = {};
  std::function<void(int batch)> on_test_batch_begin = {};
  std::function<void(int batch, const Logs& logs)> on_test_batch_end = {};
  std::function<void()> on_predict_begin = {}, on_predict_end = {};
  std::function<void(int batch)> on_predict_batch_begin = {}, on_predict_batch_end = {};
};
class LambdaCallback : public Callback {
 public:
  explicit LambdaCallback(LambdaCallbackOptions options);
};
}  // namespace callbacks

// One list of numbers a name, one number an epoch: "loss", "val_accuracy", "department_loss".
class History {
 public:
  const std::vector<double>& operator[](std::string_view name) const;  // throws with the names
  bool contains(std::string_view name) const;
  std::vector<std::string> keys() const;
  std::size_t epochs() const;
  void add(const Logs& logs);  // one epoch
  Config to_config() const;    // {"loss": [one per epoch], …}
  static History from_config(const Config& config);

 private:
  std::vector<std::pair<std::string, std::vector<double>>> items_;
};

}  // namespace mica
