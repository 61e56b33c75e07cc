// Graphs as text in tests: parsing, values of the double reference on fixed pseudo-random operands, and comparison.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/passes.h"
#include "compiler/reference.h"

namespace mica::ir {

inline std::unique_ptr<Graph> parsed(std::string_view text) {
  absl::StatusOr<std::unique_ptr<Graph>> graph = parse_graph(text);
  if (!graph.ok()) throw std::runtime_error(std::string(graph.status().message()) + "\n" + std::string(text));
  return *std::move(graph);
}

// A symbol is 3 in every test.
inline RefTensor random_tensor(const TensorType& type, std::mt19937& random) {
  RefTensor tensor{.dtype = type.dtype, .dims = {}, .data = {}};
  for (const Dim& dim : type.dims) tensor.dims.push_back(dim.evaluate([](const Symbol&) { return 3; }));
  std::uniform_real_distribution<double> real(-2, 2);
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    double x = real(random);
    tensor.data.push_back(type.dtype.is_floating() ? x : type.dtype.is_bool() ? x > 0 : std::floor(x));
  }
  return tensor;
}

inline std::vector<RefTensor> random_tensors(const std::vector<Node*>& nodes, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<RefTensor> tensors;
  for (const Node* node : nodes) tensors.push_back(random_tensor(node->result_types()[0], random));
  return tensors;
}

inline std::vector<RefTensor> reference_values(const Graph& graph, unsigned seed = 1) {
  auto values = evaluate(graph, random_tensors(graph.inputs(), seed), random_tensors(graph.variables(), seed + 1));
  if (!values.ok()) throw std::runtime_error(std::string(values.status().message()) + "\n" + print(graph));
  return *std::move(values);
}

inline void expect_equal_values(const std::vector<RefTensor>& got, const std::vector<RefTensor>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].dims, want[i].dims);
    for (std::size_t k = 0; k < got[i].data.size(); ++k) {
      if (std::isnan(want[i].data[k]) && std::isnan(got[i].data[k])) continue;
      EXPECT_NEAR(got[i].data[k], want[i].data[k], 1e-9 * (1 + std::fabs(want[i].data[k])))
          << "output " << i << "[" << k << "]";
    }
  }
}

inline int count_ops(const Graph& graph, std::string_view op) {
  int count = 0;
  for (const auto& node : graph.nodes()) count += node->is(op);
  return count;
}

// Runs passes of the pipeline by name.
inline void run_named(Graph& graph, std::initializer_list<std::string_view> names, const PassOptions& options = {}) {
  for (std::string_view name : names) {
    const Pass* pass = find_pass(name);
    ASSERT_NE(pass, nullptr) << name;
    absl::Status status = run_passes(graph, {pass, 1}, options);
    ASSERT_TRUE(status.ok()) << status.message();
  }
}

}  // namespace mica::ir
