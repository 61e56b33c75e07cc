// What a LearningRate is behind its handle when it is no number. Rates are computed in double on the host; a step takes
// them as run-time operands.
#pragma once
#include "frontend/layers/fields.h"
#include "frontend/mica/training/schedules.h"

namespace mica::internal {

class ScheduleImpl {
 public:
  virtual ~ScheduleImpl() = default;
  virtual double at(double step) const = 0;
  // The class and its options as files have them; no class for a function of one's own.
  virtual Described described() const = 0;
};

// By Keras' class; Error with the list of the known ones.
LearningRate make_schedule(const Described& described);

// A number, or the object of a schedule.
template <>
struct FieldValue<LearningRate> {
  static Config::Value write(const LearningRate& value);
  static std::optional<LearningRate> read(const Config::Value& value);
  static std::string expected() { return "a number or a schedule"; }
};

}  // namespace mica::internal
