#include "frontend/graph/function_scope.h"

#include "frontend/graph/scope.h"

namespace mica::internal {
namespace {
thread_local std::string function;
}  // namespace

FunctionScope::FunctionScope(std::string name) : outermost_(function.empty()) {
  if (outermost_) function = std::move(name);
}
FunctionScope::~FunctionScope() {
  if (outermost_) function.clear();
}
const std::string& FunctionScope::current() { return function; }

const std::string& current_place() {
  const LayerScope* layer = LayerScope::current();
  return layer ? layer->path() : function;
}

}  // namespace mica::internal
