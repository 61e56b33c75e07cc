// Gradient checkpointing by request: the same gradients from less memory.
#include "frontend/graph/region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "compiler/program/memory.h"
#include "frontend/graph/evaluate.h"
#include "frontend/graph/pending.h"
#include "frontend/graph/walk.h"
#include "frontend/graph/workload.h"
#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class RematTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    manual_seed(7);
  }
};

// `blocks` models of `layers` dense layers of 64 units each, whose training step is compiled for SGD.
Model deep(int blocks, int layers, bool checkpointed, double dropout = 0) {
  manual_seed(7);
  Tensor x = Input({64}, {.name = "x"});
  Tensor h = x;
  for (int block = 0; block < blocks; ++block) {
    const std::string name = "block" + std::to_string(block);
    Tensor entering = Input({64});
    Tensor inner = entering;
    for (int i = 0; i < layers; ++i) {
      inner = Dense(64, {.activation = "tanh", .name = "dense" + std::to_string(i)})(inner);
      if (dropout > 0) inner = Dropout(dropout)(inner);
    }
    std::optional<RematScope> scope;
    if (checkpointed) scope.emplace();
    h = Model(entering, inner, {.name = name})(h);
  }
  Model model(x, Dense(1, {.name = "out"})(h), {.name = "deep"});
  model.compile({.optimizer = SGD(0.05), .loss = "mse"});
  return model;
}

Tensor rows(std::int64_t n) { return sin(arange(0, static_cast<double>(n * 64)) * 0.37).reshape({n, 64}); }

// Weights after some steps.
Tensors trained(const Model& model, int steps = 3) {
  manual_seed(11);
  for (int i = 0; i < steps; ++i) model.train_on_batch(rows(16), ones({16, 1}));
  return model.get_weights();
}

// Bit for bit: what is computed once more is computed alike.
void expect_equal(const Tensors& got, const Tensors& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    got[i].eval();  // the difference would be computed in one kernel with what gives it, and rounded with it
    want[i].eval();
    EXPECT_EQ((got[i] - want[i]).abs().amax().item(), 0) << "tensor " << i;
    EXPECT_GT(want[i].abs().amax().item(), 0) << "tensor " << i;
  }
}

// Where other kernels are made: with a region an activation may be an epilogue that without it leaves its operand.
void expect_near(const Tensors& got, const Tensors& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_LE((got[i] - want[i]).abs().amax().item(), 1e-6 * (1 + want[i].abs().amax().item())) << "tensor " << i;
  }
}

TEST_F(RematTest, TrainsAsWithoutIt) { expect_equal(trained(deep(3, 3, true)), trained(deep(3, 3, false))); }

TEST_F(RematTest, RandomLayersDrawTheSameNumbers) {
  Model with = deep(2, 2, true, 0.5), without = deep(2, 2, false, 0.5);
  expect_equal(trained(with), trained(without));
}

// The arena of the report, in KiB.
double arena_of(const Model& model) {
  const std::string text = model.memory_report(rows(512), ones({512, 1}));
  const std::size_t at = text.find("  arena");
  double size = std::stod(text.substr(at + 7));
  return text.compare(text.find_first_not_of(" 0123456789.", at + 7), 3, "MiB") == 0 ? size * 1024 : size;
}

TEST_F(RematTest, TakesLessMemory) {
  const double with = arena_of(deep(6, 6, true)), without = arena_of(deep(6, 6, false));
  // 36 activations of 128 KiB are kept without it; with it six, and the six of the block that is differentiated.
  EXPECT_GT(without, 36 * 128);
  EXPECT_LT(with, 0.6 * without);
}

TEST_F(RematTest, TheReportSaysWhatIsComputedOnceMore) {
  EXPECT_THAT(deep(2, 2, true).memory_report(rows(512), ones({512, 1})),
              HasSubstr("computed once more instead of being saved: 12 operations of block1/dense0, block1/dense1, "
                        "block0/dense0, block0/dense1\n"));
}

TEST_F(RematTest, TheDumpShowsTheRegion) {
  Model model = deep(1, 2, true);
  EXPECT_THAT(model.dump(Stage::kGraph, {.mode = "train"}), HasSubstr("checkpoint("));
  EXPECT_THAT(model.dump(Stage::kFused, {.mode = "train"}), HasSubstr("barrier("));
  EXPECT_THAT(model.dump(Stage::kFused, {.mode = "train"}), HasSubstr("# block0/dense0 recomputed"));
  EXPECT_THAT(model.dump(Stage::kGraph), Not(HasSubstr("checkpoint("))) << "nothing is differentiated";
}

int num_regions(const Model& model) {
  model.compile({.optimizer = SGD(0.1), .loss = "mse"});
  const std::string text = model.dump(Stage::kGraph, {.mode = "train"});
  int count = 0;
  for (std::size_t at = text.find("checkpoint("); at != std::string::npos; at = text.find("checkpoint(", at + 1))
    ++count;
  return count;
}

Model three_layers(std::optional<std::string> mode, RematScopeOptions options = {}) {
  Tensor x = Input({8});
  RematScope scope(std::move(mode), std::move(options));
  Tensor h = Dense(4, {.activation = "gelu", .name = "a"})(x);
  h = Dense(2000, {.name = "b"})(h);
  return Model(x, Dense(3, {.activation = "silu", .name = "c"})(h));
}

TEST_F(RematTest, ModesOfKeras) {
  EXPECT_EQ(num_regions(three_layers("full")), 3);
  EXPECT_EQ(num_regions(three_layers("activations")), 2);
  EXPECT_EQ(num_regions(three_layers("larger_than")), 1);
  EXPECT_EQ(num_regions(three_layers("larger_than", {.output_size_threshold = 3})), 2);
  EXPECT_EQ(num_regions(three_layers("list_of_layers", {.layer_names = {"a", "c"}})), 2);
  EXPECT_EQ(num_regions(three_layers(std::nullopt)), 0);
}

TEST_F(RematTest, TheInnermostScopeCounts) {
  RematScope outer;
  EXPECT_EQ(num_regions(three_layers(std::nullopt)), 0);
  EXPECT_EQ(num_regions(three_layers("list_of_layers", {.layer_names = {"b"}})), 1);
}

TEST_F(RematTest, AnUnknownModeIsAnError) {
  EXPECT_EQ(error_of([] { RematScope scope("most"); }),
            "RematScope: expected one of the modes full, activations, larger_than, list_of_layers, or none, received "
            "\"most\".");
}

TEST_F(RematTest, StatesAreUpdatedOnce) {
  auto moving_mean = [](bool checkpointed) {
    manual_seed(7);
    Tensor x = Input({64});
    std::optional<RematScope> scope;
    if (checkpointed) scope.emplace();
    BatchNormalization norm({.name = "norm"});
    Model model(x, Dense(1, {.name = "out"})(norm(x)));
    model.compile({.optimizer = SGD(0.1), .loss = "mse"});
    model.train_on_batch(rows(16) + 1.0, ones({16, 1}));
    return norm.get_weights()[2];
  };
  EXPECT_LE((moving_mean(true) - moving_mean(false)).abs().amax().item(), 1e-7);
}

// Keras' own use: a layer whose call wraps a function.
class Wrapped : public CustomLayer {
 public:
  using CustomLayer::call;
  Tensor call(const Tensor& x) override {
    return remat([this](const Tensor& y) { return tanh(dense(y)) + sin(y); })(x);
  }

 private:
  Dense dense = add_layer("dense", Dense(64, {.name = "dense"}));
};

TEST_F(RematTest, AFunctionInALayer) {
  Tensor x = Input({64});
  auto wrapped = make<Wrapped>();
  Model model(x, Dense(1)(wrapped(wrapped(x))));
  EXPECT_EQ(num_regions(model), 2);
}

// A functional model of `blocks` blocks of three dense layers and an operation each, every block called by `wrap`.
using Block = std::function<Tensor(const Tensor&)>;
Model functional(int blocks, double dropout, const std::function<Tensor(const Block&, const Tensor&)>& wrap) {
  manual_seed(7);
  Tensor x = Input({64}, {.name = "x"});
  Tensor h = x;
  for (int block = 0; block < blocks; ++block) {
    std::vector<Layer> layers;
    for (int i = 0; i < 3; ++i) layers.push_back(Dense(64, {.activation = "tanh"}));
    layers.push_back(Dropout(dropout));
    auto run = [layers](const Tensor& entering) {
      Tensor inner = entering;
      for (const Layer& layer : layers) inner = layer(inner);
      return inner + entering;
    };
    h = wrap(run, h);
  }
  Model model(x, Dense(1, {.name = "out"})(h));
  model.compile({.optimizer = SGD(0.05), .loss = "mse"});
  return model;
}
Tensor call_plainly(const Block& block, const Tensor& x) { return block(x); }
Tensor call_by_remat(const Block& block, const Tensor& x) { return remat(block)(x); }
Tensor call_by_checkpoint(const Block& block, const Tensor& x) { return utils::checkpoint(block, x); }

TEST_F(RematTest, SymbolicTensorsTrainAsWithoutIt) {
  for (double dropout : {0.0, 0.5}) {
    const Tensors want = trained(functional(3, dropout, call_plainly));
    expect_equal(trained(functional(3, dropout, call_by_remat)), want);
    expect_equal(trained(functional(3, dropout, call_by_checkpoint)), want);
  }
}

TEST_F(RematTest, SymbolicTensorsTakeLessMemory) {
  const double with = arena_of(functional(8, 0, call_by_remat)), without = arena_of(functional(8, 0, call_plainly));
  EXPECT_LT(with, 0.7 * without);
}

TEST_F(RematTest, EveryCallOfAFunctionIsARegion) {
  Tensor x = Input({8});
  Dense dense(8, {.name = "dense"});
  auto block = remat([&](const Tensor& y) { return tanh(dense(y)) + sin(y); });
  Model model(x, Dense(1, {.name = "out"})(block(block(x))), {.name = "inner"});
  EXPECT_EQ(num_regions(model), 2);
  // A model that is called twice has its regions twice.
  Tensor outer = Input({8});
  EXPECT_EQ(num_regions(Model(outer, model(outer) + model(outer * 2.0), {.name = "outer"})), 4);
}

TEST_F(RematTest, ALayerIsAFunction) {
  Tensor x = Input({8});
  Model model(x, utils::checkpoint(Dense(1), remat(Dense(4, {.activation = "tanh"}))(x)));
  EXPECT_EQ(num_regions(model), 2);
}

// Hand-written loops.
struct Net {
  std::vector<Layer> blocks;
  Parameters parameters;
  explicit Net(int count, double dropout = 0) {
    manual_seed(3);
    for (int i = 0; i < count; ++i) {
      blocks.push_back(nn::Sequential({nn::Linear(64, 64), nn::Tanh(), nn::Linear(64, 64), nn::Tanh(),
                                       nn::Dropout(dropout), nn::Linear(64, 64), nn::Tanh()}));
      for (const Variable& parameter : blocks.back().parameters()) parameters.push_back(parameter);
    }
  }
  Tensor operator()(Tensor x, bool checkpointed) const {
    for (const Layer& block : blocks) x = checkpointed ? utils::checkpoint(block, x) : block(x);
    return x;
  }
};

struct Trained {
  Tensors losses, parameters;
};
Trained trained(const Net& net, bool checkpointed) {
  manual_seed(11);
  optim::SGD optimizer(net.parameters, {.lr = 0.05});
  Trained result;
  for (int step = 0; step < 3; ++step) {
    optimizer.zero_grad();
    Tensor loss = net(rows(16), checkpointed).square().mean();
    loss.backward();
    optimizer.step();
    result.losses.push_back(loss.detach());
  }
  for (const Variable& parameter : net.parameters) result.parameters.push_back(parameter.detach());
  return result;
}

TEST_F(RematTest, LazyLoopsTrainAsWithoutIt) {
  for (double dropout : {0.0, 0.5}) {
    const Trained got = trained(Net(3, dropout), true), want = trained(Net(3, dropout), false);
    expect_equal(got.losses, want.losses);
    expect_equal(got.parameters, want.parameters);
  }
}

TEST_F(RematTest, ALossThatIsReadBeforeIsDifferentiatedAlike) {
  auto gradients = [](bool checkpointed) {
    Net net(2);
    Tensor loss = net(rows(16), checkpointed).square().mean();
    loss.item();
    loss.backward();
    Tensors all;
    for (const Variable& parameter : net.parameters) all.push_back(parameter.grad());
    return all;
  };
  expect_equal(gradients(true), gradients(false));
}

TEST_F(RematTest, LazyLoopsFindTheirProgramAgain) {
  Net net(2);
  trained(net, true);
  const int before = internal::num_lazy_programs();
  trained(net, true);
  EXPECT_EQ(internal::num_lazy_programs(), before);
  trained(net, false);
  EXPECT_GT(internal::num_lazy_programs(), before) << "another Program without regions";
}

// The arena of the Program that computes the gradients, in bytes.
std::int64_t lazy_arena(bool checkpointed) {
  Net net(8);
  net(rows(512), checkpointed).square().mean().backward();
  auto lock = internal::lock_walks();
  std::vector<internal::ValueRef> gradients;
  for (const Variable& parameter : net.parameters) gradients.push_back(parameter.grad().node());
  internal::Workload workload(gradients, {}, *internal::PendingCalls::of_thread());
  const auto no_symbols = [](const ir::Symbol&) { return std::int64_t{1}; };
  return program::memory_of(compiler::plan_of(*compiler::optimized(*workload.graph())), no_symbols).arena;
}

TEST_F(RematTest, LazyLoopsTakeLessMemory) {
  const std::int64_t activation = 512 * 64 * 4;
  const std::int64_t with = lazy_arena(true), without = lazy_arena(false);
  EXPECT_GE(without, 23 * activation) << "what 24 tanh give is kept";
  EXPECT_LT(with, 0.7 * static_cast<double>(without));
}

TEST_F(RematTest, GradientsOfGradients) {
  auto penalty = [](bool checkpointed) {
    Tensor w = (rows(1) * 0.3).reshape({8, 8}).detach().requires_grad_();
    Tensor x = cos(arange(0, 32)).reshape({4, 8}).requires_grad_();
    auto net = [&](const Tensor& y) { return tanh(tanh(y.matmul(w)).matmul(w)); };
    Tensor y = checkpointed ? utils::checkpoint(net, x) : net(x);
    y.sum().backward({.create_graph = true});
    Tensor slope = x.grad().square().sum();
    w.zero_grad();
    slope.backward();
    return w.grad();
  };
  EXPECT_LE((penalty(true) - penalty(false)).abs().amax().item(), 1e-6);
  EXPECT_GT(penalty(false).abs().amax().item(), 0.01);
}

TEST_F(RematTest, CheckpointsTakeSeveralArguments) {
  Tensor a = arange(1, 5).to(kFloat32).requires_grad_(), b = (arange(1, 5) * 2.0).requires_grad_();
  utils::checkpoint([](const Tensor& x, const Tensor& y) { return x * y; }, a, b).sum().backward();
  expect_equal({a.grad(), b.grad()}, {b.detach(), a.detach()});
}

TEST_F(RematTest, SequencesInSegments) {
  Net net(5);
  auto gradient = [&](int segments) {
    for (Variable& parameter : net.parameters) parameter.zero_grad();
    Tensor x = rows(16);
    Tensor y = segments == 0 ? net(x, false) : utils::checkpoint_sequential(net.blocks, segments, x);
    y.square().mean().backward();
    return net.parameters[0].grad();
  };
  const Tensor want = gradient(0);
  for (int segments : {1, 2, 5}) expect_equal({gradient(segments)}, {want});
  EXPECT_EQ(error_of([&] { gradient(6); }),
            "checkpoint_sequential: expected from 1 to 5 segments, as many as functions, received 6.");
  auto sequential = nn::Sequential({nn::Linear(64, 8), nn::Tanh()});
  expect_equal({utils::checkpoint_sequential(sequential, 2, rows(4))}, {sequential(rows(4))});
}

TEST_F(RematTest, LazyStatesAreUpdatedOnce) {
  auto running_mean = [](bool checkpointed) {
    nn::BatchNorm1d norm(64);
    norm.train();
    Tensor x = (rows(16) + 1.0).detach().requires_grad_();
    (checkpointed ? utils::checkpoint(norm, x) : norm(x)).square().sum().backward();
    x.grad().eval();
    return norm.weight("running_mean").detach();
  };
  expect_equal({running_mean(true)}, {running_mean(false)});
}

// The gradients of all parameters and of the input, and what the buffers are afterwards.
Tensors all_gradients(const Layer& module, const Tensor& input, bool checkpointed) {
  Tensor x = input.detach().requires_grad_();
  auto first_result = [&](const Tensor& y) { return module.apply(y)[0]; };
  manual_seed(2);
  sin(checkpointed ? utils::checkpoint(first_result, x) : first_result(x)).sum().backward();
  Tensors all = {x.grad()};
  for (const Variable& parameter : module.parameters()) all.push_back(parameter.grad());
  for (const Variable& buffer : module.buffers()) all.push_back(buffer.to(kFloat32));
  return all;
}

TEST_F(RematTest, ModulesOfAllKinds) {
  const std::pair<std::function<Layer()>, Shape> cases[] = {
      {[] { return nn::LSTM(6, 5); }, {7, 2, 6}},
      {[] { return nn::TransformerEncoderLayer(16, 2); }, {5, 2, 16}},
      {[] { return nn::Sequential({nn::Linear(16, 8), nn::LayerNorm({8}), nn::GELU(), nn::Softmax(1)}); }, {4, 16}},
      {[] { return nn::Sequential({nn::Conv2d(3, 4, 3), nn::BatchNorm2d(4), nn::ReLU(), nn::MaxPool2d(2)}); },
       {2, 3, 8, 8}}};
  for (const auto& [make, shape] : cases) {
    manual_seed(1);
    const Layer plain = make();
    manual_seed(1);
    const Layer checkpointed = make();
    const Tensor input = rand(shape);
    const Tensors got = all_gradients(checkpointed, input, true), want = all_gradients(plain, input, false);
    SCOPED_TRACE(plain.class_name());
    expect_near(got, want);
  }
}

TEST_F(RematTest, ABackwardHookInsideSeesTheSameGradient) {
  auto seen = [](bool checkpointed) {
    manual_seed(1);
    nn::Linear inner(4, 4), outer(4, 1);
    Tensor gradient;
    inner.register_full_backward_hook([&](const Layer&, const Tensors& gradients) { gradient = gradients[0]; });
    auto net = [&](const Tensor& x) { return outer(tanh(inner(x))); };
    const Tensor x = rand({3, 4});
    (checkpointed ? utils::checkpoint(net, x) : net(x)).sum().backward();
    return gradient;
  };
  expect_equal({seen(true)}, {seen(false)});
}

// A training step of one's own that calls a layer as a region.
class OwnStep : public CustomModel {
 public:
  explicit OwnStep(bool checkpointed) : checkpointed_(checkpointed) {}

  using CustomModel::call;
  Tensor call(const Tensor& x) override { return out_(hidden_(x)); }

  Logs train_step(const Tensors& x, const Tensors& y) override {
    const Tensor hidden = checkpointed_ ? utils::checkpoint(hidden_, x[0]) : hidden_(x[0]);
    const Tensor loss = (out_(hidden) - y[0]).square().mean();
    const Parameters weights = self().trainable_weights();
    self().optimizer().apply(grad(loss, weights), weights);
    Logs logs;
    logs.set("loss", loss);
    return logs;
  }

 private:
  bool checkpointed_;
  Layer hidden_ = add_layer("hidden", Dense(8, {.activation = "gelu", .name = "hidden"}));
  Layer out_ = add_layer("out", Dense(1, {.name = "out"}));
};

TEST_F(RematTest, ATrainingStepOfOnesOwn) {
  auto trained_weights = [](bool checkpointed) {
    clear_session();
    manual_seed(7);
    Model model = make<OwnStep>(checkpointed);
    model.compile({.optimizer = SGD(0.1), .loss = "mse"});
    return trained(model);
  };
  expect_near(trained_weights(true), trained_weights(false));
}

}  // namespace
}  // namespace mica
