// Operations of keras.ops against real Keras in float64: tests/fixtures/ops, recorded in a model and run compiled.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "frontend/graph/operation.h"
#include "frontend/mica/io.h"
#include "frontend/mica/layers.h"
#include "frontend/mica/ops.h"
#include "frontend/ops/families.h"

namespace mica::internal {
namespace {

using Json = nlohmann::json;
const std::string kFolder = MICA_SOURCE_DIR "/tests/fixtures/ops/";

const Json& cases() {
  static const Json all = Json::parse(std::ifstream(kFolder + "cases.json"));
  return all;
}

const TensorDict& arrays() {
  static const TensorDict all = load_npz(kFolder + "ops.npz");
  return all;
}

// Arguments of a case; the arrays with as many rows as the first become Inputs of a model, the others are constants.
class Recording {
 public:
  Arguments arguments(const Json& values) {
    Arguments arguments;
    for (const auto& [name, value] : values.items()) arguments.set(name, argument(value));
    return arguments;
  }
  const Tensors& inputs() const { return inputs_; }
  const Tensors& values() const { return values_; }

 private:
  Argument argument(const Json& value) {
    if (value.is_null()) return {};
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_number()) return value.get<double>();
    if (value == "...") return kEllipsis;
    if (value.is_string()) return value.get<std::string>();
    if (value.is_object()) return value.contains("slice") ? Argument(slice(value["slice"])) : input(value["tensor"]);
    Argument::List list;
    for (const Json& item : value) list.push_back(argument(item));
    return list;
  }
  static Slice slice(const Json& bounds) {
    auto bound = [&](std::size_t i) {
      return bounds[i].is_null() ? std::nullopt : std::optional(bounds[i].get<std::int64_t>());
    };
    return {bound(0), bound(1), bound(2)};
  }
  Argument input(const std::string& name) {
    Tensor array = arrays()["in." + name];
    Tensor value = array.dtype() == kFloat64 ? array.to(kFloat32) : array;
    if (!values_.empty() && value.size(0) != values_[0].size(0)) return value;
    std::vector<std::int64_t> dims(value.shape().begin(), value.shape().end());
    InputOptions options{.batch_size = dims[0], .dtype = value.dtype()};
    options.name = "in" + std::to_string(inputs_.size());
    inputs_.push_back(Input(Shape(std::vector<std::int64_t>(dims.begin() + 1, dims.end())), options));
    values_.push_back(value);
    return inputs_.back();
  }
  Tensors inputs_, values_;
};

void expect_equal(const Tensor& got, const Tensor& want, double tolerance) {
  ASSERT_EQ(got.shape(), want.shape());
  EXPECT_EQ(got.dtype().is_floating(), want.dtype().is_floating());
  std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(b[i]) || std::isinf(b[i])) {
      ASSERT_EQ(std::isnan(a[i]), std::isnan(b[i])) << "at " << i;
      if (std::isinf(b[i])) {
        ASSERT_EQ(a[i], b[i]) << "at " << i;
      }
    } else {
      ASSERT_LE(std::abs(a[i] - b[i]), tolerance * (1 + std::abs(b[i]))) << "at " << i << ": " << a[i] << ", " << b[i];
    }
  }
}

class KerasOperation : public testing::TestWithParam<int> {};

TEST_P(KerasOperation, GivesWhatKerasGives) {
  const Json& fixture = cases()[static_cast<std::size_t>(GetParam())];
  SCOPED_TRACE(fixture.dump());
  const OperationDef* def = find_operation(fixture["class"].get<std::string>());
  ASSERT_NE(def, nullptr);
  EXPECT_EQ(def->module, fixture["module"].get<std::string>());
  for (const auto& [name, value] : fixture["options"].items())
    EXPECT_NE(std::find(def->options.begin(), def->options.end(), name), def->options.end()) << name;
  for (const auto& [name, value] : fixture["call"].items())
    EXPECT_NE(std::find(def->inputs.begin(), def->inputs.end(), name), def->inputs.end()) << name;

  Recording recording;
  Arguments arguments = recording.arguments(fixture["call"]);
  Arguments options = recording.arguments(fixture["options"]);
  for (const auto& [name, value] : options.items()) arguments.set(name, value);
  Tensors recorded = use_operation(*def, arguments);
  ASSERT_EQ(recorded.size(), fixture["outputs"].get<std::size_t>());
  EXPECT_EQ(recorded[0].node()->producer->operation->def, def);

  Model model(recording.inputs(), recorded);
  Tensors compiled = model.predict_all(recording.values(), {.batch_size = 1000});
  for (std::size_t i = 0; i < recorded.size(); ++i) {
    Tensor want = arrays()[std::to_string(GetParam()) + "." + std::to_string(i)];
    expect_equal(compiled[i], want, 1e-5);
  }
}

std::string name_of(const testing::TestParamInfo<int>& use) {
  return cases()[static_cast<std::size_t>(use.param)]["class"].get<std::string>() + "_" + std::to_string(use.param);
}

INSTANTIATE_TEST_SUITE_P(All, KerasOperation, testing::Range(0, static_cast<int>(cases().size())), name_of);

TEST(Operation, WrongArgumentNamesTheOperation) {
  Tensor x = Input({4});
  try {
    use_operation("Mean", {{"x", x}, {"axis", "rows"}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "Mean: expected axis to be an integer or a list of integers, received a string.");
  }
}

TEST(Operation, BroadcastOfAnOpenAxisHoldsForThatSizeAndForOne) {
  Tensor x = Input({1, 3}, {.name = "x"});
  Model model({x}, {ops::broadcast_to(x, {2, 4, 3})});
  EXPECT_EQ(model.predict(ones({2, 1, 3})).shape(), (Shape{2, 4, 3}));
  EXPECT_EQ(model.predict(ones({1, 1, 3})).shape(), (Shape{2, 4, 3}));
  EXPECT_THROW(model.predict(ones({3, 1, 3})), Error);
}

TEST(Operation, ConstantsOfAnOpenShapeBelongToTheModel) {
  Tensor x = Input({3}, {.name = "x"});
  Model model({x}, {ops::zeros_like(x) + 1});
  EXPECT_EQ(model.predict(zeros({2, 3})).to_vector(), std::vector<float>(6, 1));
}

TEST(Operation, NamesAreCountedLikeKeras) {
  clear_session();
  Tensor x = Input({4});
  EXPECT_EQ((x + 1).name(), "add");
  EXPECT_EQ((x + x).name(), "add_1");
  EXPECT_EQ((x / 2).name(), "true_divide");
  Tensor first = x[{kAll, 0}];
  EXPECT_EQ(first.name(), "get_item");
}

TEST(Operation, FunctionsRecordTheirClassAndArguments) {
  Tensor x = Input({4, 6}), image = Input({4, 6, 8});
  struct {
    Tensor result;
    std::string_view class_name;
    Shape shape;
  } uses[] = {
      {ops::abs(x), "Absolute", {kAny, 4, 6}},
      {ops::mean(x, 1, {.keepdims = true}), "Mean", {kAny, 1, 6}},
      {ops::sum(x, {1, 2}), "Sum", {kAny}},
      {ops::argmax(x, -1), "Argmax", {kAny, 4}},
      {ops::concatenate({x, x}), "Concatenate", {kAny, 4, 12}},
      {ops::stack({x, x}, 1), "Stack", {kAny, 2, 4, 6}},
      {ops::transpose(x, {0, 2, 1}), "Transpose", {kAny, 6, 4}},
      {ops::reshape(x, {-1, 24}), "Reshape", {kAny, 24}},
      {ops::expand_dims(x, 1), "ExpandDims", {kAny, 1, 4, 6}},
      {ops::pad(x, {{0, 0}, {1, 2}, {0, 0}}), "Pad", {kAny, 7, 6}},
      {ops::split(x, 2, 2)[1], "Split", {kAny, 4, 3}},
      {ops::einsum("bij,bkj->bik", {x, x}), "Einsum", {kAny, 4, 4}},
      {ops::one_hot(ops::cast(x, kInt32), 5), "OneHot", {kAny, 4, 6, 5}},
      {ops::dot_product_attention(image, image, image, {.is_causal = true}), "DotProductAttention", {kAny, 4, 6, 8}},
      {ops::stop_gradient(x), "StopGradient", {kAny, 4, 6}},
      {ops::clip(x, -1, 1), "Clip", {kAny, 4, 6}},
  };
  for (const auto& use : uses) {
    ASSERT_NE(use.result.node()->producer->operation, nullptr) << use.class_name;
    EXPECT_EQ(use.result.node()->producer->operation->def->class_name, use.class_name);
    EXPECT_EQ(use.result.shape(), use.shape) << use.class_name;
  }
}

TEST(Operation, FunctionsComputeOnConcreteTensors) {
  Tensor x = tensor({{1.0, -2.0}, {3.0, 4.0}});
  EXPECT_EQ(ops::max(x, 1).to_vector(), (std::vector<float>{1, 4}));
  EXPECT_EQ(ops::leaky_relu(x, 0.5).to_vector(), (std::vector<float>{1, -1, 3, 4}));
  EXPECT_EQ(ops::flip(x, 1).to_vector(), (std::vector<float>{-2, 1, 4, 3}));
}

// As keras.ops.max has it: without an initial value it is an error.
TEST(Operation, TheLargestOfNothingIsTheInitialValue) {
  Arguments arguments{{"x", zeros({0, 2})}, {"axis", std::int64_t{0}}};
  EXPECT_THROW(use_operation("Max", arguments), Error);
  arguments.set("initial", 3.0);
  EXPECT_EQ(use_operation("Max", arguments).to_vector(), std::vector<float>({3, 3}));
}

}  // namespace
}  // namespace mica::internal
