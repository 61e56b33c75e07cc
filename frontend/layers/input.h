// InputLayer: what Input() makes. Its one call has no operands; its result is a placeholder.
#pragma once
#include <string_view>

#include "frontend/graph/value.h"
#include "frontend/layers/builtin.h"

namespace mica::internal {

class InputLayer final : public BuiltinLayer {
 public:
  InputLayer(ir::TensorType type, std::string_view name, bool optional);
  const ir::TensorType& type() const { return type_; }
  bool optional() const { return optional_; }
  void fields(FieldVisitor& visitor) override;

 private:
  ir::TensorType type_;
  bool optional_;
};

// A layer of its own for an inner tensor that a model takes as input.
Layer make_input_layer(const ir::TensorType& type, std::string_view name);

}  // namespace mica::internal
