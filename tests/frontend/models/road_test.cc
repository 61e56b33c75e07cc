// What holds for every model on the road from the DSL to machine code: one compilation for all batch sizes, weights
// that change, taps that do not.
#include <gtest/gtest.h>

#include <thread>

#include "compiler/codegen_library.h"
#include "examples/models/digits.h"
#include "examples/models/toy_resnet.h"

namespace mica {
namespace {

std::int64_t llvm_compilations() { return codegen_library().llvm_compilations(); }

Model mlp() {
  Tensor x = Input({5}, {.name = "x"});
  return Model(x, Dense(3, {.name = "out"})(Dense(8, {.activation = "tanh", .name = "hidden"})(x)), {.name = "mlp"});
}

TEST(SymbolicBatch, OnlyTheFirstBatchSizeCallsLlvm) {
  Model model = examples::digits();
  model.predict(rand({1, 28, 28, 1}));
  std::int64_t before = llvm_compilations();
  for (std::int64_t batch : {7, 64, 256}) {
    EXPECT_EQ(model.predict(rand({batch, 28, 28, 1}), {.batch_size = 256}).shape(), (Shape{batch, 10}));
  }
  EXPECT_EQ(llvm_compilations(), before);
  EXPECT_EQ(model.compilations(), 1);
}

TEST(SymbolicBatch, ARaggedLastTrainingBatchCompilesNothing) {
  Model model = mlp();
  model.compile({.optimizer = Adam(1e-2), .loss = "mse"});
  Tensor x = rand({48, 5}), y = rand({48, 3});
  model.fit(x, y, {.batch_size = 16, .verbose = 0});
  int compiled = model.compilations();
  std::int64_t before = llvm_compilations();
  model.fit(rand({41, 5}), rand({41, 3}), {.batch_size = 16, .epochs = 2, .verbose = 0});
  EXPECT_EQ(model.compilations(), compiled);
  EXPECT_EQ(llvm_compilations(), before);
}

TEST(SymbolicBatch, RowsDoNotDependOnTheirBatch) {
  Model model = examples::toy_resnet();
  Tensor images = rand({9, 32, 32, 3});
  std::vector<float> whole = model.predict(images, {.batch_size = 9}).to_vector(),
                     one = model.predict(images, {.batch_size = 1}).to_vector();
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], one[i], 1e-5 * (1 + std::abs(one[i])));
}

TEST(Weights, AssignedOnesShowInTheNextPredictThroughPackedPaths) {
  Model model = mlp();
  Tensor x = rand({4, 5});
  model.predict(x);
  model.get_layer("out").set_weights({zeros({8, 3}), tensor({1.0, 2.0, 3.0})});
  EXPECT_EQ(model.predict(x)[0].to_vector(), (std::vector<float>{1, 2, 3}));
}

TEST(Weights, TrainedOnesShowInTheNextPredict) {
  Model model = mlp();
  Tensor x = rand({16, 5}), y = zeros({16, 3});
  std::vector<float> before = model.predict(x).to_vector();
  model.compile({.optimizer = SGD(0.1), .loss = "mse"});
  model.fit(x, y, {.verbose = 0});
  EXPECT_NE(model.predict(x).to_vector(), before);
}

TEST(Weights, ASnapshotHeldAcrossAStepKeepsItsValue) {
  Model model = mlp();
  model.compile({.optimizer = SGD(0.5, {.momentum = 0.9}), .loss = "mse"});
  Tensor x = rand({8, 5}), y = rand({8, 3});
  model.train_on_batch(x, y);
  Variable kernel = model.get_layer("hidden").weight("kernel");
  Tensor snapshot = kernel * 1.0;  // an operation takes what the Variable holds now
  std::vector<float> now = kernel.to_vector();
  model.train_on_batch(x, y);
  EXPECT_EQ(snapshot.to_vector(), now);
  EXPECT_NE(kernel.to_vector(), now);
}

TEST(Weights, AFailedStepLeavesThemAsTheyWere) {
  Tensor x = Input({5}, {.name = "x"});
  Model model(x, Dense(3, {.name = "logits"})(x));
  model.compile({.optimizer = SGD(0.5), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  std::vector<float> before = model.get_layer("logits").weight("kernel").to_vector();
  EXPECT_THROW(model.train_on_batch(rand({2, 5}), tensor({1, 3})), Error);
  EXPECT_EQ(model.get_layer("logits").weight("kernel").to_vector(), before);
}

TEST(Taps, ChangeNoBitOfTheOutputWhereNoLibraryEpilogueIsSplit) {
  Model model = examples::toy_resnet();
  Tensor images = rand({4, 32, 32, 3});
  std::vector<float> plain = model.predict(images).to_vector();
  TensorDict taps = model.trace(images);
  EXPECT_EQ(taps.keys(), (std::vector<std::string>{"stem1", "stem2", "stem_pool", "block1_conv1", "block1_conv2",
                                                   "block1_add", "block2_conv1", "block2_conv2", "block2_add",
                                                   "head_conv", "head_pool", "head_dense", "dropout", "logits"}));
  // The sums of the residual blocks are epilogues of the convolutions before them, whose own values are now stored: the
  // same additions.
  std::vector<float> tapped = taps["logits"].to_vector();
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(tapped[i], plain[i], 1e-6 * (1 + std::abs(plain[i])));
  TensorDict one = model.trace(images, {.layers = {"stem2"}});
  EXPECT_EQ(one.keys(), std::vector<std::string>{"stem2"});
  EXPECT_EQ(one["stem2"].to_vector(), taps["stem2"].to_vector());
}

TEST(Threads, TwoOfThemPredictOnOneModel) {
  Model model = examples::digits();
  Tensor images = rand({8, 28, 28, 1});
  images.eval();
  std::vector<float> want = model.predict(images).to_vector(), got[2];
  std::thread threads[2];
  for (int t = 0; t < 2; ++t) {
    threads[t] = std::thread([&, t] {
      for (int i = 0; i < 20; ++i) got[t] = model.predict(images).to_vector();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(got[0], want);
  EXPECT_EQ(got[1], want);
}

}  // namespace
}  // namespace mica
