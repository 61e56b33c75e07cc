// What several callbacks ask of the logs: has the monitored number improved?
#pragma once
#include <optional>
#include <string>

#include "frontend/mica/model.h"

namespace mica::internal {

class Monitor {
 public:
  // `callback` is the class, for messages; `mode` is "auto", "min" or "max", as in Keras.
  Monitor(std::string callback, std::string name, std::string mode, double min_delta);
  const std::string& name() const { return name_; }
  // The number in the logs; nothing, and one warning, when it is not there.
  std::optional<double> value(const Logs& logs);
  // By more than min_delta; everything is better than nothing.
  bool is_improvement(const Model& model, double value, std::optional<double> reference);

 private:
  bool larger_is_better(const Model& model);
  std::string callback_, name_, mode_;
  double min_delta_;
  std::optional<bool> larger_is_better_;
  bool has_warned_ = false;
};

}  // namespace mica::internal
