#include "frontend/ops/families.h"
namespace mica::internal {
OperationDefs shape_operations() { return {}; }
}  // namespace mica::internal
