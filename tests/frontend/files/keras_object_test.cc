// One's own classes and functions in files, and layers that models share.
#include "frontend/files/keras_object.h"

#include <gtest/gtest.h>

#include "frontend/mica/layers.h"
#include "tests/frontend/files/file_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

class Scale final : public CustomLayer {
 public:
  explicit Scale(double factor) : factor_(factor) {}
  using CustomLayer::build;
  using CustomLayer::call;
  void build(const Shape& input) override { gain_ = add_weight({.shape = {input.back()}, .name = "gain"}); }
  Tensor call(const Tensor& x) override { return x * gain_ * factor_; }
  Config config() const override { return {{"factor", factor_}}; }
  static auto from_config(const Config& config) { return make<Scale>(config.get<double>("factor")); }

 private:
  double factor_;
  Variable gain_;
};

class TwoDense final : public CustomModel {
 public:
  using CustomModel::call;
  TwoDense() : last_(add_layer("last", Dense(2))), first_(add_layer("first", Dense(3))) {}
  Tensor call(const Tensor& x) override { return last_(first_(x)); }
  static auto from_config(const Config&) { return make<TwoDense>(); }

 private:
  Dense last_, first_;
};

class Unregistered final : public CustomLayer {
 public:
  using CustomLayer::call;
  Tensor call(const Tensor& x) override { return x; }
};

class KerasObjects : public files::TempFolder {
 protected:
  Model again(const Model& model) {
    model.save(path("m.keras"));
    return load_model(path("m.keras"));
  }
};

TEST_F(KerasObjects, OwnLayersComeBackWithNameAndWeights) {
  register_layer<Scale>("shop>Scale");
  Tensor x = Input({3});
  auto scale = make<Scale>(0.5);
  Model model(x, scale(x));
  Model loaded = again(model);
  Layer back = loaded.get_layer("scale");
  ASSERT_NE(back.get_if<Scale>(), nullptr);
  EXPECT_EQ(back.weight("gain").to_vector(), scale.weight("gain").to_vector());
  EXPECT_EQ(back.weight("gain").path(), "scale/gain");
  Config object = files::layer_object(scale);
  EXPECT_EQ(object.at("registered_name").text(), "shop>Scale");
  EXPECT_TRUE(object.at("module").is_null());
  EXPECT_EQ(object.at("config").object().get<double>("factor"), 0.5);
}

TEST_F(KerasObjects, SubclassedModelsComeBackBuilt) {
  register_layer<TwoDense>("shop>TwoDense");
  auto model = make<TwoDense>();
  Tensor x = tensor({{1.0, 2.0}, {3.0, 4.0}});
  std::vector<double> expected = model.predict(x).to_vector<double>();
  Model loaded = again(model);
  EXPECT_EQ(loaded.predict(x).to_vector<double>(), expected);
}

TEST_F(KerasObjects, UnknownClassesAndFunctionsAreNoFiles) {
  Tensor x = Input({3}, {.name = "x"});
  EXPECT_EQ(error_of([&] { Model(x, make<Unregistered>()(x)).save(path("m.keras")); }),
            "unregistered: expected a layer that files know, received the class Unregistered. Register it before: "
            "register_layer<Unregistered>(\"package>Unregistered\").");
  EXPECT_EQ(
      error_of([&] {
        Model(x, Dense(2, {.activation = [](const Tensor& t) { return t * 2; }, .name = "d"})(x)).save(path("m.keras"));
      }),
      "d: expected activation to be a function that files know, received one without a name. Register it "
      "before, register_function(\"package>name\", function), and give its name.");
  EXPECT_EQ(file_count(), 0u) << "nothing is left of a save that failed";
}

TEST_F(KerasObjects, RegisteredFunctionsAreActivationsByName) {
  register_function("shop>cube", [](const Tensor& t) { return t * t * t; });
  Tensor x = Input({2});
  Model model(x, Dense(2, {.activation = "shop>cube", .name = "d"})(x));
  Config dense = files::layer_object(model.get_layer("d"));
  EXPECT_EQ(dense.at("config").object().at("activation").to_json(),
            R"({"module":"builtins","class_name":"function","config":"shop>cube","registered_name":"function"})");
  Tensor data = tensor({{1.0, -2.0}});
  EXPECT_EQ(again(model).predict(data).to_vector(), model.predict(data).to_vector());
}

// The two nested models hold one Dense: it is one again, and its weights are in the file once.
TEST_F(KerasObjects, LayersOfSeveralModelsStayOne) {
  Dense shared(3, {.name = "shared"});
  Tensor a = Input({3}), b = Input({3}), x = Input({3});
  Model left(a, shared(a), {.name = "left"}), right(b, shared(b) * 2, {.name = "right"});
  Model model(x, left(x) + right(x));
  Model loaded = again(model);
  EXPECT_EQ(loaded.weights().size(), 2u);
  Tensor data = tensor({{1.0, 2.0, 3.0}});
  EXPECT_EQ(loaded.predict(data).to_vector(), model.predict(data).to_vector());
}

TEST_F(KerasObjects, SequentialWithoutInputIsBuiltFromItsShape) {
  Sequential model({Dense(3, {.name = "a"}), Dense(2, {.name = "b"})});
  EXPECT_EQ(error_of([&] { model.save(path("m.keras")); }),
            model.name() +
                ": expected a model with weights, received one that was never called. Start it with "
                "Input({…}), or call it once.");
  Tensor data = tensor({{1.0, 2.0}});
  Tensor expected = model.predict(data);
  EXPECT_EQ(again(model).predict(data).to_vector(), expected.to_vector());
}

TEST_F(KerasObjects, WeightsAloneInEveryFormat) {
  auto make_model = [] {
    Tensor x = Input({2});
    return Model(x, Dense(2, {.name = "b"})(Dense(3, {.name = "a"})(x)));
  };
  Model from = make_model();
  from.save(path("m.keras"));
  for (const char* name : {"w.weights.h5", "w.npz", "m.keras"}) {
    if (std::string(name) != "m.keras") from.save_weights(path(name));
    Model to = make_model();
    to.load_weights(path(name));
    for (std::size_t i = 0; i < from.weights().size(); ++i) {
      EXPECT_EQ(to.weights()[i].to_vector(), from.weights()[i].to_vector()) << name << " " << i;
    }
  }
  EXPECT_NE(error_of([&] { from.save(path("m.h5")); }), "");
  EXPECT_NE(error_of([&] { from.save_weights(path("m.txt")); }), "");
  EXPECT_NE(error_of([&] { load_model(path("m.h5")); }), "");
}

}  // namespace
}  // namespace mica
