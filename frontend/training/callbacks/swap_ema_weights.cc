// SwapEMAWeights.
#include "frontend/mica/model.h"
#include "frontend/training/config.h"
#include "frontend/training/session.h"

namespace mica {
namespace {

class SwapEMAWeightsImpl : public CustomCallback {
 public:
  explicit SwapEMAWeightsImpl(bool swap_on_epoch) : swap_on_epoch_(swap_on_epoch) {}

  void on_epoch_begin(int) override {
    if (swap_on_epoch_) take_out();
  }
  void on_epoch_end(int epoch, Logs&) override {
    if (!swap_on_epoch_ || is_in_model_) return;
    put_in();
    const bool is_last = epoch + 1 == internal::fit_session(model(), "SwapEMAWeights").epochs();
    if (!is_last && !model().stop_training()) return;
    // fit() ends by giving the model its averages: what stands in their place now is not to come back.
    optimizer().set_averages(weights());
  }
  void on_test_begin() override { put_in(); }
  void on_test_end(const Logs&) override { take_out(); }
  void on_predict_begin() override { put_in(); }
  void on_predict_end() override { take_out(); }

 private:
  internal::TrainingConfig& config() const { return internal::training_config(model(), "fit"); }
  internal::OptimizerImpl& optimizer() const { return config().optimizer.impl(); }
  const Parameters& weights() const { return config().trained(model()); }

  void put_in() { swap(true); }
  void take_out() { swap(false); }
  void swap(bool in) {
    if (is_in_model_ == in) return;
    optimizer().swap_averages(weights());
    is_in_model_ = in;
  }

  bool swap_on_epoch_, is_in_model_ = false;
};

}  // namespace

SwapEMAWeights::SwapEMAWeights(bool swap_on_epoch) : Callback(std::make_shared<SwapEMAWeightsImpl>(swap_on_epoch)) {}

}  // namespace mica
