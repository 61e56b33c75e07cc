// What a step of torch.nn's recurrent modules computes: the same for modules over time and for cells.
#pragma once
#include <string>

#include "frontend/mica/tensor.h"

namespace mica::internal {

// `x` and `h` are the products of input and hidden state with their weights, with biases, [N, gates * hidden]; `states`
// those before the step (h, then c). Returns the states after it.
using GateStep = Tensors (*)(const Tensor& x, const Tensor& h, const Tensors& states, const std::string& nonlinearity);

struct GateKind {
  const char* module_name;  // "LSTM"
  int gates, num_states;
  GateStep step;
};

const GateKind& rnn_kind();   // nonlinearity(x + h)
const GateKind& gru_kind();   // reset, update, new; the reset gate multiplies the recurrent product with its bias
const GateKind& lstm_kind();  // input, forget, cell, output

// The user's error for a nonlinearity other than tanh and relu.
void check_nonlinearity(const char* where, const std::string& nonlinearity);

}  // namespace mica::internal
