// Recurrent layers: cells, wrappers, states and masks.
#include "tests/keras_opens/cases.h"

namespace mica::keras_opens {
namespace {

// Ids whose zeros are masked, as vectors.
template <class Make>
Case masked(const char* name, Make make) {
  return {name, {{5}}, [=](const Tensors& xs) { return make(Embedding(7, 3, {.mask_zero = true})(xs[0])); }, 3};
}

std::vector<Case> plain_cases() {
  Shape line{6, 4};
  return {
      one("SimpleRNN", line, SimpleRNN(3, {.activation = "relu", .return_sequences = true})),
      one("LSTM", line, LSTM(3, {.unit_forget_bias = false, .go_backwards = true})),
      one("LSTMDropout", line,
          LSTM(3, {.kernel_regularizer = "l2",
                   .recurrent_constraint = "max_norm",
                   .dropout = 0.25,
                   .recurrent_dropout = 0.5,
                   .seed = 3,
                   .unroll = true})),
      one("LSTMStates", line, LSTM(3, {.return_state = true})),
      one("GRU", line, GRU(3, {.return_sequences = true, .reset_after = false})),
      one("GRUStates", line, GRU(3, {.recurrent_activation = "hard_sigmoid", .use_bias = false, .return_state = true})),
      {"Stateful",
       {line},
       [](const Tensors& xs) { return Tensors{LSTM(3)(GRU(4, {.return_sequences = true, .stateful = true})(xs[0]))}; },
       0,
       true},
      {"InitialStates",
       {line, {3}, {3}},
       [](const Tensors& xs) {
         return LSTM(3, {.return_state = true}).apply(xs[0], {.initial_state = {xs[1], xs[2]}});
       }},
      {"InitialState",
       {line, {3}},
       [](const Tensors& xs) {
         return Tensors{GRU(3)(xs[0], {.initial_state = {xs[1]}}), SimpleRNN(3)(xs[0], {.initial_state = {xs[1]}})};
       }},
  };
}

std::vector<Case> cell_cases() {
  Shape line{6, 4};
  return {
      one("RNN", line, RNN({LSTMCell(3), GRUCell(2), SimpleRNNCell(4)}, {.return_state = true})),
      one("RNNOfOneCell", line,
          RNN(GRUCell(3, {.reset_after = false}), {.return_sequences = true, .go_backwards = true, .unroll = true})),
      one("RNNOfStackedCells", line, RNN(StackedRNNCells({SimpleRNNCell(2, {.dropout = 0.5}), LSTMCell(3)}))),
      masked("RNNOfZeroOutputs",
             [](const Tensor& x) {
               return RNN(LSTMCell(3), {.return_sequences = true, .zero_output_for_mask = true}).apply(x);
             }),
  };
}

std::vector<Case> wrapper_cases() {
  Shape line{6, 4};
  return {
      one("Bidirectional", line, Bidirectional(LSTM(3, {.return_sequences = true}), {.merge_mode = "sum"})),
      one("BidirectionalProduct", line, Bidirectional(GRU(3), {.merge_mode = "mul"})),
      one("BidirectionalAverage", line, Bidirectional(SimpleRNN(3), {.merge_mode = "ave"})),
      one("BidirectionalApart", line, Bidirectional(GRU(3, {.return_sequences = true}), {.merge_mode = "none"})),
      one("BidirectionalStates", line, Bidirectional(LSTM(3, {.return_state = true}))),
      one("BidirectionalOfTwo", line, Bidirectional(LSTM(3), {.backward_layer = GRU(2, {.go_backwards = true})})),
      one("BidirectionalOfCells", line, Bidirectional(RNN({LSTMCell(3), GRUCell(2)}, {.return_sequences = true}))),
      one("TimeDistributed", {6, 4, 3}, TimeDistributed(Conv1D(2, 3, {.padding = "same"}))),
      one("TimeDistributedModel", line, TimeDistributed(Sequential({Dense(3, {.activation = "relu"}), Dense(2)}))),
      masked("Masks",
             [](const Tensor& x) { return Tensors{LSTM(3)(Bidirectional(GRU(2, {.return_sequences = true}))(x))}; }),
  };
}

std::vector<Case> convolution_lstm_cases() {
  Shape lines{4, 6, 3}, images{3, 6, 5, 2}, volumes{2, 4, 4, 4, 2};
  return {
      one("ConvLSTM1D", lines, ConvLSTM1D(2, 3, {.dropout = 0.5, .return_state = true})),
      one("ConvLSTM2D", images, ConvLSTM2D(2, 3, {.padding = "same", .return_sequences = true})),
      one("ConvLSTM2DStrided", images, ConvLSTM2D(2, {3, 2}, {.strides = {2, 1}, .use_bias = false})),
      one("ConvLSTM3D", volumes, ConvLSTM3D(2, 2, {.dilation_rate = 2, .go_backwards = true})),
      one("BidirectionalConvLSTM2D", images, Bidirectional(ConvLSTM2D(2, 3))),
  };
}

}  // namespace

std::vector<Case> recurrent_cases() {
  std::vector<Case> all;
  for (auto cases : {plain_cases, cell_cases, wrapper_cases, convolution_lstm_cases}) {
    for (Case& c : cases()) all.push_back(std::move(c));
  }
  return all;
}

}  // namespace mica::keras_opens
