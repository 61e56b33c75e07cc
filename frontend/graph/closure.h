// Closure: a scope in which a trace is the body of an operation (scan). What the body uses from outside (values of the
// enclosing trace, Variables, arrays) becomes its last inputs. A body changes no Variable.
//
//   Trace body({.name = "step"});
//   Closure closure(body);
//   Tensor x = body.input(type, "x");                       // inputs of its own first
//   body.output(matmul(x, weight), "y");
//   operands.insert(operands.end(), closure.captured()…);   // here: weight
#pragma once
#include <string_view>

#include "frontend/graph/trace.h"

namespace mica::internal {

class Closure {
 public:
  explicit Closure(Trace& body);
  ~Closure();
  Closure(const Closure&) = delete;
  Closure& operator=(const Closure&) = delete;

  // The living closure of a trace, or null.
  static Closure* of(const Trace& trace);

  // The input of the body that stands for a tensor from outside.
  ir::Value capture(const Tensor& tensor);
  // What was captured, in the order of the inputs.
  const Tensors& captured() const { return captured_; }

 private:
  Trace& body_;
  Closure* outer_;
  Tensors captured_;
  ir::Values values_;  // of captured_, in the body
};

// The user's error for an effect (an assignment, a loss) in a body.
[[noreturn]] void throw_effect_in_body(std::string_view effect);

}  // namespace mica::internal
