#include "frontend/mica/nn/recurrent.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/layers/recurrence.h"
#include "frontend/mica/functional/convolution.h"
#include "frontend/mica/functional/regularization.h"
#include "frontend/nn/builtin_module.h"
#include "frontend/nn/recurrent_step.h"

namespace mica::nn {
namespace {

using namespace internal;

// The options of all kinds.
struct StackOptions {
  std::int64_t input_size, hidden_size, num_layers = 1;
  bool bias = true, batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
  std::int64_t proj_size = 0;
  std::string nonlinearity = "tanh";
};

class RecurrentModule final : public BuiltinModule {
 public:
  RecurrentModule(const GateKind& kind, StackOptions options)
      : BuiltinModule(kind.module_name), kind_(kind), options_(std::move(options)) {
    expect_positive("hidden_size", options_.hidden_size);
    expect_positive("num_layers", options_.num_layers);
    if (options_.proj_size < 0 || options_.proj_size >= options_.hidden_size) {
      fail("proj_size from 0 to below hidden_size", absl::StrCat(options_.proj_size));
    }
    if (options_.proj_size > 0 && kind_.num_states == 1) fail("proj_size of LSTM only", class_name());
    double bound = 1 / std::sqrt(static_cast<double>(options_.hidden_size));
    for (std::int64_t layer = 0; layer < options_.num_layers; ++layer) {
      for (bool reverse : directions()) make_weights(layer, reverse, bound);
    }
  }

  std::string module_text() const override {
    const StackOptions& o = options_;
    std::string text = absl::StrCat(o.input_size, ", ", o.hidden_size);
    if (o.proj_size != 0) absl::StrAppend(&text, ", proj_size=", o.proj_size);
    if (o.num_layers != 1) absl::StrAppend(&text, ", num_layers=", o.num_layers);
    if (!o.bias) absl::StrAppend(&text, ", bias=False");
    if (o.batch_first) absl::StrAppend(&text, ", batch_first=True");
    if (o.dropout != 0) absl::StrAppend(&text, ", dropout=", python_text(o.dropout));
    if (o.bidirectional) absl::StrAppend(&text, ", bidirectional=True");
    return text;
  }

 protected:
  // {x[, initial states…]} to {output, states…}.
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 1, 1 + static_cast<std::size_t>(kind_.num_states));
    if (xs[0].dim() == 2) {  // without a batch
      Tensors batched{xs[0].unsqueeze(0)};
      for (std::size_t i = 1; i < xs.size(); ++i) batched.push_back(xs[i].unsqueeze(1));
      Tensors results = over_batch(batched);
      results[0] = results[0].squeeze(0);
      for (std::size_t i = 1; i < results.size(); ++i) results[i] = results[i].squeeze(1);
      return results;
    }
    if (xs[0].dim() != 3 || xs[0].size(-1) != options_.input_size) {
      fail(absl::StrCat("an input of rank 3, or 2 without a batch, with ", options_.input_size, " features"),
           describe(xs[0]));
    }
    if (options_.batch_first) return over_batch(xs);
    Tensors by_example = xs;
    by_example[0] = xs[0].transpose(0, 1);
    Tensors results = over_batch(by_example);
    results[0] = results[0].transpose(0, 1);
    return results;
  }

 private:
  std::vector<bool> directions() const {
    return options_.bidirectional ? std::vector<bool>{false, true} : std::vector<bool>{false};
  }
  std::int64_t output_size() const { return options_.proj_size > 0 ? options_.proj_size : options_.hidden_size; }

  static std::string suffix(std::int64_t layer, bool reverse) {
    return absl::StrCat("_l", layer, reverse ? "_reverse" : "");
  }

  void make_weights(std::int64_t layer, bool reverse, double bound) {
    auto width = static_cast<std::int64_t>(directions().size());
    std::int64_t rows = kind_.gates * options_.hidden_size, own = output_size();
    std::int64_t in = layer == 0 ? options_.input_size : own * width;
    auto make = [&](const char* name, const Shape& shape) {
      register_parameter(absl::StrCat(name, suffix(layer, reverse)), uniform_values(shape, -bound, bound));
    };
    make("weight_ih", {rows, in});
    make("weight_hh", {rows, own});
    if (options_.bias) {
      make("bias_ih", {rows});
      make("bias_hh", {rows});
    }
    if (options_.proj_size > 0) make("weight_hr", {options_.proj_size, options_.hidden_size});
  }

  // xs[0] is [N, T, features].
  Tensors over_batch(const Tensors& xs) const {
    Tensor sequence = xs[0];
    std::vector<Tensors> last(static_cast<std::size_t>(kind_.num_states));
    std::int64_t index = 0;
    for (std::int64_t layer = 0; layer < options_.num_layers; ++layer) {
      Tensors outputs;
      for (bool reverse : directions()) {
        Recurrence run = over_time(sequence, initial_states(xs, index++), layer, reverse);
        outputs.push_back(run.outputs);
        for (std::size_t i = 0; i < last.size(); ++i) last[i].push_back(run.states[i]);
      }
      sequence = cat(outputs, -1);
      if (layer + 1 < options_.num_layers) {
        sequence = F::dropout(sequence, options_.dropout, {.training = training()});
      }
    }
    Tensors results{sequence};
    for (const Tensors& states : last) results.push_back(stack(states, 0));
    return results;
  }

  // The states of one layer and direction: those given, or zeros.
  Tensors initial_states(const Tensors& xs, std::int64_t index) const {
    Tensors states;
    for (int i = 0; i < kind_.num_states; ++i) {
      std::int64_t size = i == 0 ? output_size() : options_.hidden_size;
      auto given = static_cast<std::size_t>(i + 1);
      if (given < xs.size()) {
        states.push_back(xs[given].select(0, index));
      } else {
        ir::Dims dims{dims_of(xs[0])[0], ir::Dim(size)};
        states.push_back(apply("constant", {}, {{"value", 0.0}, {"dtype", xs[0].dtype()}, {"shape", dims}}));
      }
    }
    return states;
  }

  Recurrence over_time(const Tensor& sequence, const Tensors& states, std::int64_t layer, bool reverse) const {
    auto of = [&](const char* name) { return weight(absl::StrCat(name, suffix(layer, reverse))); };
    // One product for the inputs of all steps.
    Tensor inputs = F::linear(sequence, of("weight_ih"), of("bias_ih"));
    Tensor recurrent = of("weight_hh"), bias = of("bias_hh"), projection = of("weight_hr");
    auto step = [&](const Tensor& x, const Tensors& before) -> Tensors {
      Tensors after = kind_.step(x, F::linear(before[0], recurrent, bias), before, options_.nonlinearity);
      if (projection.defined()) after[0] = F::linear(after[0], projection);
      Tensors results{after[0]};
      results.insert(results.end(), after.begin(), after.end());
      return results;
    };
    return recur(inputs, states, step, {.backwards = reverse, .training = training()});
  }

  const GateKind& kind_;
  StackOptions options_;
};

Tensors called(const Layer& module, const Tensor& x, std::initializer_list<Tensor> states) {
  CallArguments arguments;
  arguments.tensors = {x};
  for (const Tensor& state : states) {
    if (state.defined()) arguments.tensors.push_back(state);
  }
  return invoke(module.impl(), std::move(arguments));
}

StackOptions stack_options(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& o) {
  return {input_size, hidden_size, o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, o.proj_size};
}

std::shared_ptr<CustomLayer> rnn_module(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& o) {
  check_nonlinearity("RNN", o.nonlinearity);
  StackOptions options{input_size,      hidden_size, o.num_layers,  o.bias, o.batch_first, o.dropout,
                       o.bidirectional, 0,           o.nonlinearity};
  return std::make_shared<RecurrentModule>(rnn_kind(), options);
}

}  // namespace

RNN::RNN(std::int64_t input_size, std::int64_t hidden_size, RNNOptions options)
    : Layer(rnn_module(input_size, hidden_size, options)) {}
RecurrentResult RNN::operator()(const Tensor& x, const Tensor& h0) const {
  Tensors results = called(*this, x, {h0});
  return {results[0], results[1]};
}
GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, RecurrentOptions options)
    : Layer(std::make_shared<RecurrentModule>(gru_kind(), stack_options(input_size, hidden_size, options))) {}
RecurrentResult GRU::operator()(const Tensor& x, const Tensor& h0) const {
  Tensors results = called(*this, x, {h0});
  return {results[0], results[1]};
}
LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, RecurrentOptions options)
    : Layer(std::make_shared<RecurrentModule>(lstm_kind(), stack_options(input_size, hidden_size, options))) {}
LSTMResult LSTM::operator()(const Tensor& x, const std::array<Tensor, 2>& h0_c0) const {
  Tensors results = called(*this, x, {h0_c0[0], h0_c0[1]});
  return {results[0], results[1], results[2]};
}

}  // namespace mica::nn
