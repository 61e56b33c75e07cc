#include "frontend/ops/families.h"
namespace mica::internal {
OperationDefs linear_algebra_operations() { return {}; }
}  // namespace mica::internal
