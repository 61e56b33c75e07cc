// Mistakes of the user, word for word: who, what was expected, what came, and a hint.
#include <gtest/gtest.h>

#include <limits>

#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

class ErrorsTest : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }
  Tensor x_ = Input({64}, {.name = "x"});
  Dense head_{10, {.name = "head"}};
  Tensor scores_ = head_(x_);
  Model model_{x_, scores_, {.name = "classifier"}};
};

TEST_F(ErrorsTest, Shapes) {
  EXPECT_EQ(error_of([&] { head_(Input({32})); }),
            "head: expected the last dimension of the input to be 64, received f32[?,32]. The layer was built on "
            "[?,64]; was it shared by mistake?");
  EXPECT_EQ(error_of([&] { Conv2D(8, 3, {.name = "conv"})(x_); }),
            "conv: expected an input of rank 4, received rank 2, [?,64]. The batch is the first axis.");
  EXPECT_EQ(error_of([&] { Conv2D(8, 5, {.name = "big"})(Input({3, 3, 1})); }),
            "big: expected an input of at least 5 along axis 1, the size of the kernel, received 3. Use padding "
            "\"same\", or a smaller kernel_size.");
  EXPECT_EQ(error_of([&] { model_.predict(zeros({2, 63})); }),
            "classifier: expected the input \"x\" to be f32[?,64], received f32[2,63]. The shape of an Input leaves "
            "out the batch, which is the first axis of the data.");
  EXPECT_EQ(error_of([&] { zeros({2, 3}).reshape({4, 2}); }),
            "reshape: expected a shape with the elements of [2,3], received [4,2].");
}

TEST_F(ErrorsTest, TheGraph) {
  EXPECT_EQ(error_of([&] { (void)x_.to_vector(); }),
            "x: expected a concrete tensor to read, received a symbolic one, f32[?,64]. It depends on an Input: make a "
            "Model of it and call predict.");
  EXPECT_EQ(error_of([&] { Model(Input({64}, {.name = "other"}), scores_, {.name = "wrong"}); }),
            "wrong: expected outputs that depend on its inputs only (other), received head, which needs the Input "
            "\"x\". Add \"x\" to the inputs.");
  EXPECT_EQ(error_of([&] { Model(x_, Dense(1, {.name = "twin"})(Dense(2, {.name = "twin"})(x_)), {.name = "pair"}); }),
            "pair: expected layers of different names, received two layers named \"twin\". Name one of them otherwise; "
            "calling one layer twice shares its weights.");
  EXPECT_EQ(error_of([&] { model_.get_layer("haed"); }),
            "classifier: expected the name of one of its layers: x, head, received \"haed\".");
}

TEST_F(ErrorsTest, DtypesAndInputs) {
  EXPECT_EQ(error_of([&] { F::embedding(zeros({2}), zeros({5, 3})).eval(); }),
            "F::embedding: expected ids of an integer type, int64 or int32, received f32[2].");
  Tensor a = Input({3}, {.name = "a"}), b = Input({3}, {.name = "b"});
  Model two({a, b}, Add()({a, b}), {.name = "two"});
  EXPECT_EQ(error_of([&] { two.predict({{"a", zeros({1, 3})}}); }), "two: expected a tensor for \"b\", received none.");
}

TEST_F(ErrorsTest, IndicesOutOfRange) {
  Tensor ids = Input({4}, {.dtype = kInt32, .name = "ids"});
  Model words(ids, Embedding(10, 3, {.name = "words"})(ids), {.name = "reader"});
  EXPECT_EQ(error_of([&] { words.predict(tensor({1, 2, 10, 3}).reshape({1, 4})); }),
            "words: expected ids from 0 to 9, received 10 at position 2. The operation is gather.");
  // Another model of the same structure has its own names.
  Tensor more = Input({4}, {.dtype = kInt32, .name = "more"});
  Model twin(more, Embedding(10, 3, {.name = "twin"})(more));
  EXPECT_EQ(error_of([&] { twin.predict(tensor({1, 2, -1, 3}).reshape({1, 4})); }),
            "twin: expected ids from 0 to 9, received -1 at position 2. The operation is gather.");
  EXPECT_EQ(error_of([] { F::cross_entropy(zeros({1, 3}), tensor({3})).item(); }),
            "F::cross_entropy: expected labels from 0 to 2, received 3 at position 0. The operation is "
            "gather_elements.");
  EXPECT_EQ(error_of([] { F::embedding(tensor({5}), zeros({5, 3})).eval(); }),
            "F::embedding: expected ids from 0 to 4, received 5 at position 0. The operation is gather.");
}

TEST_F(ErrorsTest, FunctionsNameThemselves) {
  EXPECT_EQ(error_of([] { F::mse_loss(zeros({2, 3}), zeros({2})); }),
            "F::mse_loss: expected a target of the input's shape, [2,3], received f32[2].");
  EXPECT_EQ(error_of([] { F::linear(zeros({2, 3}), zeros({5, 4}), {}); }),
            "F::linear: expected a last dimension of 4, that of the weight, received f32[2,3].");
  EXPECT_EQ(error_of([] { F::softmax(zeros({2, 3}), 2); }), "F::softmax: expected an axis from -2 to 1, received 2.");
  EXPECT_EQ(error_of([] { stack({zeros({2}), zeros({3})}); }),
            "stack: expected operands that differ in axis 0 only, received f32[1,2] and f32[1,3]. The operation is "
            "concat.");
  EXPECT_EQ(error_of([] { mm(zeros({2, 3}), zeros({4, 5})); }),
            "mm: expected b to have 3 rows, as many as a has columns, received f32[2,3] and f32[4,5]. The operation is "
            "matmul.");
}

TEST_F(ErrorsTest, Training) {
  EXPECT_EQ(error_of([&] { model_.fit(zeros({2, 64}), zeros({2, 10})); }),
            "classifier: expected compile() before fit(), received a model that was not compiled. Call "
            "model.compile({.optimizer = …, .loss = …}) first.");
  model_.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_EQ(error_of([&] { model_.fit(zeros({4, 64}), zeros({3, 10}), {.verbose = 0}); }),
            "classifier: expected targets of \"head\" with 4 rows, as many as x, received 3 rows.");
  EXPECT_EQ(
      error_of([&] { model_.fit(zeros({4, 64}), zeros({4, 7}), {.verbose = 0}); }),
      "head: expected targets of shape f32[?,10], received f32[?,7]. The targets must have the shape of the output.");
  model_.compile({.loss = SparseCategoricalCrossentropy({.from_logits = true})});
  EXPECT_EQ(
      error_of([&] { model_.train_on_batch(zeros({2, 64}), tensor({1, 10})); }),
      "head: expected labels from 0 to 9, received 10 in row 1, batch 0. The prediction has one value for each class.");
}

TEST_F(ErrorsTest, HyperParameters) {
  EXPECT_EQ(error_of([] { (void)Adam(std::numeric_limits<double>::quiet_NaN()); }),
            "adam: expected learning_rate to be a finite number of at least 0, received nan.");
  EXPECT_EQ(error_of([] { SGD(-1.0); }),
            "sgd: expected learning_rate to be a finite number of at least 0, received -1.");
  EXPECT_EQ(error_of([] { Adam(1e-3, {.beta_1 = 1.5}); }), "adam: expected beta_1 between 0 and 1, received 1.5.");
  EXPECT_EQ(error_of([&] { model_.compile({.optimizer = "adamm", .loss = "mse"}); }),
            "optimizer: expected one of Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, "
            "LossScaleOptimizer, Muon, Nadam, RMSprop, SGD, ScheduleFreeAdamW, received \"adamm\".");
}

}  // namespace
}  // namespace mica
