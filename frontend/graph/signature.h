// Signature: what an operation is and what it is used on, without the operands themselves: operation, attributes,
// bodies and types. Signatures are interned, so that lazy code infers the types of a use once, and a graph of uses is
// recognised by their numbers.
#pragma once
#include <cstdint>
#include <vector>

#include "frontend/graph/value.h"

namespace mica::internal {

struct Signature {
  const ir::OpDef* op;
  ir::Attrs attrs;  // complete
  Bodies bodies;
  ir::Types results;
  std::uint32_t id;
  bool differentiable;  // has a floating result, and a gradient
};

// The signature of a use; it lives as long as the process. `attrs` as given: defaults are filled in. Error where the
// operands do not fit.
const Signature& signature_of(const ir::OpDef& op, ir::Attrs attrs, const Bodies& bodies,
                              const std::vector<ValueRef>& operands);

}  // namespace mica::internal
