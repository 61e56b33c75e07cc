// TensorBoard.
#include <chrono>
#include <optional>

#include "frontend/files/keras_object.h"
#include "frontend/graph/model_state.h"
#include "frontend/mica/model.h"
#include "frontend/training/callbacks/event_file.h"
#include "frontend/training/callbacks/save_frequency.h"

namespace mica {
namespace {

constexpr std::string_view kValidation = "val_";

class TensorBoardImpl : public CustomCallback {
 public:
  TensorBoardImpl(std::string_view log_dir, TensorBoardOptions options)
      : log_dir_(log_dir),
        o_(std::move(options)),
        frequency_("TensorBoard", o_.update_freq == "batch" ? std::string("1") : o_.update_freq) {}

  void on_train_begin() override {
    train_.emplace(log_dir_ + "/train");
    validation_.reset();
    if (o_.write_graph && internal::model_state(model()).graph) {
      train_->add_text("keras", "graph_keras_model", Config::Value(files::model_object(model())).to_json(), 0);
    }
  }
  void on_epoch_begin(int) override {
    begun_ = Clock::now();
    first_step_ = model().optimizer().iterations();
  }
  void on_train_batch_end(int batch, const Logs& logs) override {
    if (!frequency_.is_due(batch)) return;
    for (const auto& [name, value] : logs.items())
      train_->add_scalar("batch_" + name, value, model().optimizer().iterations());
  }
  void on_epoch_end(int epoch, Logs& logs) override {
    for (const auto& [name, value] : logs.items()) {
      const bool is_validation = name.starts_with(kValidation);
      if (is_validation && !validation_) validation_.emplace(log_dir_ + "/validation");
      internal::EventFile& file = is_validation ? *validation_ : *train_;
      file.add_scalar("epoch_" + (is_validation ? name.substr(kValidation.size()) : name), value, epoch);
    }
    if (o_.write_steps_per_second) add_speed(epoch);
    if (o_.histogram_freq > 0 && epoch % o_.histogram_freq == 0) add_weights(epoch);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void add_speed(int epoch) {
    const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    const auto steps = static_cast<double>(model().optimizer().iterations() - first_step_);
    train_->add_scalar("epoch_steps_per_second", steps / seconds, epoch);
  }

  void add_weights(int epoch) {
    for (const Variable& weight : model().weights()) {
      const std::vector<double> values = weight.to_vector<double>();
      train_->add_histogram(weight.path() + "/histogram", values, epoch);
    }
  }

  std::string log_dir_;
  TensorBoardOptions o_;
  internal::SaveFrequency frequency_;
  std::optional<internal::EventFile> train_, validation_;
  Clock::time_point begun_ = {};  // of the epoch
  std::int64_t first_step_ = 0;
};

}  // namespace

TensorBoard::TensorBoard(std::string_view log_dir, TensorBoardOptions options)
    : Callback(std::make_shared<TensorBoardImpl>(log_dir, std::move(options))) {}

}  // namespace mica
