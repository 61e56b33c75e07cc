// Callbacks around one call of fit, evaluate or predict; callbacks from what a file says of them.
#pragma once
#include <vector>

#include "frontend/mica/model.h"

namespace mica::internal {

class CallbackList {
 public:
  CallbackList(const Model& model, const std::vector<Callback>& callbacks);
  bool empty() const { return callbacks_.empty(); }
  // Calls a hook of every callback, in their order: call(&CustomCallback::on_epoch_end, epoch, logs).
  template <class Hook, class... Args>
  void call(Hook hook, Args&&... args) const {
    for (const Callback& callback : callbacks_) (callback.impl().*hook)(args...);
  }
  const std::vector<Callback>& callbacks() const { return callbacks_; }

 private:
  std::vector<Callback> callbacks_;
};

// From a class and its options, by Keras' names; the schedule of a LearningRateScheduler is a list `table`, one rate
// for each epoch. Errors list the classes that files can name.
Callback make_callback(const Described& described);

}  // namespace mica::internal
