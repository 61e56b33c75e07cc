// FitSession: the call of fit that runs, as callbacks of the library see it: its progress goes to a file, and training
// that was interrupted goes on from there.
#pragma once
#include <string>

#include "frontend/training/callback.h"

namespace mica::internal {

// Everything that the rest of a training depends on beside weights and optimizer.
struct FitState {
  Config values = {};                         // epoch, feed, logs so far, counters
  std::vector<CallbackState> callbacks = {};  // in their order
};

class FitSession {
 public:
  virtual ~FitSession() = default;
  // The model and the FitState go to this .keras file when the callbacks of this batch or epoch have all run.
  virtual void request_save(const std::string& path) = 0;
  // In on_train_begin(): training starts where the file says; where it cannot be read, at what `otherwise` says.
  virtual void request_resume(const std::string& path, const std::string& otherwise) = 0;
  // In on_train_begin(): steps whose gradients are not finite change nothing, and end in an Error.
  virtual void request_gradient_check() = 0;
  // The number of the epoch at which training ends.
  virtual int epochs() const = 0;
};

// Of the call of fit that runs on the model; Error where none does.
FitSession& fit_session(const Model& model, std::string_view callback);

}  // namespace mica::internal
