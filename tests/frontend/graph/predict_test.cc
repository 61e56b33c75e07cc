// predict and trace: numbers by hand, batches, names, weights that change.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/graph/run_model.h"
#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;
using testing::Pointwise;

// y = relu(x W + b) with W = [[1, -1], [2, 0.5]], b = [0.5, 0].
Model small_model(const char* name = "small") {
  Tensor x = Input({2}, {.name = "x"});
  Model model(x, Dense(2, {.activation = "relu", .name = "hidden"})(x), {.name = name});
  model.set_weights({tensor({{1.0, -1.0}, {2.0, 0.5}}), tensor({0.5, 0.0})});
  return model;
}

TEST(Predict, ComputesByHand) {
  Model model = small_model();
  Tensor y = model.predict(tensor({{1.0, 2.0}, {-3.0, 4.0}}));
  EXPECT_EQ(y.shape(), (Shape{2, 2}));
  EXPECT_THAT(y.to_vector(), ElementsAre(5.5f, 0.0f, 5.5f, 5.0f));
}

TEST(Predict, BatchesGiveTheSameAndCompileOnce) {
  Model model = small_model();
  Tensor x = tensor({{1.0, 2.0}, {-3.0, 4.0}, {0.0, 1.0}});
  std::vector<float> whole = model.predict(x).to_vector();
  EXPECT_EQ(model.predict(x, {.batch_size = 2}).to_vector(), whole);
  EXPECT_EQ(model.predict(x, {.batch_size = 1}).to_vector(), whole);
  EXPECT_EQ(model.compilations(), 1);
}

TEST(Predict, SeesAssignedWeightsAndSnapshotsKeepTheirs) {
  Model model = small_model();
  Tensor x = tensor({{1.0, 0.0}});
  Tensor before = model.get_weights()[0];
  EXPECT_THAT(model.predict(x).to_vector(), ElementsAre(1.5f, 0.0f));
  model.get_layer("hidden").weight("kernel").assign(ones({2, 2}));
  EXPECT_THAT(model.predict(x).to_vector(), ElementsAre(1.5f, 1.0f));
  EXPECT_THAT(before.to_vector(), ElementsAre(1.0f, -1.0f, 2.0f, 0.5f));
}

TEST(Predict, AModelIsAFunctionOfConcreteTensors) {
  Model model = small_model();
  Tensor x = tensor({{1.0, 2.0}});
  EXPECT_EQ((model(x) * 2 - 1).to_vector(), (std::vector<float>{10, -1}));
}

TEST(Predict, SeveralInputsByNameAndSeveralOutputs) {
  Tensor a = Input({2}, {.name = "a"}), b = Input({2}, {.name = "b"});
  Model model({{"left", a}, {"right", b}}, {{"difference", a - b}, {"sum", a + b}});
  Tensor x = tensor({{1.0, 2.0}}), y = tensor({{10.0, 20.0}});
  TensorDict results = model.predict_dict({{"right", y}, {"left", x}});
  EXPECT_THAT(results.keys(), ElementsAre("difference", "sum"));
  EXPECT_THAT(results["difference"].to_vector(), ElementsAre(-9.0f, -18.0f));
  auto [difference, sum] = model.predict<2>({x, y});
  EXPECT_THAT(sum.to_vector(), ElementsAre(11.0f, 22.0f));
  EXPECT_THAT(error_of([&] { model.predict({{"left", x}, {"wrong", y}}); }), HasSubstr("\"wrong\""));
}

TEST(Predict, ChecksShapesOfTheInputs) {
  Model model = small_model("checked");
  EXPECT_EQ(error_of([&] { model.predict(zeros({2, 3})); }),
            "checked: expected the input \"x\" to be f32[?,2], received f32[2,3]. "
            "The shape of an Input leaves out the batch, which is the first axis of the data.");
  EXPECT_EQ(model.predict(zeros({2, 2})).shape(), (Shape{2, 2}));
}

TEST(TraceOfModel, HasAKeyForEveryCall) {
  Tensor x = Input({2}, {.name = "x"});
  Dense shared(2, {.name = "shared"});
  Tensor once = shared(x);
  Model inner(x, once, {.name = "inner"});
  Tensor z = Input({2}, {.name = "z"});
  Dense twice(2, {.name = "twice"});
  Tensor first = twice(inner(z));
  Model outer(z, twice(first));
  TensorDict trace = outer.trace(ones({1, 2}));
  EXPECT_THAT(trace.keys(), ElementsAre("inner/shared", "inner", "twice", "twice:1"));
  EXPECT_EQ(trace["inner"].to_vector(), trace["inner/shared"].to_vector());
  EXPECT_THAT(outer.trace(ones({1, 2}), {.layers = {"twice"}}).keys(), ElementsAre("twice"));
  EXPECT_THAT(error_of([&] { outer.trace(ones({1, 2}), {.layers = {"nose"}}); }), HasSubstr("\"nose\""));
}

TEST(TraceOfModel, NumbersCallsOfALayerInTheOrderTheyWereMade) {
  Tensor x = Input({2}, {.name = "x"});
  Dense shared(2, {.name = "shared"});
  shared.build({kAny, 2});
  shared.set_weights({eye(2), ones({2})});
  Tensor first = shared(x);                        // shallow
  Tensor second = shared(Rescaling(10.0)(x * 1));  // deep: it runs before
  TensorDict trace = Model(x, Add()({first, second})).trace(zeros({1, 2}) + 1);
  EXPECT_THAT(trace["shared"].to_vector(), ElementsAre(2.0f, 2.0f));
  EXPECT_THAT(trace["shared:1"].to_vector(), ElementsAre(11.0f, 11.0f));
}

TEST(TraceOfModel, TapsStandBesideOutputs) {
  Tensor x = Input({1}, {.name = "x"});
  Rescaling twice(2.0, 0, {.name = "twice"});
  Tensor a = twice(x), b = twice(a);
  Model model(x, {b, a}, {.name = "both"});
  Tensor data = ones({3, 1});
  TensorDict outputs = model.predict_dict(data);
  EXPECT_THAT(outputs.keys(), ElementsAre("twice", "twice:1"));  // repeated outputs
  EXPECT_THAT(outputs["twice"].to_vector(), ElementsAre(4.0f, 4.0f, 4.0f));
  TensorDict all = internal::run_model(model, data, {.taps = {"all"}, .batch_size = 2}).by_name();
  EXPECT_THAT(all.keys(), ElementsAre("twice", "twice:1"));  // calls: the tap's value has the key
  EXPECT_THAT(all["twice"].to_vector(), ElementsAre(2.0f, 2.0f, 2.0f));
  EXPECT_THAT(all["twice:1"].to_vector(), ElementsAre(4.0f, 4.0f, 4.0f));
}

TEST(Predict, ResultsWithoutRowsNeedOneBatch) {
  Tensor x = Input({2}, {.name = "x"});
  Model model(x, x.sum(0), {.name = "total"});
  EXPECT_EQ(model.predict(ones({3, 2})).shape(), (Shape{2}));
  EXPECT_THAT(error_of([&] { model.predict(ones({3, 2}), {.batch_size = 1}); }),
              HasSubstr("expected a row of the result for each of the 1 rows of a batch, received [2]. Such results "
                        "need all rows in one batch: batch_size 3."));
}

TEST(Features, AreModelsOverTheSameNodes) {
  Tensor x = Input({2}, {.name = "x"});
  Dense hidden(2, {.name = "hidden"});
  Model model(x, Dense(1)(hidden(x)));
  hidden.set_weights({eye(2), zeros({2})});
  Model features = model.features({"hidden"});
  EXPECT_THAT(features.predict(tensor({{3.0, 4.0}})).to_vector(), ElementsAre(3.0f, 4.0f));
  EXPECT_EQ(features.count_params(), 6);
}

}  // namespace
}  // namespace mica
