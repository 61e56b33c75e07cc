#include "frontend/graph/closure.h"

#include "absl/strings/str_cat.h"
#include "frontend/graph/scope.h"

namespace mica::internal {
namespace {

thread_local Closure* innermost = nullptr;

bool is_same_value(const ValueNode& a, const ValueNode& b) {
  if (&a == &b) return true;
  if (a.kind != b.kind) return false;
  if (a.kind == ValueKind::kVariable) return a.cell == b.cell;
  return a.kind == ValueKind::kTraced && a.trace_id == b.trace_id && a.traced == b.traced;
}

}  // namespace

Closure::Closure(Trace& body) : body_(body), outer_(innermost) { innermost = this; }

Closure::~Closure() { innermost = outer_; }

Closure* Closure::of(const Trace& trace) {
  Closure* closure = innermost;
  while (closure && &closure->body_ != &trace) closure = closure->outer_;
  return closure;
}

ir::Value Closure::capture(const Tensor& tensor) {
  for (std::size_t i = 0; i < captured_.size(); ++i) {
    if (is_same_value(*captured_[i].node(), *tensor.node())) return values_[i];
  }
  values_.push_back(body_.graph().input(type_of(tensor), absl::StrCat("captured", captured_.size())));
  captured_.push_back(tensor);
  return values_.back();
}

void throw_effect_in_body(std::string_view effect) {
  throw Error({.where = LayerScope::current_path(),
               .expected = "a step of a loop without effects",
               .received = std::string(effect),
               .hint = "A cell hands on what changes as a state."});
}

}  // namespace mica::internal
