// Models: structure, sharing, nesting, order of layers, and the errors of their construction.
#include "frontend/mica/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const std::vector<Layer>& layers) {
  std::vector<std::string> all;
  for (const Layer& layer : layers) all.push_back(layer.name());
  return all;
}

class ModelTest : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

TEST_F(ModelTest, InfersSymbolicShapes) {
  Tensor x = Input({64}, {.name = "x"});
  Tensor y = Dense(10, {.name = "head"})(x);
  EXPECT_TRUE(y.is_symbolic());
  EXPECT_EQ(y.shape(), (Shape{kAny, 10}));
  EXPECT_EQ(y.dtype(), kFloat32);
}

TEST_F(ModelTest, CountsParametersAndKnowsItsLayers) {
  Tensor x = Input({64}, {.name = "x"});
  Tensor hidden = Dense(16, {.activation = "relu"})(x);
  Tensor y = Dense(10)(hidden);
  Model model(x, y, {.name = "mlp"});
  EXPECT_EQ(model.count_params(), 64 * 16 + 16 + 16 * 10 + 10);
  EXPECT_THAT(names(model.layers()), ElementsAre("x", "dense", "dense_1"));
  EXPECT_EQ(model.weights()[2].path(), "dense_1/kernel");
  EXPECT_THAT(model.output_names(), ElementsAre("dense_1"));
  EXPECT_TRUE(model.get_layer("dense_1").output().same_as(y));
  EXPECT_TRUE(model.get_layer(-1).same_as(model.get_layer("dense_1")));
}

TEST_F(ModelTest, ALayerCalledTwiceSharesItsWeights) {
  Tensor a = Input({4}, {.name = "a"}), b = Input({4}, {.name = "b"});
  Dense shared(3, {.name = "shared"});
  Dense alias = shared;
  Tensor ya = shared(a), yb = alias(b);
  Model model({a, b}, {ya, yb});
  EXPECT_EQ(shared.num_calls(), 2);
  EXPECT_TRUE(shared.output(1).same_as(yb));
  EXPECT_EQ(model.weights().size(), 2u);
  EXPECT_EQ(model.count_params(), 15);
}

// Keras orders layers by decreasing depth, then by the walk from the outputs.
TEST_F(ModelTest, OrdersLayersAsKeras) {
  Tensor title = Input({4}, {.name = "title"}), tags = Input({4}, {.name = "tags"});
  Tensor deep = Dense(4, {.name = "second"})(Dense(4, {.name = "first"})(title));
  Tensor shallow = Dense(4, {.name = "beside"})(tags);
  Model model({tags, title}, deep + shallow);
  EXPECT_THAT(names(model.layers()), ElementsAre("title", "first", "tags", "second", "beside"));
}

TEST_F(ModelTest, NestedModelsShareTheirWeights) {
  Tensor x = Input({4});
  Model inner(x, Dense(3)(x), {.name = "inner"});
  Tensor a = Input({4}), b = Input({4});
  Tensor ya = inner(a), yb = inner(b);
  Model outer({a, b}, {ya, yb});
  EXPECT_EQ(ya.shape(), (Shape{kAny, 3}));
  EXPECT_EQ(outer.count_params(), 15);
  EXPECT_TRUE(outer.get_layer("inner").same_as(inner));
}

TEST_F(ModelTest, AnyInnerTensorsMakeAModel) {
  Tensor x = Input({4});
  Tensor hidden = Dense(3, {.name = "hidden"})(x);
  Tensor y = Dense(2, {.name = "top"})(hidden);
  Model lower(x, hidden), upper(hidden, y);
  EXPECT_EQ(lower.count_params(), 15);
  EXPECT_EQ(upper.count_params(), 8);
}

TEST_F(ModelTest, ErrorsOfConstruction) {
  Tensor x = Input({64}, {.name = "x"});
  Dense head(10, {.name = "head"});
  Tensor scores = head(x);
  EXPECT_EQ(error_of([&] { head(Input({32})); }),
            "head: expected the last dimension of the input to be 64, received f32[?,32]. "
            "The layer was built on [?,64]; was it shared by mistake?");
  EXPECT_EQ(error_of([&] { Model(Input({64}, {.name = "other"}), head.output(), {.name = "m"}); }),
            "m: expected outputs that depend on its inputs only (other), received head, which needs the Input \"x\". "
            "Add \"x\" to the inputs.");
  EXPECT_EQ(error_of([&] { Model(x, Dense(1, {.name = "twin"})(Dense(2, {.name = "twin"})(x)), {.name = "m"}); }),
            "m: expected layers of different names, received two layers named \"twin\". "
            "Name one of them otherwise; calling one layer twice shares its weights.");
  Model model(x, scores, {.name = "classifier"});
  EXPECT_EQ(error_of([&] { model.get_layer("haed"); }),
            "classifier: expected the name of one of its layers: x, head, received \"haed\".");
  EXPECT_THAT(error_of([&] { (void)x.to_vector(); }), HasSubstr("x: expected a concrete tensor to read"));
  EXPECT_EQ(head.num_calls(), 1);  // the failed call left nothing behind
}

TEST_F(ModelTest, SequentialLearnsItsInputFromTheFirstCall) {
  Sequential net({Dense(8, {.activation = "relu"}), Dense(2)});
  EXPECT_FALSE(net.built());
  Tensor y = net(Input({4}));
  EXPECT_EQ(y.shape(), (Shape{kAny, 2}));
  EXPECT_EQ(net.count_params(), 4 * 8 + 8 + 8 * 2 + 2);
  EXPECT_EQ(net.size(), 2u);
  EXPECT_EQ(net[0].name(), "dense");
  EXPECT_EQ(net.weights()[0].path(), "dense/kernel");  // as Keras writes it into files
}

}  // namespace
}  // namespace mica
