// Every gradient against central differences of the reference, in double, under a random cotangent.
#include <gtest/gtest.h>

#include <cmath>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/passes/autodiff.h"
#include "tests/compiler/ops/sample_data.h"

namespace mica::ir {
namespace {

struct NamedSample {
  const OpDef* op;
  std::size_t index;
};

// Samples at differentiable points of operations that have a gradient.
std::vector<NamedSample> differentiable_samples() {
  std::vector<NamedSample> samples;
  for (const OpDef* op : registry().all()) {
    if (!op->vjp && !(op->decompose && op->no_gradient.empty())) continue;
    for (std::size_t i = 0; i < op->samples.size(); ++i) {
      const Sample& sample = op->samples[i];
      bool has_float = false;
      for (const std::string& text : sample.operands) has_float |= parse_operand(text).type.dtype.is_floating();
      if (sample.gradient && has_float) samples.push_back({op, i});
    }
  }
  return samples;
}

class GradientTest : public testing::TestWithParam<NamedSample> {};

// sum over results of sum(result * cotangent), on the first `inputs` of the graph.
double weighted_sum(const Graph& graph, const std::vector<RefTensor>& inputs,
                    const std::vector<RefTensor>& cotangents) {
  absl::StatusOr<std::vector<RefTensor>> results = evaluate(graph, inputs);
  MICA_CHECK(results.ok()) << results.status();
  double sum = 0;
  for (std::size_t i = 0; i < cotangents.size(); ++i) {
    for (std::size_t j = 0; j < cotangents[i].data.size(); ++j) sum += cotangents[i].data[j] * (*results)[i].data[j];
  }
  return sum;
}

TEST_P(GradientTest, EqualsCentralDifferences) {
  const OpDef& op = *GetParam().op;
  const Sample& sample = op.samples[GetParam().index];
  SampleCase plain = make_case(op, sample, kFloat64), c = make_case(op, sample, kFloat64);
  c.graph->mutable_outputs().clear();
  std::mt19937 random(11);
  std::vector<RefTensor> cotangents, all_inputs = c.inputs;
  Values results, seeds, xs;
  for (int i = 0; i < c.node->num_results(); ++i) {
    const TensorType& type = c.node->result_types()[static_cast<std::size_t>(i)];
    if (!type.dtype.is_floating()) continue;
    Ints dims;
    for (const Dim& dim : type.dims) dims.push_back(c.value_of(dim));
    cotangents.push_back(random_tensor({type, 0, 1}, Sample{}, dims, random));
    all_inputs.push_back(cotangents.back());
    results.push_back(c.node->result(i));
    seeds.push_back(c.graph->input(type, absl::StrCat("seed", i)));
  }
  std::vector<std::size_t> operands;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    if (!c.inputs[i].dtype.is_floating()) continue;
    operands.push_back(i);
    xs.push_back(c.node->operand(static_cast<int>(i)));
  }
  Builder b(*c.graph);
  absl::StatusOr<Values> gradients = differentiate(b, results, seeds, xs);
  ASSERT_TRUE(gradients.ok()) << gradients.status();
  for (std::size_t i = 0; i < xs.size(); ++i) {
    Value g = (*gradients)[i] ? (*gradients)[i] : b.full_like(0, xs[i]);
    EXPECT_EQ(g.type(), xs[i].type());
    c.graph->add_output(g, absl::StrCat("g", i));
  }
  c.graph->sort_and_sweep();
  absl::StatusOr<std::vector<RefTensor>> got = evaluate(*c.graph, all_inputs);
  ASSERT_TRUE(got.ok()) << got.status() << "\n" << print(*c.graph);

  constexpr double kStep = 1e-5;
  constexpr std::size_t kProbes = 12;  // elements of each operand, evenly spread
  for (std::size_t i = 0; i < operands.size(); ++i) {
    RefTensor& x = plain.inputs[operands[i]];
    for (std::size_t j = 0; j < x.data.size(); j += 1 + x.data.size() / kProbes) {
      double kept = x.data[j];
      x.data[j] = kept + kStep;
      double above = weighted_sum(*plain.graph, plain.inputs, cotangents);
      x.data[j] = kept - kStep;
      double below = weighted_sum(*plain.graph, plain.inputs, cotangents);
      x.data[j] = kept;
      double want = (above - below) / (2 * kStep), value = (*got)[i].data[j];
      EXPECT_NEAR(value, want, 2e-6 * (1 + std::fabs(want))) << "operand " << operands[i] << ", element " << j;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, GradientTest, testing::ValuesIn(differentiable_samples()),
                         [](const auto& test) { return absl::StrCat(test.param.op->name, "_", test.param.index); });

}  // namespace
}  // namespace mica::ir
