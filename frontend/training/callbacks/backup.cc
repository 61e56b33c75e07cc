// BackupAndRestore, and the checkpoints of `mica fit`.
#include "frontend/training/callbacks/backup.h"

#include <filesystem>

#include "frontend/training/callbacks/save_frequency.h"
#include "frontend/training/session.h"

namespace mica {
namespace internal {
namespace {

class BackupImpl : public CustomCallback {
 public:
  BackupImpl(std::string path, BackupOptions options)
      : path_(std::move(path)), o_(std::move(options)), frequency_("BackupAndRestore", o_.save_freq) {}

  void on_train_begin() override {
    const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder);
    if (!o_.resume || !std::filesystem::exists(path_)) return;
    session().request_resume(path_, std::filesystem::exists(previous_) ? previous_ : std::string());
  }
  void on_train_batch_end(int batch, const Logs&) override {
    batch_ = batch;
    if (frequency_.is_due(batch)) save();
  }
  void on_epoch_end(int, Logs&) override { save(); }
  void on_train_end() override {
    if (!o_.remove_at_end) return;
    std::filesystem::remove(path_);
    std::filesystem::remove(previous_);
  }

  CallbackState state() const override { return {.values = {{"seen", frequency_.seen()}, {"batch", batch_}}}; }
  void restore(const CallbackState& state) override {
    frequency_.set_seen(state.values.get<std::int64_t>("seen"), state.values.get<int>("batch"));
  }

 private:
  FitSession& session() const { return fit_session(model(), "BackupAndRestore"); }

  void save() {
    if (o_.keep_previous && std::filesystem::exists(path_)) {
      std::filesystem::copy_file(path_, previous_, std::filesystem::copy_options::overwrite_existing);
    }
    session().request_save(path_);
  }

  std::string path_, previous_ = path_ + ".bkp";
  BackupOptions o_;
  SaveFrequency frequency_;
  int batch_ = -1;
};

}  // namespace

Callback backup_callback(const std::string& path, const BackupOptions& options) {
  return Callback::of(std::make_shared<BackupImpl>(path, options));
}

}  // namespace internal

BackupAndRestore::BackupAndRestore(std::string_view backup_dir, BackupAndRestoreOptions options)
    : Callback(internal::backup_callback(std::string(backup_dir) + "/latest.keras",
                                         {.save_freq = options.save_freq,
                                          .resume = true,
                                          .remove_at_end = options.delete_checkpoint,
                                          .keep_previous = options.double_checkpoint})) {}

}  // namespace mica
