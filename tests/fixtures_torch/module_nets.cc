#include "tests/fixtures_torch/module_nets.h"

#include <limits>

#include "frontend/graph/trace.h"
#include "tests/fixtures_torch/gradients.h"

namespace mica::torch_fixtures {
namespace {

class MLP : public nn::Module {
 public:
  MLP(std::int64_t in, std::int64_t hidden1, std::int64_t hidden2, std::int64_t out)
      : linear_1_(register_module("linear_1", nn::Linear(in, hidden1))),
        linear_2_(register_module("linear_2", nn::Linear(hidden1, hidden2))),
        linear_out_(register_module("linear_out", nn::Linear(hidden2, out))) {}
  using nn::Module::forward;
  Tensor forward(const Tensor& x) override { return linear_out_(F::relu(linear_2_(F::relu(linear_1_(x))))); }

 private:
  nn::Linear linear_1_, linear_2_, linear_out_;
};

class SmallCNN : public nn::Module {
 public:
  using nn::Module::forward;
  Tensor forward(const Tensor& image) override {
    Tensor x = F::max_pool2d(F::relu(bn1_(conv1_(image))), 2);
    return fc_(F::adaptive_avg_pool2d(F::gelu(conv2_(x)), 1).flatten(1));
  }

 private:
  nn::Conv2d conv1_ = register_module("conv1", nn::Conv2d(1, 4, 3, {.padding = 1, .bias = false}));
  nn::BatchNorm2d bn1_ = register_module("bn1", nn::BatchNorm2d(4));
  nn::Conv2d conv2_ = register_module("conv2", nn::Conv2d(4, 6, 3, {.stride = 2}));
  nn::Linear fc_ = register_module("fc", nn::Linear(6, 3));
};

class Block : public nn::Module {
 public:
  explicit Block(std::int64_t channels)
      : conv1_(register_module("conv1", nn::Conv2d(channels, channels, 3, {.padding = 1, .bias = false}))),
        bn1_(register_module("bn1", nn::BatchNorm2d(channels))),
        conv2_(register_module("conv2", nn::Conv2d(channels, channels, 3, {.padding = 1, .bias = false}))),
        bn2_(register_module("bn2", nn::BatchNorm2d(channels))) {}
  using nn::Module::forward;
  Tensor forward(const Tensor& x) override { return F::relu(x + bn2_(conv2_(F::relu(bn1_(conv1_(x)))))); }

 private:
  nn::Conv2d conv1_;
  nn::BatchNorm2d bn1_;
  nn::Conv2d conv2_;
  nn::BatchNorm2d bn2_;
};

template <class Recurrent>
class TextRNN : public nn::Module {
 public:
  explicit TextRNN(Recurrent rnn, std::int64_t width = 6)
      : emb_(register_module("emb", nn::Embedding(11, 5, {.padding_idx = 0}))),
        rnn_(register_module("rnn", rnn)),
        out_(register_module("out", nn::Linear(width, 3))) {}
  using nn::Module::forward;
  Tensor forward(const Tensor& ids) override { return out_(rnn_(emb_(ids)).output[{kAll, -1}]); }

 private:
  nn::Embedding emb_;
  Recurrent rnn_;
  nn::Linear out_;
};

class Transformer : public nn::Module {
 public:
  Transformer() { nn::set_parameter(head_, "weight", emb_.weight("weight")); }
  using nn::Module::forward;
  Tensor forward(const Tensor& ids) override {
    Tensor mask = triu(full({6, 6}, -std::numeric_limits<double>::infinity()), 1);
    return head_(norm_(enc_(emb_(ids) + pos_, {.mask = mask})));
  }

 private:
  Variable pos_ = register_parameter("pos", zeros({1, 6, 8}));
  nn::Embedding emb_ = register_module("emb", nn::Embedding(9, 8));
  nn::TransformerEncoderLayer enc_ = register_module(
      "enc", nn::TransformerEncoderLayer(
                 8, 2, {.dim_feedforward = 16, .dropout = 0, .activation = "gelu", .batch_first = true}));
  nn::LayerNorm norm_ = register_module("norm", nn::LayerNorm({8}));
  nn::Linear head_ = register_module("head", nn::Linear(8, 9, {.bias = false}));
};

class Ticket : public nn::Module {
 public:
  using nn::Module::forward;
  Tensors forward(const Tensors& xs) override {
    Tensor title = title_(words_(xs[0])).output[{kAll, -1}], body = body_(words_(xs[1])).output[{kAll, -1}];
    Tensor x = cat({title, body, xs[2]}, 1);
    return {sigmoid(priority_(x)), department_(x)};
  }

 private:
  nn::Embedding words_ = register_module("words", nn::Embedding(20, 6));  // shared by title and body
  nn::LSTM title_ = register_module("title", nn::LSTM(6, 5, {.batch_first = true}));
  nn::LSTM body_ = register_module("body", nn::LSTM(6, 4, {.batch_first = true}));
  nn::Linear priority_ = register_module("priority", nn::Linear(12, 1));
  nn::Linear department_ = register_module("department", nn::Linear(12, 4));
};

class Siamese : public nn::Module {
 public:
  using nn::Module::forward;
  Tensors forward(const Tensors& xs) override { return {enc_(xs[0]), enc_(xs[1]), enc_(xs[2])}; }

 private:
  nn::Sequential enc_ =
      register_module("enc", nn::Sequential({nn::Linear(5, 6), nn::Tanh(), nn::Linear(6, 4, {.bias = false})}));
};

class M : public nn::Module {  // attention between two sequences
 public:
  using nn::Module::forward;
  Tensors forward(const Tensors& xs) override {  // {src, dst}
    Tensor h = q_(xs[1]).output, k = kv_(xs[0]);
    return {out_(h + att_(h, k, k).output)};
  }

 private:
  nn::GRU q_ = register_module("q", nn::GRU(3, 6, {.batch_first = true}));
  nn::Linear kv_ = register_module("kv", nn::Linear(3, 6));
  nn::MultiheadAttention att_ = register_module("att", nn::MultiheadAttention(6, 2, {.batch_first = true}));
  nn::Linear out_ = register_module("out", nn::Linear(6, 3));
};

Tensor cross_entropy(const Layer& net, const TensorDict& d) { return F::cross_entropy(net(d["x"]), d["y"]); }
Tensor squared_error(const Layer& net, const TensorDict& d) { return F::mse_loss(net(d["x"]), d["y"]); }

Tensor language_loss(const Layer& net, const TensorDict& d) {
  return F::cross_entropy(net(d["x"]).flatten(0, 1), d["y"].flatten());
}
Tensor ticket_loss(const Layer& net, const TensorDict& d) {
  auto [priority, department] = net.apply<2>({d["title"], d["body"], d["tags"]});
  return F::binary_cross_entropy(priority, d["priority"]) + 0.2 * F::cross_entropy(department, d["department"]);
}
Tensor triplet_loss(const Layer& net, const TensorDict& d) {
  auto [anchor, positive, negative] = net.apply<3>({d["a"], d["p"], d["n"]});
  return F::triplet_margin_loss(anchor, positive, negative, {.margin = 2});
}
Tensor penalised_reconstruction(const Layer& net, const TensorDict& d) {
  Tensor penalty = zeros({});
  for (const Variable& parameter : net.parameters()) penalty = penalty + parameter.abs().sum();
  return (net(d["x"]) - d["x"]).square().mean() + 1e-3 * penalty;
}
Tensor attention_loss(const Layer& net, const TensorDict& d) {
  return F::smooth_l1_loss(net({d["src"], d["dst"]}), d["y"]);
}

// One step of gradient descent inside the loss, with weights that are values.
Tensor meta_loss(const Layer& net, const TensorDict& d) {
  auto run = [](const Tensors& w, const Tensor& x) { return F::linear(tanh(F::linear(x, w[0], w[1])), w[2], w[3]); };
  Tensors weights, fast;
  for (const Variable& parameter : net.parameters()) weights.push_back(parameter);
  Tensor inner = F::mse_loss(run(weights, d["x"]), d["y"]);
  Tensors slopes =
      internal::Trace::current() ? gradients_in_trace({inner}, {ones_like(inner)}, weights) : grad(inner, weights);
  for (std::size_t i = 0; i < weights.size(); ++i) fast.push_back(weights[i] - 0.1 * slopes[i]);
  return F::mse_loss(run(fast, d["x2"]), d["y2"]);
}

TrainingCase mlp_regression() { return {make<MLP>(4, 6, 5, 2), squared_error}; }

using Cases = std::map<std::string, std::function<TrainingCase()>>;

void add_perceptrons(Cases& cases) {
  for (const char* name :
       {"sgd_dampening", "adam_l2_amsgrad", "adamw", "rmsprop", "rmsprop_centered", "adagrad", "adadelta", "adamax",
        "nadam", "radam", "mlp_clip_value", "lr_step", "lr_cosine", "lr_onecycle", "lr_multistep", "lr_linear_warmup",
        "frozen_and_groups", "gradient_accumulation"}) {
    cases[name] = mlp_regression;
  }
  cases["mlp_sgd"] = cases["mlp_adam"] = [] { return TrainingCase{make<MLP>(8, 16, 12, 4), cross_entropy}; };
  cases["linear_regression_nesterov"] = [] { return TrainingCase{nn::Linear(5, 1), squared_error}; };
  cases["lr_plateau"] = [] { return TrainingCase{nn::Linear(4, 2), squared_error}; };
  cases["sequential_sgd_momentum"] = [] {
    nn::Sequential net({nn::Linear(6, 10), nn::ReLU(), nn::Linear(10, 10), nn::Tanh(), nn::Linear(10, 3)});
    return TrainingCase{net, cross_entropy};
  };
  cases["autoencoder_custom_loss"] = [] {
    nn::Sequential net({nn::Linear(8, 5), nn::ELU(), nn::Linear(5, 2), nn::Linear(2, 5), nn::ELU(), nn::Linear(5, 8)});
    return TrainingCase{net, penalised_reconstruction};
  };
  cases["batchnorm_momentum_none"] = [] {
    nn::Sequential net({nn::Linear(4, 6, {.bias = false}), nn::BatchNorm1d(6, {.momentum = std::nullopt}), nn::ReLU(),
                        nn::Linear(6, 2)});
    return TrainingCase{net, squared_error};
  };
  cases["maml_functional"] = [] {
    return TrainingCase{nn::Sequential({nn::Linear(3, 6), nn::Tanh(), nn::Linear(6, 1)}), meta_loss};
  };
  cases["siamese_triplet"] = [] { return TrainingCase{make<Siamese>(), triplet_loss}; };
}

void add_convolutional(Cases& cases) {
  cases["cnn_bn_adam"] = [] { return TrainingCase{make<SmallCNN>(), cross_entropy}; };
  cases["resnet_clip_norm"] = [] {
    nn::Sequential net({nn::Conv2d(3, 4, 3, {.padding = 1}), make<Block>(4), make<Block>(4), nn::AdaptiveAvgPool2d(1),
                        nn::Flatten(), nn::Linear(4, 5)});
    return TrainingCase{net, cross_entropy};
  };
  cases["norms_and_transpose_conv"] = [] {
    nn::Sequential net({nn::ConvTranspose2d(2, 4, 4, {.stride = 2, .padding = 1}), nn::GroupNorm(2, 4), nn::SiLU(),
                        nn::Conv2d(4, 4, 3, {.padding = 1, .groups = 2, .bias = false}),
                        nn::InstanceNorm2d(4, {.affine = true}), nn::PReLU(4),
                        nn::Upsample({.scale_factor = 2, .mode = "bilinear"}), nn::AvgPool2d(2), nn::Conv2d(4, 1, 1)});
    return TrainingCase{net, squared_error};
  };
}

void add_sequences(Cases& cases) {
  cases["lstm_text"] = [] {
    return TrainingCase{make<TextRNN<nn::LSTM>>(nn::LSTM(5, 6, {.batch_first = true})), cross_entropy};
  };
  cases["gru_text"] = [] {
    return TrainingCase{make<TextRNN<nn::GRU>>(nn::GRU(5, 6, {.batch_first = true})), cross_entropy};
  };
  cases["rnn_tanh"] = [] {
    return TrainingCase{make<TextRNN<nn::RNN>>(nn::RNN(5, 6, {.batch_first = true})), cross_entropy};
  };
  cases["bilstm_2layers"] = [] {
    nn::LSTM lstm(5, 6, {.num_layers = 2, .batch_first = true, .bidirectional = true});
    return TrainingCase{make<TextRNN<nn::LSTM>>(lstm, 12), cross_entropy};
  };
  cases["transformer_lm_tied"] = [] { return TrainingCase{make<Transformer>(), language_loss}; };
  cases["ticket_router_multi_io"] = [] { return TrainingCase{make<Ticket>(), ticket_loss}; };
  cases["seq2seq_attention"] = [] { return TrainingCase{make<M>(), attention_loss}; };
}

}  // namespace

const Cases& training_cases() {
  static const Cases all = [] {
    Cases cases;
    add_perceptrons(cases);
    add_convolutional(cases);
    add_sequences(cases);
    return cases;
  }();
  return all;
}

}  // namespace mica::torch_fixtures
