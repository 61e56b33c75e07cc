// Recurrent layers and their cells. apply<3>(x) gives {output, h, c} when return_state is set; call options:
// initial_state, mask, training.
#pragma once
#include "mica/layers/core.h"

namespace mica {

// What RNN asks of a cell besides its call. One's own cell derives from CustomLayer and from this; its
// call({x, states …}) gives {output, new states …} of one step, x being [N, …] and a state [N, its size …].
class RNNCell {
 public:
  virtual ~RNNCell() = default;
  virtual std::vector<Shape> state_size() const = 0;                // of every state, without the batch
  virtual Shape output_size() const { return state_size().at(0); }  // without the batch
};

inline namespace layers {

struct SimpleRNNOptions {
  ActivationFn activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
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
struct GRUOptions {
  ActivationFn activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool reset_after = true;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class SimpleRNN : public Layer {
 public:
  explicit SimpleRNN(std::int64_t units, SimpleRNNOptions options = {});
};
class LSTM : public Layer {
 public:
  explicit LSTM(std::int64_t units, LSTMOptions options = {});
};
class GRU : public Layer {
 public:
  explicit GRU(std::int64_t units, GRUOptions options = {});
};

// One step: called on {x, states …}, gives {output, new states …}. Of the options a cell takes those of a step.
class SimpleRNNCell : public Layer {
 public:
  explicit SimpleRNNCell(std::int64_t units, SimpleRNNOptions options = {});
};
class LSTMCell : public Layer {
 public:
  explicit LSTMCell(std::int64_t units, LSTMOptions options = {});
};
class GRUCell : public Layer {
 public:
  explicit GRUCell(std::int64_t units, GRUOptions options = {});
};

// Cells on top of each other, as one cell.
class StackedRNNCells : public Layer {
 public:
  explicit StackedRNNCells(std::initializer_list<Layer> cells, NameOptions options = {});
};

struct RNNOptions {
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class RNN : public Layer {
 public:
  explicit RNN(const Layer& cell, RNNOptions options = {});
  explicit RNN(std::initializer_list<Layer> cells, RNNOptions options = {});
};

// merge_mode: "concat", "sum", "mul", "ave", or "none" for two results. The layers inside are new ones with the options
// of `layer`, whose weights are not used; a `backward_layer` is used as it is.
struct BidirectionalOptions {
  std::string merge_mode = "concat";
  Layer backward_layer = {};
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class Bidirectional : public Layer {
 public:
  explicit Bidirectional(const Layer& layer, BidirectionalOptions options = {});
};
class TimeDistributed : public Layer {
 public:
  explicit TimeDistributed(const Layer& layer, NameOptions options = {});
};

template <int N>
struct ConvLSTMOptions {
  Ints<N> strides = 1;
  std::string padding = "valid", data_format = "channels_last";
  Ints<N> dilation_rate = 1;
  ActivationFn activation = "tanh", recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", recurrent_initializer = "orthogonal", bias_initializer = "zeros";
  bool unit_forget_bias = true;
  Regularizer kernel_regularizer = {}, recurrent_regularizer = {}, bias_regularizer = {}, activity_regularizer = {};
  Constraint kernel_constraint = {}, recurrent_constraint = {}, bias_constraint = {};
  double dropout = 0, recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false;
  std::string name = {};
  bool trainable = true;
  MaybeDType dtype = {};
};
class ConvLSTM1D : public Layer {
 public:
  ConvLSTM1D(std::int64_t filters, Ints<1> kernel_size, ConvLSTMOptions<1> options = {});
};
class ConvLSTM2D : public Layer {
 public:
  ConvLSTM2D(std::int64_t filters, Ints<2> kernel_size, ConvLSTMOptions<2> options = {});
};
class ConvLSTM3D : public Layer {
 public:
  ConvLSTM3D(std::int64_t filters, Ints<3> kernel_size, ConvLSTMOptions<3> options = {});
};

}  // namespace layers
}  // namespace mica
