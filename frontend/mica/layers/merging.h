// Merging. Called on a list: Add()({a, b}).
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

class Add : public Layer {
 public:
  explicit Add(NameOptions options = {});
};
class Subtract : public Layer {
 public:
  explicit Subtract(NameOptions options = {});
};
class Multiply : public Layer {
 public:
  explicit Multiply(NameOptions options = {});
};
class Average : public Layer {
 public:
  explicit Average(NameOptions options = {});
};
class Maximum : public Layer {
 public:
  explicit Maximum(NameOptions options = {});
};
class Minimum : public Layer {
 public:
  explicit Minimum(NameOptions options = {});
};
class Concatenate : public Layer {
 public:
  explicit Concatenate(AxisOptions options = {});
};
struct DotOptions {
  bool normalize = false;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Dot : public Layer {
 public:
  explicit Dot(Ints<2> axes, DotOptions options = {});
};
Tensor add(const Tensors& inputs);
Tensor subtract(const Tensors& inputs);
Tensor multiply(const Tensors& inputs);
Tensor average(const Tensors& inputs);
Tensor maximum(const Tensors& inputs);
Tensor minimum(const Tensors& inputs);
Tensor concatenate(const Tensors& inputs, int axis = -1);
Tensor dot(const Tensors& inputs, Ints<2> axes, bool normalize = false);

}  // namespace layers
}  // namespace mica
