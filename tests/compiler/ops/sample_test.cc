// Generated tests: every record on every one of its samples.
#include <gtest/gtest.h>

#include "compiler/loop/lower.h"
#include "compiler/ops/builder.h"
#include "compiler/reference.h"
#include "tests/compiler/ops/sample_kernel.h"

namespace mica::ir {
namespace {

class SampleTest : public testing::TestWithParam<NamedSample> {
 protected:
  const OpDef& op() const { return *GetParam().op; }
  const Sample& sample() const { return GetParam().sample(); }
};

TEST_P(SampleTest, TextReadsBack) {
  SampleCase c = make_case(op(), sample());
  std::string text = print(*c.graph);
  absl::StatusOr<std::unique_ptr<Graph>> parsed = parse_graph(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status() << "\n" << text;
  EXPECT_EQ(print(**parsed), text);
  EXPECT_TRUE(verify(**parsed).ok()) << verify(**parsed);
}

TEST_P(SampleTest, ReferenceGivesTheInferredTypes) {
  SampleCase c = make_case(op(), sample());
  absl::StatusOr<std::vector<RefTensor>> results = evaluate(*c.graph, c.inputs);
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), c.node->result_types().size());
  for (std::size_t i = 0; i < results->size(); ++i) {
    const TensorType& type = c.node->result_types()[i];
    Ints dims;
    for (const Dim& dim : type.dims) dims.push_back(c.value_of(dim));
    EXPECT_EQ((*results)[i].dims, dims);
    EXPECT_EQ((*results)[i].dtype, type.dtype);
    EXPECT_EQ(static_cast<std::int64_t>((*results)[i].data.size()), (*results)[i].numel());
  }
}

class CompositeTest : public SampleTest {};  // operations with a decomposition
class KernelTest : public SampleTest {};     // operations that lower to a kernel of their own

// Decomposition and definition give the types that inference gave.
TEST_P(CompositeTest, DecompositionHasTheInferredTypes) {
  SampleCase c = make_case(op(), sample());
  Builder b(*c.graph);
  Values parts = op().decompose(b, *c.node);
  ASSERT_EQ(parts.size(), c.node->result_types().size());
  for (std::size_t i = 0; i < parts.size(); ++i) EXPECT_EQ(parts[i].type(), c.node->result_types()[i]);
}

// The kernel that the definition lowers to, run by the interpreter of the Loop IR.
void expect_kernel_equals_reference(const OpDef& op, const Sample& sample, DType float_type, double tolerance) {
  SampleCase c = make_case(op, sample, float_type);
  absl::StatusOr<std::vector<RefTensor>> want = evaluate(*c.graph, c.inputs);
  ASSERT_TRUE(want.ok()) << want.status();
  absl::StatusOr<loop::Kernel> kernel = loop::lower(*c.node);
  ASSERT_TRUE(kernel.ok()) << kernel.status();
  std::vector<rt::Array> arrays;
  for (const RefTensor& input : c.inputs) arrays.push_back(to_array(input));
  for (const RefTensor& result : *want) arrays.push_back(rt::Array::zeros(result.dtype, result.dims));
  std::vector<rt::Array*> params;
  for (rt::Array& array : arrays) params.push_back(&array);
  ASSERT_NO_FATAL_FAILURE(expect_runs(c, *kernel, params));
  for (std::size_t i = 0; i < want->size(); ++i) expect_close(arrays[c.inputs.size() + i], (*want)[i], tolerance);
}

TEST_P(KernelTest, EqualsReferenceInDouble) { expect_kernel_equals_reference(op(), sample(), kFloat64, 1e-12); }

TEST_P(KernelTest, EqualsReferenceInFloat) { expect_kernel_equals_reference(op(), sample(), kFloat32, 2e-5); }

INSTANTIATE_TEST_SUITE_P(Ops, SampleTest, testing::ValuesIn(samples_of([](const OpDef&) { return true; })), name_of);
INSTANTIATE_TEST_SUITE_P(Ops, CompositeTest,
                         testing::ValuesIn(samples_of([](const OpDef& op) { return static_cast<bool>(op.decompose); })),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Ops, KernelTest,
                         testing::ValuesIn(samples_of([](const OpDef& op) { return op.define || op.kernel; })),
                         name_of);

}  // namespace
}  // namespace mica::ir
