// DTypePolicy: in which element type a layer computes and in which it keeps its variables.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "runtime/dtype.h"

namespace mica {

// Keras' policies by name: an element type for both, or "mixed_float16" and "mixed_bfloat16", which compute in half
// precision on float32 variables. A layer casts its floating inputs, and reads its variables, in the compute dtype.
class DTypePolicy {
 public:
  DTypePolicy();  // that of set_dtype_policy(), at first float32
  DTypePolicy(DType dtype);
  DTypePolicy(const char* name);  // unknown names throw Error
  DTypePolicy(const std::string& name);
  // Nothing for a name that is no policy.
  static std::optional<DTypePolicy> named(std::string_view name);

  const std::string& name() const { return name_; }
  DType compute_dtype() const { return compute_; }
  DType variable_dtype() const { return variable_; }

 private:
  DTypePolicy(std::string name, DType compute, DType variable);
  std::string name_;
  DType compute_, variable_;
};

// The policy of layers that are made after the call and name none.
void set_dtype_policy(const DTypePolicy& policy);

}  // namespace mica
