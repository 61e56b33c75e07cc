// What Nadam, Adamax and Lamb share: Adam's options without amsgrad, and two slots.
#pragma once
#include "frontend/training/optimizers/rule.h"

namespace mica::internal {

class AdamFamilyRule : public Rule<AdamOptions> {
 public:
  AdamFamilyRule(std::string_view class_name, LearningRate rate, AdamOptions o);

 protected:
  void visit_options(FieldVisitor& v) override;
  void check_options() const override;
  std::vector<SlotSpec> slots_of(const Variable& variable) const override;  // momentum, velocity
};

}  // namespace mica::internal
