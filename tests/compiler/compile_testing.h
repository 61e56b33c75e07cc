// Graphs as text, compiled and run against the double reference on the same pseudo-random operands.
#pragma once
#include "compiler/compile.h"
#include "tests/compiler/passes/graph_testing.h"

namespace mica::compiler {

inline rt::Array to_array(const ir::RefTensor& tensor) {
  rt::Array array = rt::Array::uninitialized(tensor.dtype, tensor.dims);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) array.set(i, tensor.data[static_cast<std::size_t>(i)]);
  return array;
}

// Operands rounded to what their dtype holds, so that both sides start from the same numbers.
inline std::vector<ir::RefTensor> rounded(std::vector<ir::RefTensor> tensors) {
  for (ir::RefTensor& tensor : tensors) {
    rt::Array array = to_array(tensor);
    for (std::int64_t i = 0; i < tensor.numel(); ++i) tensor.data[static_cast<std::size_t>(i)] = array.at(i);
  }
  return tensors;
}

struct Operands {
  std::vector<ir::RefTensor> inputs, variables;
  explicit Operands(const ir::Graph& graph, unsigned seed = 1)
      : inputs(rounded(ir::random_tensors(graph.inputs(), seed))),
        variables(rounded(ir::random_tensors(graph.variables(), seed + 1))) {}
};

// Results and updates, in the order of the graph's outputs.
inline std::vector<rt::Array> run_compiled(const ir::Graph& graph, const Operands& operands,
                                           const Options& options = {}, bool donate = false) {
  auto model = compile(graph, options);
  std::vector<rt::Array> inputs;
  for (const ir::RefTensor& input : operands.inputs) inputs.push_back(to_array(input));
  std::vector<rt::VariableValue> variables;
  for (const ir::RefTensor& variable : operands.variables) {
    static std::uint64_t next_id = 1;
    variables.push_back({to_array(variable), next_id++, 1});
  }
  rt::RunResult run = model->program().run(inputs, variables, donate);
  std::vector<rt::Array> values;
  std::size_t result = 0, update = 0;
  for (const ir::Output& output : graph.outputs()) {
    values.push_back(output.target ? run.updates[update++] : run.results[result++]);
  }
  return values;
}

inline void expect_near(const std::vector<rt::Array>& got, const std::vector<ir::RefTensor>& want, double tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].dims(), want[i].dims) << "output " << i;
    for (std::int64_t k = 0; k < got[i].numel(); ++k) {
      double expected = want[i].data[static_cast<std::size_t>(k)];
      if (std::isnan(expected) && std::isnan(got[i].at(k))) continue;
      if (std::isinf(expected)) {
        ASSERT_EQ(got[i].at(k), expected) << "output " << i << "[" << k << "]";
        continue;
      }
      ASSERT_NEAR(got[i].at(k), expected, tolerance * (1 + std::fabs(expected))) << "output " << i << "[" << k << "]";
    }
  }
}

// The graph with its gradients expanded: what the reference can evaluate.
inline std::unique_ptr<ir::Graph> expanded(const ir::Graph& graph) {
  auto copy = graph.clone();
  ir::run_named(*copy, {"canonicalize", "autodiff"});
  return copy;
}

// Compiled equals the reference, with libraries and without, with and without overwriting variables. Float32 arithmetic
// against double: the default tolerance is some hundred roundings.
inline void expect_compiles_to_reference(const ir::Graph& graph, double tolerance = 2e-5, unsigned seed = 1) {
  Operands operands(graph, seed);
  auto want = ir::evaluate(*expanded(graph), operands.inputs, operands.variables);
  ASSERT_TRUE(want.ok()) << want.status().message();
  for (bool libraries : {true, false}) {
    SCOPED_TRACE(libraries ? "with libraries" : "generated code only");
    Options options{.libraries = libraries};
    expect_near(run_compiled(graph, operands, options), *want, tolerance);
    expect_near(run_compiled(graph, operands, options, /*donate=*/true), *want, tolerance);
  }
}

}  // namespace mica::compiler
