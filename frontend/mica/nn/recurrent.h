// Recurrent modules: auto [output, h] = gru(x); auto [output, h, c] = lstm(x, {h0, c0}). x is [T, N, features], with
// batch_first [N, T, features], without a batch [T, features].
#pragma once
#include "mica/layer.h"

namespace mica::nn {

struct RNNOptions {
  std::int64_t num_layers = 1;
  std::string nonlinearity = "tanh";  // or "relu"
  bool bias = true, batch_first = false;
  double dropout = 0;  // between the layers
  bool bidirectional = false;
};
struct RecurrentOptions {
  std::int64_t num_layers = 1;
  bool bias = true, batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  std::int64_t proj_size = 0;  // of LSTM: the size that h is projected to
};
struct RecurrentResult {
  Tensor output, h;
};
struct LSTMResult {
  Tensor output, h, c;
};
class RNN : public Layer {
 public:
  RNN(std::int64_t input_size, std::int64_t hidden_size, RNNOptions options = {});
  RecurrentResult operator()(const Tensor& x, const Tensor& h0 = {}) const;
};
class GRU : public Layer {
 public:
  GRU(std::int64_t input_size, std::int64_t hidden_size, RecurrentOptions options = {});
  RecurrentResult operator()(const Tensor& x, const Tensor& h0 = {}) const;
};
class LSTM : public Layer {
 public:
  LSTM(std::int64_t input_size, std::int64_t hidden_size, RecurrentOptions options = {});
  LSTMResult operator()(const Tensor& x, const std::array<Tensor, 2>& h0_c0 = {}) const;
};

// One step: x [N, features] and h [N, hidden].
struct RNNCellOptions {
  bool bias = true;
  std::string nonlinearity = "tanh";
};
struct CellOptions {
  bool bias = true;
};
struct LSTMCellResult {
  Tensor h, c;
};
class RNNCell : public Layer {
 public:
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, RNNCellOptions options = {});
  Tensor operator()(const Tensor& x, const Tensor& h = {}) const;
};
class GRUCell : public Layer {
 public:
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, CellOptions options = {});
  Tensor operator()(const Tensor& x, const Tensor& h = {}) const;
};
class LSTMCell : public Layer {
 public:
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, CellOptions options = {});
  LSTMCellResult operator()(const Tensor& x, const std::array<Tensor, 2>& h_c = {}) const;
};

}  // namespace mica::nn
