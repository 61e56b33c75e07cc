// The samples of the records as graphs and arrays: what the generated tests run on.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "compiler/ops/op_def.h"
#include "compiler/reference.h"
#include "runtime/array.h"
#include "runtime/error.h"

namespace mica::ir {

// One operation on inputs of the sample's (possibly symbolic) types, all results handed out, and arrays that fit.
struct SampleCase {
  std::unique_ptr<Graph> graph;
  Node* node = nullptr;
  std::vector<RefTensor> inputs;
  std::map<std::string, std::int64_t> bindings;

  std::int64_t value_of(const Dim& dim) const {
    return dim.evaluate([&](const Symbol& symbol) { return bindings.at(symbol.name); });
  }
};

// "i32[7]:0..9" is a type and the range of its integers.
struct OperandText {
  TensorType type;
  std::int64_t low = 0, high = 1;
};
inline OperandText parse_operand(const std::string& text) {
  OperandText operand;
  std::size_t colon = text.find(':');
  absl::StatusOr<TensorType> type = TensorType::parse(text.substr(0, colon));
  MICA_CHECK(type.ok()) << type.status().message();
  operand.type = *type;
  if (colon != std::string::npos) {
    std::size_t dots = text.find("..", colon);
    operand.low = std::stoll(text.substr(colon + 1, dots - colon - 1));
    operand.high = std::stoll(text.substr(dots + 2));
  }
  return operand;
}

// Numbers that float32 holds exactly, so that every precision starts from the same ones.
inline RefTensor random_tensor(const OperandText& operand, const Sample& sample, const Ints& dims,
                               std::mt19937& random) {
  RefTensor tensor{operand.type.dtype, dims, {}};
  tensor.data.resize(static_cast<std::size_t>(tensor.numel()));
  for (double& value : tensor.data) {
    if (tensor.dtype.is_floating()) {
      double drawn = std::uniform_real_distribution<double>(sample.low, sample.high)(random);
      value = static_cast<double>(static_cast<float>(drawn));
    } else {
      value = static_cast<double>(std::uniform_int_distribution<std::int64_t>(operand.low, operand.high)(random));
    }
  }
  return tensor;
}

// With `float_type` all floats of the sample are of that type.
inline SampleCase make_case(const OpDef& op, const Sample& sample, DType float_type = kFloat32) {
  SampleCase result;
  result.graph = std::make_unique<Graph>("sample");
  for (const auto& [name, value] : sample.bindings) result.bindings[name] = value;
  std::mt19937 random(7);
  Values operands;
  for (const std::string& text : sample.operands) {
    OperandText operand = parse_operand(text);
    if (operand.type.dtype.is_floating()) operand.type.dtype = float_type;
    operands.push_back(result.graph->input(operand.type, "x" + std::to_string(operands.size())));
    Ints dims;
    for (const Dim& dim : operand.type.dims) dims.push_back(result.value_of(dim));
    result.inputs.push_back(random_tensor(operand, sample, dims, random));
  }
  result.node = result.graph->add(op, operands, sample.attrs);
  for (int i = 0; i < result.node->num_results(); ++i) {
    result.graph->add_output(result.node->result(i), "y" + std::to_string(i));
  }
  return result;
}

inline rt::Array to_array(const RefTensor& tensor) {
  rt::Array array = rt::Array::uninitialized(tensor.dtype, tensor.dims);
  for (std::size_t i = 0; i < tensor.data.size(); ++i) array.set(static_cast<std::int64_t>(i), tensor.data[i]);
  return array;
}

inline void expect_close(const rt::Array& got, const RefTensor& want, double tolerance) {
  for (std::size_t i = 0; i < want.data.size(); ++i) {
    double a = got.at(static_cast<std::int64_t>(i)), b = want.data[i];
    bool equal = a == b || (std::isnan(a) && std::isnan(b)) || std::fabs(a - b) <= tolerance * (1 + std::fabs(b));
    ASSERT_TRUE(equal) << "element " << i << ": got " << a << ", expected " << b;
  }
}

}  // namespace mica::ir
