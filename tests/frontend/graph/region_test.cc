// Gradient checkpointing by request: the same gradients from less memory.
#include "frontend/graph/region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/mica/mica.h"
#include "frontend/views/memory_report.h"
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

void expect_equal(const Tensors& got, const Tensors& want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_LE((got[i] - want[i]).abs().amax().item(), tolerance) << "weight " << i;
}

TEST_F(RematTest, TrainsAsWithoutIt) { expect_equal(trained(deep(3, 3, true)), trained(deep(3, 3, false)), 1e-6); }

TEST_F(RematTest, RandomLayersDrawTheSameNumbers) {
  Model with = deep(2, 2, true, 0.5), without = deep(2, 2, false, 0.5);
  expect_equal(trained(with), trained(without), 1e-6);
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
              HasSubstr("computed once more instead of being saved"));
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

}  // namespace
}  // namespace mica
