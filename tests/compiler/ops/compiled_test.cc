// Every sample as machine code against the double reference.
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "compiler/compile.h"
#include "tests/compiler/ops/sample_data.h"

namespace mica::ir {
namespace {

// f32 against double: a few rounding errors of the longest sum of the samples.
constexpr double kTolerance = 2e-5;

struct NamedSample {
  const OpDef* op;
  std::size_t index;
};

std::vector<NamedSample> all_samples() {
  std::vector<NamedSample> samples;
  for (const OpDef* op : registry().all()) {
    for (std::size_t i = 0; i < op->samples.size(); ++i) samples.push_back({op, i});
  }
  return samples;
}

class CompiledSampleTest : public testing::TestWithParam<NamedSample> {
 protected:
  static void expect_machine_code_equals_reference(bool libraries) {
    const OpDef& op = *GetParam().op;
    SampleCase c = make_case(op, op.samples[GetParam().index]);
    absl::StatusOr<std::vector<RefTensor>> want = evaluate(*c.graph, c.inputs);
    ASSERT_TRUE(want.ok()) << want.status();
    compiler::Options options;
    options.libraries = libraries;
    std::vector<rt::Array> inputs;
    for (const RefTensor& input : c.inputs) inputs.push_back(to_array(input));
    std::vector<rt::VariableValue> no_variables;
    rt::RunResult got = compiler::compile(*c.graph, options)->program().run(inputs, no_variables);
    ASSERT_EQ(got.results.size(), want->size());
    for (std::size_t i = 0; i < want->size(); ++i) {
      ASSERT_EQ(got.results[i].dims(), (*want)[i].dims);
      expect_close(got.results[i], (*want)[i], kTolerance);
    }
  }
};

TEST_P(CompiledSampleTest, EqualsReference) { expect_machine_code_equals_reference(/*libraries=*/true); }

INSTANTIATE_TEST_SUITE_P(Ops, CompiledSampleTest, testing::ValuesIn(all_samples()),
                         [](const auto& test) { return absl::StrCat(test.param.op->name, "_", test.param.index); });

// The operations that a library may take, through generated code.
class WithoutLibrariesTest : public CompiledSampleTest {};

std::vector<NamedSample> library_samples() {
  std::vector<NamedSample> samples = all_samples();
  std::erase_if(samples, [](const NamedSample& sample) { return sample.op->libraries.empty(); });
  return samples;
}

TEST_P(WithoutLibrariesTest, EqualsReference) { expect_machine_code_equals_reference(/*libraries=*/false); }

INSTANTIATE_TEST_SUITE_P(Ops, WithoutLibrariesTest, testing::ValuesIn(library_samples()),
                         [](const auto& test) { return absl::StrCat(test.param.op->name, "_", test.param.index); });

}  // namespace
}  // namespace mica::ir
