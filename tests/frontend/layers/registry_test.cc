#include "frontend/layers/registry.h"

#include <gtest/gtest.h>

#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica::internal {
namespace {

// A layer made again from its own config.
Config again(const Layer& layer) {
  const LayerClass* layer_class = find_layer_class(layer.class_name());
  EXPECT_NE(layer_class, nullptr) << layer.class_name();
  return make_builtin(*layer_class, layer.config()).config();
}

Layer made(std::string_view class_name, const Config& config) {
  return make_builtin(*find_layer_class(class_name), config);
}

constexpr std::string_view kPolicy =
    R"({"module":"keras","class_name":"DTypePolicy","config":{"name":"float32"},"registered_name":null})";

// As keras.saving.serialize_keras_object of Keras 3.15.1 writes them.
TEST(Registry, WritesConfigsAsKerasDoes) {
  std::string common = R"({"name":"d","trainable":true,"dtype":)" + std::string(kPolicy);
  Dense dense(3, {.activity_regularizer = "l2", .name = "d"});
  EXPECT_EQ(dense.config().to_json(),
            common + R"(,"activity_regularizer":{"module":"keras.regularizers","class_name":"L2","config":{"l2":0.01},)"
                     R"("registered_name":null},"units":3,"activation":"linear","use_bias":true,"kernel_initializer":)"
                     R"({"module":"keras.initializers","class_name":"GlorotUniform","config":{"seed":null,)"
                     R"("input_axes":null,"output_axes":null},"registered_name":null},"bias_initializer":)"
                     R"({"module":"keras.initializers","class_name":"Zeros","config":{},"registered_name":null},)"
                     R"("kernel_regularizer":null,"bias_regularizer":null,"kernel_constraint":null,)"
                     R"("bias_constraint":null,"quantization_config":null})");
  Embedding embedding(3, 4, {.name = "d"});
  EXPECT_EQ(embedding.config().to_json(),
            common + R"(,"input_dim":3,"output_dim":4,"embeddings_initializer":{"module":"keras.initializers",)"
                     R"("class_name":"RandomUniform","config":{"seed":null,"minval":-0.05,"maxval":0.05},)"
                     R"("registered_name":null},"embeddings_regularizer":null,"activity_regularizer":null,)"
                     R"("embeddings_constraint":null,"mask_zero":false,"quantization_config":null})");
}

TEST(Registry, ConfigsComeBack) {
  const std::vector<Layer> layers{
      Dense(3, {.activation = "relu",
                .use_bias = false,
                .kernel_initializer = initializers::VarianceScaling({.scale = 0.5, .mode = "fan_out", .seed = 3}),
                .kernel_regularizer = regularizers::L1L2(0.1, 0.2),
                .activity_regularizer = "l1",
                .kernel_constraint = constraints::MinMaxNorm(0.25, 4, 0.5, {0, 1}),
                .dtype = kFloat64}),
      Dense(2, {.activation = LeakyReLU(0.1)}),
      Embedding(7, 2, {.embeddings_initializer = initializers::Orthogonal(2), .mask_zero = true, .trainable = false}),
      Activation("gelu"),
      Identity(),
      Masking(-1),
      Rescaling(0.5, 1),
      ReLU({.max_value = 6, .negative_slope = 0.1, .threshold = 1}),
      LeakyReLU(0.2),
      ELU(0.7),
      PReLU({.shared_axes = {1, 2}}),
      Softmax({.axis = 1}),
  };
  for (const Layer& layer : layers) EXPECT_EQ(again(layer).to_json(), layer.config().to_json());
}

TEST(Registry, NamesComeFromTheConfig) {
  EXPECT_EQ(made("Dense", {{"name", "head"}, {"units", 2}}).name(), "head");
  clear_session();
  EXPECT_EQ(made("Dense", {{"units", 2}}).name(), "dense");
  EXPECT_EQ(Dense(2).name(), "dense_1") << "the layer read before counted once";
}

TEST(Registry, PoliciesByNameAndObject) {
  EXPECT_EQ(made("Dense", {{"units", 1}, {"dtype", "float64"}}).config().at("dtype").to_json(),
            R"({"module":"keras","class_name":"DTypePolicy","config":{"name":"float64"},"registered_name":null})");
  EXPECT_EQ(error_of([] { made("Dense", {{"name", "d"}, {"units", 1}, {"dtype", "float33"}}); }),
            R"(d: expected dtype to be a dtype policy such as float32 or mixed_bfloat16, received "float33".)");
}

TEST(Registry, ErrorsNameLayerOptionAndValue) {
  auto dense_error = [](Config config) {
    config.set("name", "hidden");
    return error_of([&] { made("Dense", config); });
  };
  EXPECT_EQ(dense_error({}),
            R"(hidden: expected the option "units", an integer, received a configuration without it.)");
  EXPECT_EQ(dense_error({{"units", 4.5}}), "hidden: expected units to be an integer, received 4.5.");
  EXPECT_EQ(dense_error({{"units", "four"}}), R"(hidden: expected units to be an integer, received "four".)");
  EXPECT_EQ(dense_error({{"units", -4}}), "hidden: expected units of at least 1, received -4.");
  EXPECT_EQ(dense_error({{"units", 1}, {"use_bias", 1}}), "hidden: expected use_bias to be true or false, received 1.");
  EXPECT_EQ(dense_error({{"units", 1}, {"quantization_config", "int8"}}),
            R"(hidden: expected quantization_config to be null, received "int8". )"
            "Mica knows no other value of this option.");
  std::string unknown_option = dense_error({{"units", 1}, {"unit", 2}});
  EXPECT_NE(unknown_option.find("hidden: expected one of the options name, trainable, dtype"), std::string::npos);
  EXPECT_NE(unknown_option.find(R"(received "unit".)"), std::string::npos) << unknown_option;
  std::string unknown_activation = dense_error({{"units", 1}, {"activation", "reluu"}});
  EXPECT_EQ(unknown_activation.find("hidden: activation: expected one of "), 0u) << unknown_activation;
  EXPECT_NE(unknown_activation.find(R"("reluu")"), std::string::npos);
  std::string unknown_initializer = dense_error({{"units", 1}, {"kernel_initializer", "glorot"}});
  EXPECT_EQ(unknown_initializer.find("hidden: kernel_initializer: initializer: expected one of zeros"), 0u);
}

TEST(Registry, NullKeysOfNewerVersionsAreIgnored) {
  EXPECT_EQ(made("Dense", {{"units", 2}, {"of_the_future", {}}}).name().find("dense"), 0u);
}

}  // namespace
}  // namespace mica::internal
