#include "frontend/training/optimizers/registry.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/training/optimizer.h"

namespace mica::internal {
namespace {

struct OptimizerClass {
  const char* name;
  Optimizer (*make)();  // with the defaults of all options
};

template <class T>
Optimizer with_defaults() {
  return T();
}
// The inner optimizer is replaced by the file's.
Optimizer loss_scaling() { return LossScaleOptimizer(SGD()); }

constexpr OptimizerClass kClasses[] = {{"Adadelta", with_defaults<Adadelta>},
                                       {"Adafactor", with_defaults<Adafactor>},
                                       {"Adagrad", with_defaults<Adagrad>},
                                       {"Adam", with_defaults<Adam>},
                                       {"AdamW", with_defaults<AdamW>},
                                       {"Adamax", with_defaults<Adamax>},
                                       {"Ftrl", with_defaults<Ftrl>},
                                       {"Lamb", with_defaults<Lamb>},
                                       {"Lion", with_defaults<Lion>},
                                       {"LossScaleOptimizer", loss_scaling},
                                       {"Muon", with_defaults<Muon>},
                                       {"Nadam", with_defaults<Nadam>},
                                       {"RMSprop", with_defaults<RMSprop>},
                                       {"SGD", with_defaults<SGD>},
                                       {"ScheduleFreeAdamW", with_defaults<ScheduleFreeAdamW>}};

}  // namespace

Optimizer make_optimizer(const Described& described) {
  if (std::optional<Optimizer> own = make_custom_optimizer(described)) return *own;
  for (const OptimizerClass& known : kClasses) {
    if (!absl::EqualsIgnoreCase(known.name, described.class_name)) continue;
    Optimizer optimizer = known.make();
    optimizer.impl().read(described.config);
    return optimizer;
  }
  auto append = [](std::string* out, const OptimizerClass& known) { absl::StrAppend(out, known.name); };
  throw Error({.where = "optimizer",
               .expected = absl::StrCat("one of ", absl::StrJoin(kClasses, ", ", append)),
               .received = absl::StrCat("\"", described.class_name, "\""),
               .hint = {}});
}

Config::Value FieldValue<Optimizer>::write(const Optimizer& value) {
  if (value.impl().custom()) return custom_optimizer_value(value.impl());
  Described described = value.impl().described();
  return object_value("keras.optimizers", described.class_name, described.config);
}

std::optional<Optimizer> FieldValue<Optimizer>::read(const Config::Value& value) {
  std::optional<Described> described = described_by(value);
  return described ? std::optional<Optimizer>(make_optimizer(*described)) : std::nullopt;
}

}  // namespace mica::internal
