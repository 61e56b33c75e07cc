// Calls of layers with every kind of argument against real Keras in float64: tests/fixtures/calls. Every layer is made
// from the configuration that Keras wrote, and writes it again.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "frontend/files/json.h"
#include "frontend/files/npz.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/trace.h"
#include "frontend/layers/registry.h"

namespace mica::internal {
namespace {

using Json = nlohmann::json;

const std::string kFolder = MICA_SOURCE_DIR "/tests/fixtures/calls/";

Json cases() {
  static const Json all = Json::parse(std::ifstream(kFolder + "cases.json"));
  return all;
}

class Fixture {
 public:
  explicit Fixture(const std::string& name) {
    for (const Json& item : cases()) {
      if (item["name"] == name) json = item;
    }
    auto read = files::read_npz(kFolder + name + ".npz");
    EXPECT_TRUE(read.ok()) << read.status();
    if (read.ok()) arrays_ = std::move(*read);
  }

  // In float32, as the layer computes.
  Tensor array(const std::string& key) const {
    for (const auto& [name, value] : arrays_) {
      if (name == key) return Tensor::of(make_computed(value.dtype() == kFloat64 ? value.cast(kFloat32) : value));
    }
    ADD_FAILURE() << "no array " << key;
    return {};
  }

  Layer layer() const {
    auto value = files::parse_json(json["object"]["config"].dump(), "cases.json");
    EXPECT_TRUE(value.ok()) << value.status();
    return make_builtin(*find_layer_class(json["object"]["class_name"].get<std::string>()), value->object());
  }

  // Masks travel with the tensors.
  CallArguments arguments() const {
    CallArguments arguments{.training = json["training"].get<bool>()};
    for (std::size_t i = 0; i < json["inputs"].size(); ++i) {
      arguments.tensors.push_back(array("in." + json["inputs"][i].get<std::string>()));
      const Json& mask = json["masks"][i];
      if (!mask.is_null()) arguments.tensors[i].node()->mask = array("in." + mask.get<std::string>()).node();
    }
    for (const std::string name : json["keywords"]) arguments.keywords.emplace_back(name, array("in." + name));
    for (const auto& [name, value] : json["options"].items()) arguments.options.set(name, value.get<bool>());
    return arguments;
  }

  Json json;

 private:
  std::vector<std::pair<std::string, rt::Array>> arrays_;
};

void expect_near(const Tensor& got, const Tensor& want, const std::string& what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(b[i]))) << what << "[" << i << "]";
}

// Inside of the layer.
std::string short_path(const Variable& weight) { return weight.path().substr(weight.path().find('/') + 1); }

class KerasCall : public testing::TestWithParam<std::string> {
 protected:
  void TearDown() override { set_default_device("cpu"); }
};

void expect_agreement_with_keras(const std::string& name) {
  Fixture fixture(name);
  Layer layer = fixture.layer();
  infer_call(layer.impl(), fixture.arguments());  // builds
  std::vector<std::string> paths;
  Tensors weights;
  for (const Variable& weight : layer.weights()) paths.push_back(short_path(weight));
  ASSERT_EQ(Json(paths), fixture.json["weights"]);
  for (const std::string& path : paths) weights.push_back(fixture.array("weight." + path));
  layer.set_weights(weights);

  Tensors results = invoke(layer.impl(), fixture.arguments());
  ASSERT_EQ(results.size(), fixture.json["outputs"].get<std::size_t>());
  for (std::size_t i = 0; i < results.size(); ++i) {
    expect_near(results[i], fixture.array("out." + std::to_string(i)), "output " + std::to_string(i));
  }
  ASSERT_EQ(results[0].mask().defined(), fixture.json["mask"].get<bool>());
  if (results[0].mask().defined()) {
    EXPECT_EQ(results[0].mask().to_vector<bool>(), fixture.array("mask").to_vector<bool>());
  }
  for (const std::string path : fixture.json["updated"]) {
    expect_near(layer.weight("layer/" + path), fixture.array("after." + path), path);
  }
}

TEST_P(KerasCall, AgreesOnTheReference) {
  set_default_device("reference");
  expect_agreement_with_keras(GetParam());
}

TEST_P(KerasCall, AgreesCompiled) { expect_agreement_with_keras(GetParam()); }

// One compiled program that computes the gradient of the sum of all results times fixed cotangents.
class GradientProgram {
 public:
  explicit GradientProgram(const Fixture& fixture) : fixture_(fixture), layer_(built_layer()) {
    CallArguments arguments = fixture.arguments();
    for (std::size_t i = 0; i < arguments.tensors.size(); ++i) trace_input(arguments.tensors[i], i);
    for (auto& [name, tensor] : arguments.keywords) tensor = traced(tensor);
    Tensor loss;
    Tensors results = invoke(layer_.impl(), std::move(arguments));
    for (std::size_t i = 0; i < results.size(); ++i) {
      Tensor term = (results[i] * traced(fixture.array("cot." + std::to_string(i)))).sum();
      loss = loss.defined() ? loss + term : term;
    }
    for (const Variable& weight : layer_.trainable_weights())
      with_respect_to(weight, "weight_grad." + short_path(weight));
    Tensors gradients = trace_.gradients(loss, of_);
    for (std::size_t i = 0; i < gradients.size(); ++i) trace_.output(gradients[i], keys_[i]);
  }

  void expect_values_of_keras() {
    std::vector<rt::Array> found = Executable(trace_.finish()).run(arrays_);
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      expect_near(Tensor::of(make_computed(found[i])), fixture_.array(keys_[i]), keys_[i]);
    }
  }

 private:
  Layer built_layer() const {
    Layer layer = fixture_.layer();
    infer_call(layer.impl(), fixture_.arguments());
    Tensors weights;
    for (const Variable& weight : layer.weights()) weights.push_back(fixture_.array("weight." + short_path(weight)));
    layer.set_weights(weights);
    return layer;
  }

  Tensor traced(const Tensor& value) {
    arrays_.push_back(compute(value.node()));
    return trace_.input(type_of(arrays_.back()), "x");
  }
  void trace_input(Tensor& tensor, std::size_t i) {
    ValueRef mask = tensor.node()->mask;
    tensor = traced(tensor);
    if (mask) tensor.node()->mask = traced(Tensor::of(mask)).node();
    if (tensor.dtype().is_floating()) with_respect_to(tensor, "grad." + fixture_.json["inputs"][i].get<std::string>());
  }
  void with_respect_to(const Tensor& tensor, std::string key) {
    of_.push_back(tensor);
    keys_.push_back(std::move(key));
  }

  const Fixture& fixture_;
  Layer layer_;
  Trace trace_{{.name = "gradients"}};
  std::vector<rt::Array> arrays_;
  Tensors of_;
  std::vector<std::string> keys_;
};

TEST_P(KerasCall, HasKerasGradients) {
  Fixture fixture(GetParam());
  if (fixture.json.value("gradients", false)) GradientProgram(fixture).expect_values_of_keras();
}

// Values may differ in spelling: 1 is 1.0, one axis is a list of one, or of two where each input has it; nothing is
// null.
Json normalized(const Json& value) {
  if (value.is_structured() && value.empty()) return nullptr;
  if (value.is_array() && value.size() == 2 && value[0].is_number() && value[0] == value[1])
    return normalized(value[0]);
  if (value.is_array() && value.size() == 1 && value[0].is_number()) return normalized(value[0]);
  if (value.is_number()) return value.get<double>();
  if (!value.is_structured()) return value;
  Json result = value;
  for (auto& item : result) item = normalized(item);
  return result;
}

TEST_P(KerasCall, WritesKerasConfiguration) {
  Fixture fixture(GetParam());
  Json wanted = normalized(fixture.json["object"]["config"]);
  Json written = normalized(Json::parse(fixture.layer().config().to_json()));
  for (const auto& [key, value] : wanted.items()) {
    ASSERT_TRUE(written.contains(key)) << key;
    if (key == "layer" || key == "dtype") continue;  // objects with more in them than the configuration
    EXPECT_EQ(written[key], value) << key;
  }
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const Json& item : cases()) names.push_back(item["name"]);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Keras, KerasCall, testing::ValuesIn(case_names()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace mica::internal
