// fit, evaluate and what they take: order of hooks, steps, batches from everywhere, errors, allocations.
#include <gmock/gmock.h>

#include <cmath>

#include "frontend/graph/variable.h"
#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor ramp(const Shape& shape, double scale = 0.1) {
  std::int64_t count = 1;
  for (std::int64_t dim : shape.dims()) count *= dim;
  return sin(arange(0, static_cast<double>(count)) * scale).reshape(shape);
}

class FitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    manual_seed(1);
  }
  // y = w·x with a known start.
  static Sequential linear(CompileOptions options = {.optimizer = SGD(0.1), .loss = "mse"}) {
    Tensor x = Input({2}, {.name = "x"});
    Sequential model;
    model.add(x);
    model.add(Dense(1, {.kernel_initializer = "ones", .name = "y"}));
    model.compile(std::move(options));
    return model;
  }
};

class Recorder : public CustomCallback {
 public:
  std::vector<std::string> calls;
  void on_train_begin() override { calls.push_back("train_begin"); }
  void on_train_end() override { calls.push_back("train_end"); }
  void on_epoch_begin(int epoch) override { calls.push_back("epoch_begin " + std::to_string(epoch)); }
  void on_epoch_end(int epoch, Logs& logs) override {
    calls.push_back("epoch_end " + std::to_string(epoch));
    logs.set("mine", 7);
  }
  void on_train_batch_begin(int batch) override { calls.push_back("batch_begin " + std::to_string(batch)); }
  void on_train_batch_end(int batch, const Logs&) override { calls.push_back("batch_end " + std::to_string(batch)); }
  void on_test_begin() override { calls.push_back("test_begin"); }
  void on_test_end(const Logs&) override { calls.push_back("test_end"); }
  void on_test_batch_begin(int batch) override { calls.push_back("test_batch_begin " + std::to_string(batch)); }
  void on_test_batch_end(int batch, const Logs&) override {
    calls.push_back("test_batch_end " + std::to_string(batch));
  }
  Model seen_model() const { return model(); }
};

TEST_F(FitTest, HooksComeInKerasOrder) {
  Sequential model = linear();
  auto recorder = make<Recorder>();
  Tensor x = ramp({4, 2}), y = ramp({4, 1});
  History history = model.fit(
      x, y, {.batch_size = 2, .verbose = 0, .callbacks = {recorder}, .validation_data = {x, y}, .shuffle = false});
  EXPECT_THAT(recorder->calls,
              ElementsAre("train_begin", "epoch_begin 0", "batch_begin 0", "batch_end 0", "batch_begin 1",
                          "batch_end 1", "test_begin", "test_batch_begin 0", "test_batch_end 0", "test_batch_begin 1",
                          "test_batch_end 1", "test_end", "epoch_end 0", "train_end"));
  EXPECT_EQ(history["mine"], std::vector<double>{7});
  EXPECT_TRUE(recorder->seen_model().same_as(model));
}

TEST_F(FitTest, StepsPerExecutionCallsBatchHooksLessOften) {
  Sequential model = linear({.optimizer = SGD(0.1), .loss = "mse", .steps_per_execution = 2});
  auto recorder = make<Recorder>();
  model.fit(ramp({5, 2}), ramp({5, 1}), {.batch_size = 1, .verbose = 0, .callbacks = {recorder}, .shuffle = false});
  EXPECT_THAT(recorder->calls,
              ElementsAre("train_begin", "epoch_begin 0", "batch_begin 0", "batch_end 1", "batch_begin 2",
                          "batch_end 3", "batch_begin 4", "batch_end 4", "epoch_end 0", "train_end"));
}

TEST_F(FitTest, StepsPerEpochGoOnWhereTheLastEpochEnded) {
  Tensor x = ramp({4, 2}), y = ramp({4, 1});
  Sequential halves = linear(), whole = linear();
  halves.fit(x, y, {.batch_size = 1, .epochs = 2, .verbose = 0, .shuffle = false, .steps_per_epoch = 2});
  whole.fit(x, y, {.batch_size = 1, .epochs = 1, .verbose = 0, .shuffle = false});
  EXPECT_EQ(halves.get_weights()[0].to_vector(), whole.get_weights()[0].to_vector());
}

TEST_F(FitTest, ASeedGivesTheOrder) {
  Tensor x = ramp({16, 2}), y = ramp({16, 1});
  auto trained = [&](std::uint64_t seed) {
    Sequential model = linear();
    manual_seed(seed);
    model.fit(x, y, {.batch_size = 2, .epochs = 2, .verbose = 0});
    return model.get_weights()[0].to_vector();
  };
  EXPECT_EQ(trained(1), trained(1));
  EXPECT_NE(trained(1), trained(2));
}

TEST_F(FitTest, ValidationSplitTakesTheLastRows) {
  Tensor x = ramp({10, 2}), y = ramp({10, 1});
  Sequential split = linear(), given = linear();
  FitOptions options{.batch_size = 4, .verbose = 0, .shuffle = false};
  options.validation_split = 0.25;  // floor(7.5) rows stay
  History a = split.fit(x, y, options);
  options.validation_split = 0;
  options.validation_data = {x[Slice(7, 10)], y[Slice(7, 10)]};
  History b = given.fit(x[Slice(0, 7)], y[Slice(0, 7)], options);
  EXPECT_EQ(a["val_loss"], b["val_loss"]);
  EXPECT_EQ(a["loss"], b["loss"]);
}

TEST_F(FitTest, ValidationFrequencyCountsEpochs) {
  Tensor x = ramp({4, 2}), y = ramp({4, 1});
  History history = linear().fit(x, y, {.epochs = 5, .verbose = 0, .validation_data = {x, y}, .validation_freq = 2});
  EXPECT_EQ(history["val_loss"].size(), 2u);
}

TEST_F(FitTest, LoadersRangesAndGeneratorsGiveWhatArraysGive) {
  Tensor x = ramp({6, 2}), y = ramp({6, 1});
  const FitOptions options{.batch_size = 2, .epochs = 2, .verbose = 0, .shuffle = false};
  Sequential arrays = linear();
  const std::vector<double> expected = arrays.fit(x, y, options)["loss"];

  DataLoader loader(TensorDataset(x, y), {.batch_size = 2});
  EXPECT_EQ(linear().fit(loader, options)["loss"], expected);

  std::vector<Batch> batches;
  for (int i = 0; i < 6; i += 2) batches.push_back({x[Slice(i, i + 2)], y[Slice(i, i + 2)], {}});
  EXPECT_EQ(linear().fit(batches, options)["loss"], expected);

  int next = 0;
  auto endless = [&]() -> std::optional<Batch> {
    const int i = next;
    next = (next + 2) % 6;
    return Batch{x[Slice(i, i + 2)], y[Slice(i, i + 2)], {}};
  };
  FitOptions steps = options;
  steps.steps_per_epoch = 3;
  EXPECT_EQ(linear().fit(endless, steps)["loss"], expected);
  EXPECT_EQ(arrays.evaluate(loader, {.verbose = 0})["loss"],
            arrays.evaluate(x, y, {.batch_size = 2, .verbose = 0})["loss"]);
}

TEST_F(FitTest, TrainableIsThatOfCompile) {
  Sequential model = linear();
  model.get_layer("y").set_trainable(false);  // too late
  const std::vector<float> before = model.get_weights()[0].to_vector();
  model.train_on_batch(ramp({4, 2}), ramp({4, 1}));
  const std::vector<float> after = model.get_weights()[0].to_vector();
  EXPECT_NE(after, before);
  model.compile({.optimizer = SGD(0.1), .loss = "mse"});
  model.get_layer("y").set_trainable(true);
  model.train_on_batch(ramp({4, 2}), ramp({4, 1}));
  EXPECT_EQ(model.get_weights()[0].to_vector(), after);
}

TEST_F(FitTest, OneProgramForAllSteps) {
  Sequential model = linear({.optimizer = Adam(0.01), .loss = "mse", .metrics = {"mae"}});
  model.fit(ramp({10, 2}), ramp({10, 1}), {.batch_size = 4, .verbose = 0});
  const int compiled = model.compilations();
  EXPECT_EQ(compiled, 1);  // a last batch of two rows runs on it too
  model.optimizer().set_lr(0.5);
  model.fit(ramp({9, 2}), ramp({9, 1}), {.batch_size = 2, .epochs = 3, .verbose = 0});
  EXPECT_EQ(model.compilations(), compiled);
}

TEST_F(FitTest, WeightsAndSlotsAreUpdatedInPlace) {
  Sequential model = linear({.optimizer = Adam(0.01), .loss = "mse"});
  Tensor x = ramp({4, 2}), y = ramp({4, 1});
  model.train_on_batch(x, y);
  Parameters all = model.weights();
  for (const Variable& slot : model.optimizer().variables()) all.push_back(slot);
  auto storage = [&] {
    std::vector<const void*> pointers;
    for (const Variable& variable : all) pointers.push_back(variable.cell()->array().data());
    return pointers;
  };
  const std::vector<const void*> before = storage();
  for (int step = 0; step < 3; ++step) model.train_on_batch(x, y);
  EXPECT_EQ(storage(), before);
}

// ---- errors

TEST_F(FitTest, ABadLossNamesOutputBatchAndValue) {
  Tensor x = ramp({4, 2}), y = ramp({4, 1});
  Sequential model = linear({.optimizer = SGD(1e25), .loss = "mse"});
  EXPECT_THAT(error_of([&] { model.fit(x, y, {.batch_size = 1, .epochs = 3, .verbose = 0, .shuffle = false}); }),
              ::testing::AllOf(HasSubstr("y: expected a finite loss"), HasSubstr("batch 1 of epoch 1"),
                               HasSubstr("Gradients may have exploded")));

  Tensor holes = tensor({{1.0, 2.0}, {3.0, NAN}});
  EXPECT_THAT(error_of([&] { linear().fit(holes, ramp({2, 1}), {.batch_size = 1, .verbose = 0, .shuffle = false}); }),
              HasSubstr("The data has nan in row 1 of input \"x\""));
}

TEST_F(FitTest, TerminateOnNaNEndsWithoutAnError) {
  Sequential model = linear({.optimizer = SGD(1e25), .loss = "mse"});
  History history = model.fit(ramp({4, 2}), ramp({4, 1}),
                              {.batch_size = 1, .epochs = 5, .verbose = 0, .callbacks = {TerminateOnNaN()}});
  EXPECT_EQ(history.epochs(), 1u);
}

TEST_F(FitTest, MistakesInTheData) {
  Sequential model = linear();
  Tensor x = ramp({4, 2}), y = ramp({4, 1});
  EXPECT_THAT(error_of([&] { model.fit(zeros({0, 2}), zeros({0, 1})); }), HasSubstr("at least one row of data"));
  EXPECT_THAT(error_of([&] { model.fit(x, ramp({3, 1})); }), HasSubstr("targets of \"y\" with 4 rows"));
  EXPECT_THAT(error_of([&] { model.fit(x, ramp({4, 3})); }), HasSubstr("targets of shape"));
  EXPECT_THAT(error_of([&] { model.fit([]() -> std::optional<Batch> { return {}; }); }),
              HasSubstr("at least one batch in epoch 1"));
  EXPECT_THAT(error_of([&] { model.fit(x, y, {.validation_split = 1.5}); }), HasSubstr("validation_split"));

  Sequential classes({Dense(3, {.name = "classes"})});
  classes.build({kAny, 2});
  classes.compile({.loss = SparseCategoricalCrossentropy({.from_logits = true})});
  Tensor labels = tensor({0, 1, 2, 3});
  EXPECT_THAT(error_of([&] { classes.fit(x, labels, {.batch_size = 2, .verbose = 0, .shuffle = false}); }),
              ::testing::AllOf(HasSubstr("labels from 0 to 2"), HasSubstr("3 in row 3, batch 1")));
}

}  // namespace
}  // namespace mica
