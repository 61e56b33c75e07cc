#include "frontend/ops/families.h"
namespace mica::internal {
OperationDefs indexing_operations() { return {}; }
}  // namespace mica::internal
