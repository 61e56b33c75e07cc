// Every record at the edges of numbers and of shapes, as machine code against the double reference: zeros of both
// signs, infinities and NaN in every operand; nothing, and one element, where a sample leaves the size open.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "compiler/compile.h"
#include "tests/compiler/ops/sample_data.h"

namespace mica::ir {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kExtremes[] = {0.0, -0.0, 1.0, -1.0, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()};
constexpr std::int64_t kCount = std::ssize(kExtremes);
constexpr double kTolerance = 2e-5;  // f32 against double, as for the samples

std::vector<rt::Array> run_compiled(const SampleCase& c, bool libraries) {
  std::vector<rt::Array> inputs;
  for (const RefTensor& input : c.inputs) inputs.push_back(to_array(input));
  compiler::Options options;
  options.libraries = libraries;
  return compiler::compile(*c.graph, options)->program().run(inputs, {}).results;
}

// NaN is NaN, infinities are equal, and so are the signs of zeros where the reference has one.
std::string difference(const SampleCase& c, const rt::Array& got, const RefTensor& want, bool signs) {
  if (got.dims() != want.dims) return "other dims";
  for (std::int64_t i = 0; i < got.numel(); ++i) {
    const double a = got.at(i), b = want.data[static_cast<std::size_t>(i)];
    bool equal = (std::isnan(a) && std::isnan(b)) || a == b || std::fabs(a - b) <= kTolerance * (1 + std::fabs(b));
    if (signs && a == 0 && b == 0) equal = std::signbit(a) == std::signbit(b);
    if (equal) continue;
    std::string text = absl::StrCat("element ", i, " is ", a, ", the reference has ", b, ", of");
    for (const RefTensor& input : c.inputs) {
      if (input.numel() == got.numel()) absl::StrAppend(&text, " ", input.data[static_cast<std::size_t>(i)]);
    }
    return text;
  }
  return {};
}

// The reference's results; nothing for shapes that the operation does not take.
absl::StatusOr<std::vector<RefTensor>> reference(const SampleCase& c) try {
  return evaluate(*c.graph, c.inputs);
} catch (const InternalError& error) {
  return absl::InvalidArgumentError(error.what());
}

void expect_reference(const SampleCase& c, bool signs) {
  absl::StatusOr<std::vector<RefTensor>> want = reference(c);
  if (!want.ok()) return;
  for (bool libraries : {true, false}) {
    if (!libraries && c.node->op().libraries.empty()) continue;
    std::vector<rt::Array> got = run_compiled(c, libraries);
    ASSERT_EQ(got.size(), want->size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      std::string differs = difference(c, got[i], (*want)[i], signs);
      EXPECT_EQ(differs, "") << (libraries ? "" : "without libraries, ") << "result " << i << "\n" << print(*c.graph);
    }
  }
}

// The sample with one axis of as many elements as there are combinations of extremes.
Sample flattened(const Sample& sample) {
  std::int64_t total = 1;
  for (const std::string& operand : sample.operands) {
    if (parse_operand(operand).type.dtype.is_floating()) total *= kCount;
  }
  Sample flat = sample;
  flat.bindings.clear();
  for (std::string& operand : flat.operands) {
    const std::size_t range = std::min(operand.find(':'), operand.size());
    operand = TensorType{parse_operand(operand).type.dtype, {Dim(total)}}.to_string() + operand.substr(range);
  }
  return flat;
}

bool sees_every_combination(const OpDef& op) {
  if (op.fusion != FusionClass::kElementwise) return false;
  const Sample flat = flattened(op.samples.front());
  Types operands;
  for (const std::string& operand : flat.operands) operands.push_back(parse_operand(operand).type);
  Attrs attrs = flat.attrs;
  for (const AttrDef& attr : op.attrs) {
    if (!attrs.find(attr.name)) attrs.set(attr.name, attr.fallback);
  }
  return op.infer({op, attrs, operands, {}}).ok();
}

class ExtremesTest : public testing::TestWithParam<const OpDef*> {};

TEST_P(ExtremesTest, EveryCombination) {
  const OpDef& op = *GetParam();
  const Sample flat = flattened(op.samples.front());
  SampleCase c = make_case(op, flat);
  std::int64_t stride = 1;
  for (RefTensor& input : c.inputs) {
    if (!input.dtype.is_floating()) continue;
    for (std::size_t i = 0; i < input.data.size(); ++i) {
      input.data[i] = kExtremes[static_cast<std::int64_t>(i) / stride % kCount];
    }
    stride *= kCount;
  }
  expect_reference(c, /*signs=*/op.scalar.has_value());
}

std::vector<const OpDef*> records(bool elementwise) {
  std::vector<const OpDef*> wanted;
  for (const OpDef* op : registry().all()) {
    if (op->internal || op->samples.empty()) continue;
    if (sees_every_combination(*op) == elementwise) wanted.push_back(op);
  }
  return wanted;
}

std::string name_of(const testing::TestParamInfo<const OpDef*>& info) { return info.param->name; }

INSTANTIATE_TEST_SUITE_P(Elementwise, ExtremesTest, testing::ValuesIn(records(true)), name_of);

// Others see each extreme among ordinary numbers, in every operand.
class ExtremesAmongOthersTest : public testing::TestWithParam<const OpDef*> {};

TEST_P(ExtremesAmongOthersTest, EqualReference) {
  const OpDef& op = *GetParam();
  for (const Sample& sample : op.samples) {
    for (double extreme : kExtremes) {
      SampleCase c = make_case(op, sample);
      for (RefTensor& input : c.inputs) {
        for (std::size_t i = 1; input.dtype.is_floating() && i < input.data.size(); i += 4) input.data[i] = extreme;
      }
      SCOPED_TRACE(absl::StrCat("with ", extreme));
      expect_reference(c, /*signs=*/false);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Others, ExtremesAmongOthersTest, testing::ValuesIn(records(false)), name_of);

// Open sizes of the samples are bound to nothing and to one.
class SmallestShapesTest : public testing::TestWithParam<const OpDef*> {};

TEST_P(SmallestShapesTest, EqualReference) {
  const OpDef& op = *GetParam();
  for (Sample sample : op.samples) {
    for (std::int64_t size : {0, 1}) {
      for (auto& [symbol, value] : sample.bindings) value = size;
      if (!sample.bindings.empty()) expect_reference(make_case(op, sample), /*signs=*/false);
    }
  }
}

std::vector<const OpDef*> all_records() {
  std::vector<const OpDef*> all = records(true), others = records(false);
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, SmallestShapesTest, testing::ValuesIn(all_records()), name_of);

}  // namespace
}  // namespace mica::ir
