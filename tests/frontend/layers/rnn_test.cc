// Recurrent layers, cells and wrappers against real Keras in float64 (tests/fixtures/recurrent): values, gradients,
// runs of stateful layers, weights by path; and that a layer compiles to a product and one kernel, not to a loop of
// steps.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "frontend/files/json.h"
#include "frontend/files/keras_object.h"
#include "frontend/files/npz.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/invoke.h"
#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

const std::string kFolder = MICA_SOURCE_DIR "/tests/fixtures/recurrent/";

const std::vector<Config>& cases() {
  static const auto* all = [] {
    std::stringstream text;
    text << std::ifstream(kFolder + "cases.json").rdbuf();
    auto* list = new std::vector<Config>();
    const Config::Value parsed = files::parse_json(text.str(), "cases.json").value();
    for (const Config::Value& item : parsed.list()) list->push_back(item.object());
    return list;
  }();
  return *all;
}

class Fixture {
 public:
  explicit Fixture(const std::string& name) {
    for (const Config& item : cases()) {
      if (item.get<std::string>("name") == name) description_ = item;
    }
    const auto arrays = files::read_npz(kFolder + name + ".npz").value();
    for (const auto& [key, array] : arrays) {
      arrays_.set(key, Tensor::of(internal::make_computed(array.dtype() == kFloat64 ? array.cast(kFloat32) : array)));
    }
  }

  std::int64_t count(const char* key) const { return description_.get<std::int64_t>(key); }
  Tensor array(const std::string& key) const { return arrays_[key]; }
  Tensor input(int run) const { return array("run" + std::to_string(run) + ".x"); }
  Tensor output(int run, std::size_t i) const {
    return array("run" + std::to_string(run) + ".out." + std::to_string(i));
  }
  CallOptions options() const {
    CallOptions options;
    for (std::int64_t i = 0; i < count("states"); ++i) {
      options.initial_state.push_back(array("state." + std::to_string(i)));
    }
    if (description_.get<bool>("mask")) options.mask = array("mask");
    return options;
  }

  // The layer as Keras writes it.
  const Config& object() const { return description_.at("layer").object(); }
  // The layer of the case with its weights, found by their paths.
  Layer layer() const {
    Layer made = files::read_layer(description_.get<Config>("layer"));
    made.build(input(0).shape());
    std::vector<std::string> paths, wanted;
    for (const Variable& weight : made.weights()) paths.push_back(weight.path());
    for (const Config::Value& path : description_.at("weights").list()) wanted.push_back(path.text());
    EXPECT_EQ(paths, wanted);
    for (Variable weight : made.weights()) weight.assign(array("weight." + weight.path()));
    return made;
  }

 private:
  Config description_;
  TensorDict arrays_;
};

// Without what the fixture leaves out: types.
Config::Value plain(const Config::Value& value) {
  if (value.kind() == Config::Value::Kind::kList) {
    std::vector<Config::Value> list;
    for (const Config::Value& item : value.list()) list.push_back(plain(item));
    return list;
  }
  if (value.kind() != Config::Value::Kind::kObject) return value;
  Config object;
  for (const auto& [key, item] : value.object().items()) {
    if (key != "dtype" && key != "build_config" && key != "shared_object_id") object.set(key, plain(item));
  }
  return object;
}

void expect_near(const Tensor& got, const Tensor& want, const std::string& what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(b[i]))) << what << "[" << i << "]";
}

class RecurrentFixture : public testing::TestWithParam<std::string> {
 protected:
  void TearDown() override { set_default_device("cpu"); }
};

void expect_values_of_keras(const Fixture& fixture) {
  Layer layer = fixture.layer();
  for (int run = 0; run < fixture.count("runs"); ++run) {
    Tensors results = layer.apply(fixture.input(run), fixture.options());
    ASSERT_EQ(results.size(), static_cast<std::size_t>(fixture.count("outputs")));
    for (std::size_t i = 0; i < results.size(); ++i) {
      expect_near(results[i], fixture.output(run, i), "run " + std::to_string(run) + ", result " + std::to_string(i));
    }
  }
  if (fixture.count("runs") == 1) return;
  layer.reset_states();
  expect_near(layer.apply(fixture.input(0), fixture.options())[0], fixture.output(0, 0), "after reset_states");
}

TEST_P(RecurrentFixture, HasKerasValuesOnTheReference) {
  set_default_device("reference");
  expect_values_of_keras(Fixture(GetParam()));
}
TEST_P(RecurrentFixture, HasKerasValuesCompiled) { expect_values_of_keras(Fixture(GetParam())); }

TEST_P(RecurrentFixture, IsWrittenAsKerasWritesIt) {
  Fixture fixture(GetParam());
  Layer layer = files::read_layer(fixture.object());
  EXPECT_EQ(plain(files::layer_object(layer)).to_json(), Config::Value(fixture.object()).to_json());
}

// d (sum of results times cotangents) by weights, input and states, in one compiled program.
TEST_P(RecurrentFixture, HasKerasGradients) {
  Fixture fixture(GetParam());
  if (fixture.count("runs") > 1) return;  // the fixture has none for states that are kept
  Layer layer = fixture.layer();
  CallOptions given = fixture.options();
  internal::Trace trace({.name = "gradients"});
  std::vector<rt::Array> arrays;
  auto traced = [&](const Tensor& value, std::string_view name) {
    arrays.push_back(internal::compute(value.node()));
    return trace.input(internal::type_of(arrays.back()), name);
  };
  Tensor x = traced(fixture.input(0), "x");
  CallOptions options;
  if (given.mask.defined()) options.mask = traced(given.mask, "mask");
  for (const Tensor& state : given.initial_state) options.initial_state.push_back(traced(state, "state"));
  Tensors results = layer.apply(x, options);
  Tensor loss;
  for (std::size_t i = 0; i < results.size(); ++i) {
    Tensor term = (results[i] * traced(fixture.array("cot." + std::to_string(i)), "cotangent")).sum();
    loss = loss.defined() ? loss + term : term;
  }
  Tensors wrt{x};
  std::vector<std::string> keys{"grad.x"};
  for (const Tensor& state : options.initial_state) {
    wrt.push_back(state);
    keys.push_back("grad.state." + std::to_string(keys.size() - 1));
  }
  for (const Variable& weight : layer.trainable_weights()) {
    wrt.push_back(weight);
    keys.push_back("grad.weight." + weight.path());
  }
  Tensors gradients = trace.gradients(loss, wrt);
  for (std::size_t i = 0; i < gradients.size(); ++i) trace.output(gradients[i], keys[i]);
  std::vector<rt::Array> found = internal::Executable(trace.finish()).run(arrays);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    expect_near(Tensor::of(internal::make_computed(found[i])), fixture.array(keys[i]), keys[i]);
  }
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const Config& item : cases()) names.push_back(item.get<std::string>("name"));
  return names;
}

INSTANTIATE_TEST_SUITE_P(Keras, RecurrentFixture, testing::ValuesIn(case_names()),
                         [](const auto& name) { return name.param; });

// ---------------------------------------------------------------- compiled steps

int run_steps(const Model& model) {
  std::string program = model.dump(Stage::kProgram);
  EXPECT_EQ(program.find("loop "), std::string::npos) << program;
  std::size_t end = program.find(" run steps");
  EXPECT_NE(end, std::string::npos) << program;
  return std::stoi(program.substr(program.rfind(' ', end - 1) + 1));
}

int run_steps(const Layer& layer, bool masked) {
  Tensor x = Input({7, 5});
  return run_steps(Model({x}, {layer(masked ? Masking()(x) : x)}));
}

TEST(RecurrentPrograms, AreAProductAndOneKernel) {
  for (bool sequences : {false, true}) {
    EXPECT_LE(run_steps(SimpleRNN(6, {.return_sequences = sequences}), false), 4);
    EXPECT_LE(run_steps(LSTM(6, {.return_sequences = sequences}), false), 4);
    EXPECT_LE(run_steps(GRU(6, {.return_sequences = sequences}), false), 4);
    EXPECT_LE(run_steps(GRU(6, {.return_sequences = sequences, .reset_after = false}), false), 4);
    EXPECT_LE(run_steps(LSTM(6, {.return_sequences = sequences, .go_backwards = true}), false), 4);
    EXPECT_LE(run_steps(Bidirectional(LSTM(6, {.return_sequences = sequences})), false), 8);
    EXPECT_LE(run_steps(Bidirectional(GRU(6, {.return_sequences = sequences})), false), 8);
  }
}

TEST(RecurrentPrograms, MasksAddNoLoop) {
  int of_masking = 2;
  EXPECT_LE(run_steps(LSTM(6, {.return_sequences = true}), true), 4 + of_masking);
  EXPECT_LE(run_steps(GRU(6), true), 4 + of_masking);
  EXPECT_LE(run_steps(Bidirectional(LSTM(6, {.return_sequences = true})), true), 8 + of_masking);
}

// ---------------------------------------------------------------- one's own cells

// h' = tanh(x W + h U + b): SimpleRNN's step, with a Dense inside.
class OwnCell : public CustomLayer, public RNNCell {
 public:
  explicit OwnCell(std::int64_t units) : units_(units), dense_(add_layer("dense", Dense(units))) {}
  std::vector<Shape> state_size() const override { return {Shape{units_}}; }
  using CustomLayer::build;
  using CustomLayer::call;
  void build(const Shape&) override { recurrent_ = add_weight({.shape = {units_, units_}, .name = "recurrent"}); }
  Tensors call(const Tensors& xs) override {
    Tensor h = (dense_(xs[0]) + matmul(xs[1], recurrent_)).tanh();
    return {h, h};
  }

 private:
  std::int64_t units_;
  Dense dense_;
  Variable recurrent_;
};

TEST(OwnCells, RunInRNN) {
  Fixture fixture("simple_rnn_mask_gaps");
  RNN rnn(make<OwnCell>(4), {.return_sequences = true, .return_state = true, .name = "simple_rnn"});
  rnn.apply(fixture.input(0), fixture.options());  // builds
  rnn.weight("recurrent").assign(fixture.array("weight.simple_rnn/simple_rnn_cell/recurrent_kernel"));
  rnn.weight("kernel").assign(fixture.array("weight.simple_rnn/simple_rnn_cell/kernel"));
  rnn.weight("bias").assign(fixture.array("weight.simple_rnn/simple_rnn_cell/bias"));
  auto [sequence, state] = rnn.apply<2>(fixture.input(0), fixture.options());
  expect_near(sequence, fixture.output(0, 0), "sequence");
  expect_near(state, fixture.output(0, 1), "state");
}

TEST(OwnCells, TrainCompiled) {
  Tensor x = Input({7, 5}), y = RNN(make<OwnCell>(4))(x);
  Model model({x}, {Dense(1)(y)});
  model.compile({.optimizer = Adam(0.05), .loss = "mse"});
  manual_seed(1);
  Tensor data = randn({32, 7, 5}), wanted = data.sum({1, 2}).unsqueeze(-1) * 0.1;
  History history = model.fit(data, wanted, {.batch_size = 16, .epochs = 30, .verbose = 0});
  const std::vector<double>& loss = history["loss"];
  EXPECT_LT(loss.back(), 0.2 * loss.front());
}

// ---------------------------------------------------------------- dropout, masks, errors

TEST(Recurrent, DropoutKeepsItsNoiseOverTheSteps) {
  LSTM layer(4, {.dropout = 0.5, .recurrent_dropout = 0.5, .return_sequences = true});
  Tensor x = ones({2, 3, 5});
  Tensor inference = layer(x, {.training = false});
  EXPECT_EQ(inference.to_vector(), layer(x, {.training = false}).to_vector());
  EXPECT_NE(layer(x, {.training = true}).to_vector(), inference.to_vector());
  // With all of h dropped in no step or in every step, a row of equal inputs gives equal gates in every step.
  SimpleRNN none(3,
                 {.activation = "linear", .recurrent_initializer = "zeros", .dropout = 0.5, .return_sequences = true});
  Tensor y = none(x, {.training = true});
  EXPECT_EQ(y.select(1, 0).to_vector(), y.select(1, 2).to_vector());
}

TEST(Recurrent, SequencesKeepTheMaskAndStatesHaveNone) {
  Tensor x = Masking()(Input({4, 3}));
  auto [sequence, h, c] = LSTM(2, {.return_sequences = true, .return_state = true}).apply<3>(x);
  EXPECT_TRUE(sequence.mask().defined());
  EXPECT_FALSE(h.mask().defined());
  EXPECT_FALSE(c.mask().defined());
  EXPECT_FALSE(LSTM(2)(x).mask().defined());
}

TEST(Recurrent, MistakesInTheOptions) {
  EXPECT_EQ(error_of([] { LSTM(0, {.name = "r"}); }), "lstm_cell: expected units of at least 1, received 0.");
  EXPECT_EQ(error_of([] { GRU(2, {.dropout = 1, .name = "r"}); }),
            "gru_cell: expected a dropout rate from 0 to below 1, received 1.");
  EXPECT_EQ(error_of([] { RNN(Dense(2, {.name = "d"})); }),
            "d: expected a cell: a layer that derives from RNNCell too, received Dense. class MyCell : public "
            "CustomLayer, public RNNCell; its state_size() says the shapes of states.");
  EXPECT_EQ(error_of([] { Bidirectional(Dense(2), {.name = "b"}); }),
            "b: expected a recurrent layer: LSTM, GRU, SimpleRNN, ConvLSTM or RNN, received Dense. RNN(cell) makes one "
            "of any cell.");
  EXPECT_EQ(error_of([] { Bidirectional(LSTM(2), {.merge_mode = "max", .name = "b"}); }),
            "b: expected merge_mode to be one of concat, sum, mul, ave, none, received \"max\".");
  EXPECT_EQ(error_of([] { Bidirectional(LSTM(2), {.backward_layer = LSTM(2), .name = "b"}); }),
            "b: expected layers of different go_backwards, received go_backwards = 0 in both.");
  EXPECT_EQ(error_of([] {
              Bidirectional(LSTM(2),
                            {.backward_layer = GRU(2, {.return_sequences = true, .go_backwards = true}), .name = "b"});
            }),
            "b: expected layers of the same return_sequences, received 0 and 1.");
}

TEST(Recurrent, MistakesInTheCall) {
  Tensor x = Input({kAny, 3}), fixed = Input({4, 3});
  EXPECT_EQ(error_of([&] { LSTM(2, {.unroll = true, .name = "r"})(x); }),
            "r: expected a known number of steps, since unroll = true, received f32[?,?,3]. Give Input the number, or "
            "leave out unroll.");
  EXPECT_EQ(
      error_of([&] { LSTM(2, {.stateful = true, .name = "r"})(fixed); }),
      "r: expected a known number of rows, for the states to be kept from run to run, received [?,4,3]. Input({…}, "
      "{.batch_size = 32}) sets it, or leave out stateful.");
  EXPECT_EQ(error_of([&] { LSTM(2, {.name = "r"})(fixed, {.initial_state = {zeros({1, 2})}}); }),
            "r: expected 2 initial states, received 1.");
}

}  // namespace
}  // namespace mica
