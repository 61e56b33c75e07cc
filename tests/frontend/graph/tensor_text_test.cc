// Tensors print as PyTorch prints them: its texts are in tests/fixtures/print.
#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "mica/mica.h"

namespace mica {
namespace {

using Json = nlohmann::json;

double number(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (!value.is_string()) return value.get<double>();
  const std::string name = value;
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  return name == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

Tensor tensor_of(const Json& c) {
  const Shape shape(c["shape"].get<std::vector<std::int64_t>>());
  DType dtype = kFloat32;
  EXPECT_TRUE(DType::parse(c["dtype"].get<std::string>(), &dtype));
  TensorOptions options{.dtype = dtype, .requires_grad = c["requires_grad"]};
  if (dtype == kInt64) return tensor(c["values"].get<std::vector<std::int64_t>>(), shape, options);
  std::vector<double> values;
  for (const Json& value : c["values"]) values.push_back(number(value));
  return tensor(values, shape, options);
}

TEST(TensorText, IsPyTorchs) {
  std::ifstream file(MICA_SOURCE_DIR "/tests/fixtures/print/cases.json");
  const Json cases = Json::parse(file);
  ASSERT_GT(cases.size(), 40U);
  for (const Json& c : cases) {
    std::ostringstream printed;
    printed << tensor_of(c);
    EXPECT_EQ(printed.str(), c["text"].get<std::string>()) << c["name"];
  }
}

TEST(TensorText, NamesWhatComputesADifferentiableValue) {
  Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  EXPECT_EQ((x * 2).to_string(), "tensor([2., 4.], grad_fn=<multiply>)");
  EXPECT_EQ((x * 2).detach().to_string(), "tensor([2., 4.])");
}

}  // namespace
}  // namespace mica
