// The list of operation families. A new family is one line here; a new operation is a record in its family's file.
#include "compiler/ops/op_def.h"

namespace mica::ir {

const Registry& registry() {
  static const Registry* all = [] { return new Registry(); }();
  return *all;
}

}  // namespace mica::ir
