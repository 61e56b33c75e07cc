// Recurrent layers. apply<3>(x) gives {output, h, c} when return_state is set; call options: initial_state, mask,
// training.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

struct LSTMOptions {
  ActivationFn activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  bool unit_forget_bias = true;
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class LSTM : public Layer {
 public:
  explicit LSTM(std::int64_t units, LSTMOptions options = {});
};

}  // namespace layers
}  // namespace mica
