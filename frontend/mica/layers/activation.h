// Activations as layers.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

struct ReLUOptions {
  std::optional<double> max_value = {};
  double negative_slope = 0, threshold = 0;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class ReLU : public Layer {
 public:
  explicit ReLU(ReLUOptions options = {});
};
class LeakyReLU : public Layer {
 public:
  explicit LeakyReLU(double negative_slope = 0.3, NameOptions options = {});
};
class ELU : public Layer {
 public:
  explicit ELU(double alpha = 1, NameOptions options = {});
};
struct PReLUOptions {
  Initializer alpha_initializer = "zeros";
  Regularizer alpha_regularizer = {};
  Constraint alpha_constraint = {};
  Axes shared_axes = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class PReLU : public Layer {
 public:
  explicit PReLU(PReLUOptions options = {});
};
struct SoftmaxOptions {
  Axes axis = -1;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Softmax : public Layer {  // a mask of the call takes the elements out where it is false
 public:
  explicit Softmax(SoftmaxOptions options = {});
};

}  // namespace layers
}  // namespace mica
