#include "frontend/ops/families.h"
namespace mica::internal {
OperationDefs neural_operations() { return {}; }
}  // namespace mica::internal
