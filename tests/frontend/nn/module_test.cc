// What modules know of their parameters, buffers, submodules and mode.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Twice : public nn::Module {
 public:
  using nn::Module::forward;
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (const Layer& layer : layers_) y = layer(y);
    return y * scale_ + offset_;
  }
  nn::ModuleList layers_ = register_module("layers", nn::ModuleList({nn::Linear(2, 2), nn::Linear(2, 2)}));
  Variable scale_ = register_parameter("scale", ones({2}));
  Variable offset_ = register_buffer("offset", full({2}, 0.5));
};

template <class Items>
std::vector<std::string> names_of(const Items& items) {
  std::vector<std::string> names;
  for (const auto& [name, item] : items) names.push_back(name);
  return names;
}

TEST(Module, StateHasPyTorchsNamesAndOrder) {
  Ref<Twice> net = make<Twice>();
  EXPECT_THAT(names_of(net.named_parameters()),
              ElementsAre("scale", "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"));
  EXPECT_THAT(names_of(net.named_buffers()), ElementsAre("offset"));
  EXPECT_THAT(net.state_dict().keys(),
              ElementsAre("scale", "offset", "layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"));
  EXPECT_THAT(names_of(net.named_children()), ElementsAre("layers"));
  EXPECT_EQ(net.modules().size(), 4u);
}

TEST(Module, ModulesInAListAreCalledByTheirHolder) {
  Ref<Twice> net = make<Twice>();
  for (int i : {0, 1}) {
    nn::init::eye_(net->layers_[i].weight("weight"));
    nn::init::zeros_(net->layers_[i].weight("bias"));
  }
  EXPECT_EQ(net(tensor({{1.0, 2.0}})).to_vector(), (std::vector<float>{1.5, 2.5}));
}

TEST(Module, PartsAreFoundByName) {
  Ref<Twice> net = make<Twice>();
  EXPECT_TRUE(net.get_submodule("layers.1").same_as(net->layers_[1]));
  EXPECT_TRUE(net.get_submodule("").same_as(net));
  EXPECT_TRUE(net.get_parameter("layers.0.weight").same_as(net->layers_[0].weight("weight")));
  EXPECT_TRUE(net.get_parameter("scale").same_as(net->scale_));
  EXPECT_TRUE(net.get_buffer("offset").same_as(net->offset_));
  EXPECT_THAT(error_of([&] { net.get_parameter("offset"); }), HasSubstr("layers.0.weight"));
  EXPECT_THAT(error_of([&] { net.get_submodule("layers.2"); }), HasSubstr("\"layers.1\""));
}

TEST(Module, AFrozenParameterStaysAParameter) {
  nn::Linear layer(2, 3);
  layer.weight("weight").set_trainable(false);
  EXPECT_EQ(layer.parameters().size(), 2u);
  EXPECT_TRUE(layer.buffers().empty());
}

TEST(Module, TrainAndEvalReachEveryModule) {
  nn::Sequential net({nn::Linear(2, 2), nn::Dropout()});
  EXPECT_TRUE(net.is_training());
  net.eval();
  EXPECT_FALSE(net[1].is_training());
  Tensor x = ones({4, 2});
  EXPECT_EQ(net[1](x).to_vector(), x.to_vector());
  net.train();
  EXPECT_TRUE(net[1].is_training());
}

TEST(Module, BatchNormTracksItsBatches) {
  nn::BatchNorm1d norm(1);
  Tensor x = tensor({{1.0}, {3.0}});
  norm(x).eval();
  EXPECT_EQ(norm.weight("num_batches_tracked").item<int>(), 1);
  EXPECT_NEAR(norm.weight("running_mean").item(), 0.2, 1e-6);       // 0.9 * 0 + 0.1 * 2
  EXPECT_NEAR(norm.weight("running_var").item(), 0.9 + 0.2, 1e-6);  // the unbiased variance is 2
  norm.eval();
  norm(x).eval();
  EXPECT_EQ(norm.weight("num_batches_tracked").item<int>(), 1);
}

TEST(Module, ASharedParameterHasBothNames) {
  nn::Embedding embedding(5, 3);
  nn::Linear head(3, 5, {.bias = false});
  nn::set_parameter(head, "weight", embedding.weight("weight"));
  nn::ModuleDict both({{"embedding", embedding}, {"head", head}});
  EXPECT_THAT(both.state_dict().keys(), ElementsAre("embedding.weight", "head.weight"));
  EXPECT_EQ(both.parameters().size(), 1u);
  nn::init::ones_(embedding.weight("weight"));
  EXPECT_EQ(head(ones({1, 3})).to_vector(), std::vector<float>(5, 3));
}

TEST(LoadStateDict, SaysWhatIsMissingAndWhatIsTooMuch) {
  nn::Linear layer(2, 1);
  std::string error = error_of([&] { layer.load_state_dict({{"weight", ones({1, 2})}, {"kernel", ones({1})}}); });
  EXPECT_THAT(error, HasSubstr("Error(s) in loading state_dict for Linear: Missing key(s) in state_dict: \"bias\"."
                               " Unexpected key(s) in state_dict: \"kernel\"."));
  IncompatibleKeys keys = layer.load_state_dict({{"weight", ones({1, 2})}, {"kernel", ones({1})}}, false);
  EXPECT_THAT(keys.missing_keys, ElementsAre("bias"));
  EXPECT_THAT(keys.unexpected_keys, ElementsAre("kernel"));
  EXPECT_EQ(layer.weight("weight").to_vector(), (std::vector<float>{1, 1}));
}

TEST(LoadStateDict, AWrongShapeChangesNothing) {
  nn::Linear layer(2, 1);
  std::vector<float> before = layer.weight("weight").to_vector();
  std::string error = error_of([&] { layer.load_state_dict({{"weight", ones({1, 3})}, {"bias", ones({1})}}, false); });
  EXPECT_THAT(error, HasSubstr("size mismatch for weight: copying a param with shape torch.Size([1, 3]) from "
                               "checkpoint, the shape in current model is torch.Size([1, 2])."));
  EXPECT_EQ(layer.weight("weight").to_vector(), before);
}

TEST(Module, IsALayerOfAKerasModelAndTheReverse) {
  Tensor image = Input({1, 4, 4});
  Tensor y = nn::Sequential({nn::Conv2d(1, 2, 3), nn::ReLU(), nn::Flatten()})(image);
  Model model({image}, {Dense(3)(y)});
  EXPECT_EQ(model.predict(ones({2, 1, 4, 4})).shape(), (Shape{2, 3}));
  nn::Sequential net({nn::Linear(4, 3), Dense(2)});
  EXPECT_EQ(net(ones({5, 4})).shape(), (Shape{5, 2}));
}

TEST(Module, WrongFeaturesAreAnErrorAtTheCall) {
  nn::Linear layer(4, 3);
  std::string error = error_of([&] { layer(ones({2, 5})); });
  EXPECT_THAT(error, HasSubstr("expected the last dimension of the input to be 4, received f32[2,5]"));
}

TEST(Module, WeightsOfLossesAreBuffers) {
  nn::BCEWithLogitsLoss loss({.weight = ones({2}), .pos_weight = full({2}, 3)});
  EXPECT_THAT(loss.state_dict().keys(), ElementsAre("weight", "pos_weight"));
  EXPECT_TRUE(loss.parameters().empty());
  EXPECT_TRUE(nn::CrossEntropyLoss().state_dict().empty());
  nn::CrossEntropyLoss classes({.weight = ones({2}), .reduction = "sum"});
  Tensor logits = tensor({{1.0, 2.0}, {3.0, -1.0}}), ids = tensor({0, 1});
  const double before = classes(logits, ids).item();
  classes.load_state_dict({{"weight", full({2}, 2)}});
  EXPECT_NEAR(classes(logits, ids).item(), 2 * before, 1e-5);
}

TEST(Init, DefaultsArePyTorchs) {
  manual_seed(0);
  nn::Conv2d conv(4, 16, 3);
  double bound = 1 / std::sqrt(4 * 9.0);
  EXPECT_LE(conv.weight("weight").abs().max().item(), bound);
  EXPECT_GT(conv.weight("weight").abs().max().item(), 0.9 * bound);
  nn::Embedding embedding(1000, 8, {.padding_idx = 3});
  EXPECT_NEAR(embedding.weight("weight").std().item(), 1, 0.05);
  EXPECT_EQ(embedding.weight("weight")[3].abs().sum().item(), 0);
}

TEST(Init, OrthogonalRowsAreOrthonormal) {
  nn::Linear layer(6, 4);
  nn::init::orthogonal_(layer.weight("weight"));
  Tensor w = layer.weight("weight"), product = w.matmul(w.t());
  EXPECT_TRUE(allclose(product, eye(4), 1e-5, 1e-5));
}

}  // namespace
}  // namespace mica
