#include "frontend/training/optimizers/conditional.h"

#include "frontend/graph/apply.h"
#include "frontend/graph/trace.h"

namespace mica::internal {
namespace {

Tensor held_by(const Variable& variable) {
  Trace* trace = Trace::current();
  return trace ? trace->wrap(trace->lift(variable)) : Tensor::of(current_value(variable.node()));
}

}  // namespace

ConditionalUpdate::ConditionalUpdate(Parameters variables) : variables_(std::move(variables)) {
  for (const Variable& variable : variables_) before_.push_back(held_by(variable));
}

void ConditionalUpdate::only_if(const Tensor& condition) const {
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    Variable variable = variables_[i];
    variable.assign(where(condition, variable, before_[i]));
  }
}

Tensor all_finite(const Tensor& values) { return (~(apply("isinf", {values}) | apply("isnan", {values}))).all(); }

}  // namespace mica::internal
