// Recurrent steps, and the modules of one step: RNNCell, GRUCell, LSTMCell.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/mica/functional/convolution.h"
#include "frontend/mica/nn/recurrent.h"
#include "frontend/nn/builtin_module.h"
#include "frontend/nn/recurrent_step.h"

namespace mica {
namespace internal {
namespace {

Tensors rnn_step(const Tensor& x, const Tensor& h, const Tensors&, const std::string& nonlinearity) {
  Tensor sum = x + h;
  return {nonlinearity == "relu" ? sum.relu() : sum.tanh()};
}

Tensors gru_step(const Tensor& x, const Tensor& h, const Tensors& states, const std::string&) {
  auto [x_reset, x_update, x_new] = x.chunk<3>(-1);
  auto [h_reset, h_update, h_new] = h.chunk<3>(-1);
  Tensor reset = (x_reset + h_reset).sigmoid(), update = (x_update + h_update).sigmoid();
  Tensor fresh = (x_new + reset * h_new).tanh();
  return {(1 - update) * fresh + update * states[0]};
}

Tensors lstm_step(const Tensor& x, const Tensor& h, const Tensors& states, const std::string&) {
  auto [input, forget, cell, output] = (x + h).chunk<4>(-1);
  Tensor c = forget.sigmoid() * states[1] + input.sigmoid() * cell.tanh();
  return {output.sigmoid() * c.tanh(), c};
}

}  // namespace

const GateKind& rnn_kind() {
  static const GateKind kind{"RNN", 1, 1, rnn_step};
  return kind;
}
const GateKind& gru_kind() {
  static const GateKind kind{"GRU", 3, 1, gru_step};
  return kind;
}
const GateKind& lstm_kind() {
  static const GateKind kind{"LSTM", 4, 2, lstm_step};
  return kind;
}

void check_nonlinearity(const char* where, const std::string& nonlinearity) {
  if (nonlinearity == "tanh" || nonlinearity == "relu") return;
  throw Error({.where = where,
               .expected = "nonlinearity tanh or relu",
               .received = absl::StrCat("\"", nonlinearity, "\""),
               .hint = {}});
}

}  // namespace internal

namespace nn {
namespace {

using namespace internal;

class CellModule final : public BuiltinModule {
 public:
  CellModule(const GateKind& kind, std::int64_t input_size, std::int64_t hidden_size, bool bias,
             std::string nonlinearity)
      : BuiltinModule(absl::StrCat(kind.module_name, "Cell")),
        kind_(kind),
        input_size_(input_size),
        hidden_size_(hidden_size),
        bias_(bias),
        nonlinearity_(std::move(nonlinearity)) {
    expect_positive("hidden_size", hidden_size);
    double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
    std::int64_t rows = kind.gates * hidden_size;
    register_parameter("weight_ih", uniform_values({rows, input_size}, -bound, bound));
    register_parameter("weight_hh", uniform_values({rows, hidden_size}, -bound, bound));
    if (!bias) return;
    register_parameter("bias_ih", uniform_values({rows}, -bound, bound));
    register_parameter("bias_hh", uniform_values({rows}, -bound, bound));
  }

  std::string module_text() const override {
    std::string text = absl::StrCat(input_size_, ", ", hidden_size_);
    if (!bias_) absl::StrAppend(&text, ", bias=False");
    if (nonlinearity_ != "tanh") absl::StrAppend(&text, ", nonlinearity=", nonlinearity_);
    return text;
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 1, 1 + static_cast<std::size_t>(kind_.num_states));
    if (xs[0].dim() < 1 || xs[0].dim() > 2 || xs[0].size(-1) != input_size_) {
      fail(absl::StrCat("an input [batch, ", input_size_, "]"), describe(xs[0]));
    }
    Tensors states(std::vector<Tensor>(xs.begin() + 1, xs.end()));
    while (states.size() < static_cast<std::size_t>(kind_.num_states)) states.push_back(zero_state(xs[0]));
    Tensor x = F::linear(xs[0], weight("weight_ih"), weight("bias_ih"));
    return kind_.step(x, F::linear(states[0], weight("weight_hh"), weight("bias_hh")), states, nonlinearity_);
  }

 private:
  Tensor zero_state(const Tensor& x) const {
    ir::Dims dims = dims_of(x);
    dims.back() = ir::Dim(hidden_size_);
    return apply("constant", {}, {{"value", 0.0}, {"dtype", x.dtype()}, {"shape", dims}});
  }

  const GateKind& kind_;
  std::int64_t input_size_, hidden_size_;
  bool bias_;
  std::string nonlinearity_;
};

std::shared_ptr<CustomLayer> cell(const GateKind& kind, std::int64_t input_size, std::int64_t hidden_size, bool bias,
                                  const std::string& nonlinearity = "tanh") {
  check_nonlinearity("RNNCell", nonlinearity);
  return std::make_shared<CellModule>(kind, input_size, hidden_size, bias, nonlinearity);
}

Tensors called(const Layer& module, std::initializer_list<Tensor> tensors) {
  CallArguments arguments;
  for (const Tensor& tensor : tensors) {
    if (tensor.defined() || arguments.tensors.empty()) arguments.tensors.push_back(tensor);
  }
  return invoke(module.impl(), std::move(arguments));
}

}  // namespace

RNNCell::RNNCell(std::int64_t input_size, std::int64_t hidden_size, RNNCellOptions options)
    : Layer(cell(rnn_kind(), input_size, hidden_size, options.bias, options.nonlinearity)) {}
Tensor RNNCell::operator()(const Tensor& x, const Tensor& h) const { return called(*this, {x, h})[0]; }
GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, CellOptions options)
    : Layer(cell(gru_kind(), input_size, hidden_size, options.bias)) {}
Tensor GRUCell::operator()(const Tensor& x, const Tensor& h) const { return called(*this, {x, h})[0]; }
LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size, CellOptions options)
    : Layer(cell(lstm_kind(), input_size, hidden_size, options.bias)) {}
LSTMCellResult LSTMCell::operator()(const Tensor& x, const std::array<Tensor, 2>& h_c) const {
  Tensors states = called(*this, {x, h_c[0], h_c[1]});
  return {states[0], states[1]};
}

}  // namespace nn
}  // namespace mica
