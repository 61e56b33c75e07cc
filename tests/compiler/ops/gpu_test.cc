// Generated tests of the second target: every sample of every record through the passes, each step scheduled for a GPU;
// in lock step against the reference (races and bounds are errors there), and as PTX through the assembler.
#include <gtest/gtest.h>

#include <map>

#include "compiler/codegen_library.h"
#include "compiler/compile.h"
#include "compiler/loop/expand_math.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/schedule_gpu.h"
#include "compiler/loop/simplify.h"
#include "compiler/passes/groups.h"
#include "tests/compiler/codegen/ptxas.h"
#include "tests/compiler/ops/sample_kernel.h"

namespace mica::ir {
namespace {

std::unique_ptr<Graph> without_libraries(const Graph& graph) {
  compiler::Options options;
  options.libraries = false;
  return compiler::optimized(graph, options);
}

loop::Kernel gpu_kernel(const Node& node) {
  absl::StatusOr<loop::Kernel> kernel = loop::lower(node);
  MICA_CHECK(kernel.ok()) << kernel.status().message();
  return loop::simplify(loop::schedule_gpu(*kernel));
}

// Some results are float32 whatever the operands are (random numbers).
double tolerance(DType dtype) { return dtype == kFloat32 ? 2e-5 : 1e-12; }

class GpuSampleTest : public testing::TestWithParam<NamedSample> {
 protected:
  // Every value of the graph, computed kernel by kernel.
  void run_in_lock_step(const Graph& graph, const SampleCase& c) {
    for (std::size_t i = 0; i < c.inputs.size(); ++i) {
      values_.emplace(graph.inputs()[i]->result(), to_array(c.inputs[i]));
    }
    for (const auto& node : graph.nodes()) {
      if (is_graph_operand(*node)) continue;
      std::vector<rt::Array*> params;
      for (Value operand : node->operands()) params.push_back(&values_.at(operand));
      for (int r = 0; r < node->num_results(); ++r) {
        Ints dims;
        for (const Dim& dim : node->result(r).dims()) dims.push_back(c.value_of(dim));
        rt::Array zeros = rt::Array::zeros(node->result(r).dtype(), dims);
        params.push_back(&values_.emplace(node->result(r), std::move(zeros)).first->second);
      }
      ASSERT_NO_FATAL_FAILURE(expect_runs(c, gpu_kernel(*node), params));
    }
  }

  std::map<Value, rt::Array> values_;
};

TEST_P(GpuSampleTest, LockStepEqualsReferenceInDouble) {
  SampleCase c = make_case(*GetParam().op, GetParam().sample(), kFloat64);
  absl::StatusOr<std::vector<RefTensor>> want = evaluate(*c.graph, c.inputs);
  ASSERT_TRUE(want.ok()) << want.status();
  std::unique_ptr<Graph> graph = without_libraries(*c.graph);
  ASSERT_NO_FATAL_FAILURE(run_in_lock_step(*graph, c));
  for (std::size_t i = 0; i < want->size(); ++i) {
    expect_close(values_.at(graph->outputs()[i].value), (*want)[i], tolerance((*want)[i].dtype));
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, GpuSampleTest, testing::ValuesIn(samples_of([](const OpDef&) { return true; })), name_of);

class GpuOpTest : public testing::TestWithParam<const OpDef*> {};

TEST_P(GpuOpTest, PtxAssembles) {
  std::optional<std::filesystem::path> ptxas = codegen::find_ptxas();
  if (!ptxas) GTEST_SKIP() << "NOT TESTED: no ptxas in PATH, so no PTX was assembled";
  for (const Sample& sample : GetParam()->samples) {
    std::unique_ptr<Graph> graph = without_libraries(*make_case(*GetParam(), sample).graph);
    for (const auto& node : graph->nodes()) {
      if (is_graph_operand(*node)) continue;
      loop::Kernel kernel = loop::expand_math(gpu_kernel(*node));
      for (int sm : {80, 90}) {
        std::string text = codegen_library().ptx(kernel, sm);
        codegen::Assembled result = codegen::assemble(*ptxas, text, sm);
        ASSERT_TRUE(result.ok) << "sm_" << sm << ": " << result.messages << "\n" << loop::print(kernel) << "\n" << text;
      }
    }
  }
}

std::string op_name(const testing::TestParamInfo<const OpDef*>& op) { return std::string(op.param->name); }

INSTANTIATE_TEST_SUITE_P(Ops, GpuOpTest, testing::ValuesIn(registry().all()), op_name);

}  // namespace
}  // namespace mica::ir
