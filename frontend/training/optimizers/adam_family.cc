#include "frontend/training/optimizers/adam_family.h"

namespace mica::internal {

AdamFamilyRule::AdamFamilyRule(std::string_view class_name, LearningRate rate, AdamOptions o)
    : Rule(class_name, std::move(rate), std::move(o)) {
  check_options();
}

void AdamFamilyRule::visit_options(FieldVisitor& v) {
  v.field("beta_1", o_.beta_1);
  v.field("beta_2", o_.beta_2);
  v.field("epsilon", o_.epsilon);
}

void AdamFamilyRule::check_options() const {
  check_beta("beta_1", o_.beta_1);
  check_beta("beta_2", o_.beta_2);
  check_not_negative("epsilon", o_.epsilon);
  if (!o_.amsgrad) return;
  throw Error({.where = name(),
               .expected = "no amsgrad",
               .received = "true",
               .hint = "Adam and AdamW have it: Adam(1e-3, {.amsgrad = true})."});
}

std::vector<SlotSpec> AdamFamilyRule::slots_of(const Variable& variable) const {
  return {slot(variable, "momentum"), slot(variable, "velocity")};
}

}  // namespace mica::internal
