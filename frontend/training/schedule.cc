#include "frontend/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/trace.h"

namespace mica {
namespace internal {
namespace {

// What all schedules of Keras but one have.
struct DecayFields {
  double initial = 0;
  std::int64_t steps = 1;

  void check(const std::string& where, const char* steps_name) const {
    if (steps >= 1) return;
    throw Error({.where = where,
                 .expected = absl::StrCat(steps_name, " of at least 1"),
                 .received = absl::StrCat(steps),
                 .hint = {}});
  }
};

// A record of Options: kClass, kName (Keras' default of `name`), visit(), check() and at().
template <class Record>
class KerasSchedule final : public ScheduleImpl {
 public:
  explicit KerasSchedule(Record record) : record_(std::move(record)) {
    if (record_.name.empty()) record_.name = Record::kName;
    record_.check();
  }
  static std::shared_ptr<const ScheduleImpl> from(const Config& config) {
    Record record;
    ConfigReader reader(config, Record::kClass);
    record.visit(reader);
    reader.finish();
    return std::make_shared<KerasSchedule>(std::move(record));
  }

  double at(double step) const override { return record_.at(step); }
  Described described() const override {
    Described described{Record::kClass, {}};
    ConfigWriter writer(described.config);
    Record(record_).visit(writer);
    return described;
  }

 private:
  Record record_;
};

struct Exponential {
  static constexpr const char* kClass = "ExponentialDecay";
  static constexpr const char* kName = kClass;
  DecayFields decay;
  double rate = 1;
  bool staircase = false;
  std::string name;

  void visit(FieldVisitor& v) {
    v.required("initial_learning_rate", decay.initial);
    v.required("decay_steps", decay.steps);
    v.required("decay_rate", rate);
    v.field("staircase", staircase);
    v.field("name", name);
  }
  void check() const { decay.check(name, "decay_steps"); }
  double periods(double step) const {
    double p = step / static_cast<double>(decay.steps);
    return staircase ? std::floor(p) : p;
  }
  double at(double step) const { return decay.initial * std::pow(rate, periods(step)); }
};

struct InverseTime : Exponential {
  static constexpr const char* kClass = "InverseTimeDecay";
  static constexpr const char* kName = kClass;
  double at(double step) const { return decay.initial / (1 + rate * periods(step)); }
};

struct Polynomial {
  static constexpr const char* kClass = "PolynomialDecay";
  static constexpr const char* kName = kClass;
  DecayFields decay;
  PolynomialOptions o;
  std::string name;

  void visit(FieldVisitor& v) {
    v.required("initial_learning_rate", decay.initial);
    v.required("decay_steps", decay.steps);
    v.field("end_learning_rate", o.end_learning_rate);
    v.field("power", o.power);
    v.field("cycle", o.cycle);
    v.field("name", name);
  }
  void check() const { decay.check(name, "decay_steps"); }
  double at(double step) const {
    double length = static_cast<double>(decay.steps);
    if (o.cycle) {  // the end of the cycle that the step lies in
      length *= std::max(1.0, std::ceil(step / length));
    } else {
      step = std::min(step, length);
    }
    return (decay.initial - o.end_learning_rate) * std::pow(1 - step / length, o.power) + o.end_learning_rate;
  }
};

// From 1 to `alpha` while `fraction` goes from 0 to 1.
double cosine(double fraction, double alpha, double height = 1) {
  return (1 - alpha) * 0.5 * height * (1 + std::cos(std::numbers::pi * fraction)) + alpha;
}

struct Cosine {
  static constexpr const char* kClass = "CosineDecay";
  static constexpr const char* kName = kClass;
  DecayFields decay;
  CosineDecayOptions o;
  std::string name;

  void visit(FieldVisitor& v) {
    v.required("initial_learning_rate", decay.initial);
    v.required("decay_steps", decay.steps);
    v.field("alpha", o.alpha);
    v.field("name", name);
    v.field("warmup_target", o.warmup_target);
    v.field("warmup_steps", o.warmup_steps);
  }
  void check() const { decay.check(name, "decay_steps"); }
  double at(double step) const {
    double warmup = o.warmup_target ? static_cast<double>(o.warmup_steps) : 0;
    double top = o.warmup_target.value_or(decay.initial), length = static_cast<double>(decay.steps);
    if (step < warmup) return decay.initial + (top - decay.initial) * step / warmup;
    return top * cosine(std::min(step - warmup, length) / length, o.alpha);
  }
};

struct CosineRestarts {
  static constexpr const char* kClass = "CosineDecayRestarts";
  static constexpr const char* kName = "SGDRDecay";
  DecayFields decay;
  CosineRestartsOptions o;
  std::string name;

  void visit(FieldVisitor& v) {
    v.required("initial_learning_rate", decay.initial);
    v.required("first_decay_steps", decay.steps);
    v.field("t_mul", o.t_mul);
    v.field("m_mul", o.m_mul);
    v.field("alpha", o.alpha);
    v.field("name", name);
  }
  void check() const { decay.check(name, "first_decay_steps"); }
  double at(double step) const {
    double fraction = step / static_cast<double>(decay.steps);
    double period = std::floor(fraction);
    if (o.t_mul == 1) {
      fraction -= period;
    } else {  // the periods before this one are a geometric sum
      period = std::floor(std::log(1 - fraction * (1 - o.t_mul)) / std::log(o.t_mul));
      double length = std::pow(o.t_mul, period);
      fraction = (fraction - (1 - length) / (1 - o.t_mul)) / length;
    }
    return decay.initial * cosine(fraction, o.alpha, std::pow(o.m_mul, period));
  }
};

struct Piecewise {
  static constexpr const char* kClass = "PiecewiseConstantDecay";
  static constexpr const char* kName = "PiecewiseConstant";
  std::vector<double> boundaries, values;
  std::string name;

  void visit(FieldVisitor& v) {
    v.required("boundaries", boundaries);
    v.required("values", values);
    v.field("name", name);
  }
  void check() const {
    if (values.size() == boundaries.size() + 1) return;
    throw Error({.where = name,
                 .expected = absl::StrCat(boundaries.size() + 1, " values, one more than boundaries"),
                 .received = absl::StrCat(values.size()),
                 .hint = {}});
  }
  double at(double step) const {
    auto at = std::lower_bound(boundaries.begin(), boundaries.end(), step);
    return values[static_cast<std::size_t>(at - boundaries.begin())];
  }
};

class OwnSchedule final : public ScheduleImpl {
 public:
  explicit OwnSchedule(std::function<Tensor(const Tensor&)> fn) : fn_(std::move(fn)) {}
  double at(double step) const override {
    TraceSuspension eager;
    return fn_(Tensor::of(make_literal(step, kFloat32))).item();
  }
  Described described() const override { return {}; }

 private:
  std::function<Tensor(const Tensor&)> fn_;
};

struct ScheduleClass {
  std::string_view name;
  std::shared_ptr<const ScheduleImpl> (*from)(const Config&);
};
template <class Record>
ScheduleClass schedule_class() {
  return {Record::kClass, KerasSchedule<Record>::from};
}
const std::vector<ScheduleClass>& schedule_classes() {
  static const auto* classes = new std::vector<ScheduleClass>{
      schedule_class<Cosine>(),      schedule_class<CosineRestarts>(), schedule_class<Exponential>(),
      schedule_class<InverseTime>(), schedule_class<Piecewise>(),      schedule_class<Polynomial>()};
  return *classes;
}

template <class Record>
std::shared_ptr<const ScheduleImpl> schedule_of(Record record) {
  return std::make_shared<KerasSchedule<Record>>(std::move(record));
}

// A LearningRate of a schedule that has no public class of its own here.
struct MadeSchedule : LearningRate {
  explicit MadeSchedule(std::shared_ptr<const ScheduleImpl> schedule) : LearningRate(std::move(schedule)) {}
};

}  // namespace

LearningRate make_schedule(const Described& described) {
  for (const ScheduleClass& known : schedule_classes()) {
    if (known.name == described.class_name) return MadeSchedule(known.from(described.config));
  }
  auto append = [](std::string* out, const ScheduleClass& known) { out->append(known.name); };
  throw Error({.where = "learning_rate",
               .expected = absl::StrCat("one of the schedules ", absl::StrJoin(schedule_classes(), ", ", append)),
               .received = described.class_name,
               .hint = {}});
}

Config::Value FieldValue<LearningRate>::write(const LearningRate& value) {
  if (value.is_constant()) return static_cast<double>(static_cast<float>(value.at(0)));  // Keras keeps a float32
  Described described = value.schedule()->described();
  if (!described.class_name.empty()) {
    return object_value("keras.optimizers.schedules", described.class_name, described.config);
  }
  throw Error({.where = "learning_rate",
               .expected = "a learning rate that files can hold",
               .received = "a function of the step",
               .hint = "set_lr() gives it a number."});
}

std::optional<LearningRate> FieldValue<LearningRate>::read(const Config::Value& value) {
  if (std::optional<double> number = FieldValue<double>::read(value)) return LearningRate(*number);
  if (value.kind() != Config::Value::Kind::kObject) return std::nullopt;
  std::optional<Described> described = described_by(value);
  return described ? std::optional<LearningRate>(make_schedule(*described)) : std::nullopt;
}

}  // namespace internal

LearningRate::LearningRate(double constant) : constant_(constant) {}
LearningRate::LearningRate(std::function<Tensor(const Tensor&)> schedule)
    : schedule_(std::make_shared<internal::OwnSchedule>(std::move(schedule))) {}
double LearningRate::at(std::int64_t step) const {
  return schedule_ ? schedule_->at(static_cast<double>(step)) : constant_;
}

inline namespace schedules {
using internal::schedule_of;

CosineDecay::CosineDecay(double initial, std::int64_t decay_steps, CosineDecayOptions o)
    : LearningRate(schedule_of(internal::Cosine{{initial, decay_steps}, o, o.name})) {}
CosineDecayRestarts::CosineDecayRestarts(double initial, std::int64_t first_decay_steps, CosineRestartsOptions o)
    : LearningRate(schedule_of(internal::CosineRestarts{{initial, first_decay_steps}, o, o.name})) {}
ExponentialDecay::ExponentialDecay(double initial, std::int64_t decay_steps, double decay_rate, StaircaseOptions o)
    : LearningRate(schedule_of(internal::Exponential{{initial, decay_steps}, decay_rate, o.staircase, o.name})) {}
InverseTimeDecay::InverseTimeDecay(double initial, std::int64_t decay_steps, double decay_rate, StaircaseOptions o)
    : LearningRate(schedule_of(internal::InverseTime{{{initial, decay_steps}, decay_rate, o.staircase, o.name}})) {}
PiecewiseConstantDecay::PiecewiseConstantDecay(std::vector<std::int64_t> boundaries, std::vector<double> values,
                                               PiecewiseOptions o)
    : LearningRate(
          schedule_of(internal::Piecewise{{boundaries.begin(), boundaries.end()}, std::move(values), o.name})) {}
PolynomialDecay::PolynomialDecay(double initial, std::int64_t decay_steps, PolynomialOptions o)
    : LearningRate(schedule_of(internal::Polynomial{{initial, decay_steps}, o, o.name})) {}
}  // namespace schedules

}  // namespace mica
