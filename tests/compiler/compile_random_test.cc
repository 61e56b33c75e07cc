// Random graphs: compiled equals interpreted. A failing graph is shrunk to the outputs that matter and printed.
#include <random>

#include "absl/strings/str_cat.h"
#include "compile_testing.h"
#include "compiler/ops/builder.h"

namespace mica::compiler {
namespace {

using ir::Builder;
using ir::Dim;
using ir::Dims;
using ir::Ints;
using ir::Value;
using ir::Values;

// Grows a graph one random operation at a time. Values are kept near [-3, 3], so that tolerances mean something.
class GraphGrower {
 public:
  explicit GraphGrower(unsigned seed) : random_(seed), graph_(std::make_unique<ir::Graph>("random")), b_(*graph_) {
    Dim n = Dim::symbol("N");
    values_.push_back(graph_->input({kFloat32, {n, 6}}, "x"));
    values_.push_back(graph_->input({kFloat32, {n, 4, 6}}, "z"));
    values_.push_back(graph_->variable({kFloat32, {6}}, "v"));
    values_.push_back(graph_->variable({kFloat32, {6, 5}}, "w"));
    values_.push_back(graph_->variable({kFloat32, {6, 6}}, "u"));
  }

  std::unique_ptr<ir::Graph> grow(int operations) {
    for (int i = 0; i < operations; ++i) {
      if (Value next = step()) values_.push_back(next);
    }
    int outputs = 0;
    for (std::size_t i = values_.size(); i-- > 5 && outputs < 3;) {
      bool dead_end = values_[i].node->uses(values_[i].index).empty();
      if (!dead_end && pick(6) != 0) continue;
      graph_->add_output(values_[i], absl::StrCat("y", outputs), /*tap=*/outputs > 0 && pick(2) == 0);
      ++outputs;
    }
    graph_->sort_and_sweep();
    return std::move(graph_);
  }

 private:
  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
  Value any() { return values_[static_cast<std::size_t>(pick(static_cast<int>(values_.size())))]; }

  Value step() {
    Value x = any();
    switch (pick(12)) {
      case 0:
      case 1: {
        constexpr const char* kUnary[] = {"tanh", "relu", "sigmoid", "negative", "abs", "sin", "gelu", "silu"};
        return b_.unary(kUnary[pick(8)], x);
      }
      case 2:
      case 3:
        return binary(x, any());
      case 4:
        return reduction(x);
      case 5:
        return x.rank() >= 2 ? transposed(x) : Value{};
      case 6:
        return x.rank() == 3 ? b_.reshape(x, {x.dims()[0], x.dims()[1] * x.dims()[2]}) : Value{};
      case 7:
        return sliced(x);
      case 8:
        return x.rank() >= 2 && x.dims().back().is(6)
                   ? b_.tanh(b_.matmul(x, values_[static_cast<std::size_t>(3 + pick(2))]))
                   : Value{};
      case 9:
        return x.rank() >= 1 ? b_.call("softmax", {x}) : Value{};
      case 10:
        return x.rank() >= 1 && x.dims().back().is_static() ? b_.concat({x, b_.tanh(x)}, x.rank() - 1) : Value{};
      default:
        return b_.where(b_.gt(x, b_.like(0.1, x)), x, b_.like(-0.5, x));
    }
  }

  Value binary(Value x, Value y) {
    if (!ir::broadcast(x.dims(), y.dims()).ok()) return {};
    constexpr const char* kBinary[] = {"add", "subtract", "maximum", "multiply", "minimum"};
    return b_.tanh(b_.call(kBinary[pick(5)], {x, y}));
  }

  Value reduction(Value x) {
    if (x.rank() == 0) return {};
    constexpr const char* kReductions[] = {"reduce_mean", "reduce_max", "reduce_sum"};
    Value folded = b_.reduce(kReductions[pick(3)], x, {pick(x.rank())}, pick(2) == 0);
    return pick(3) == 0 ? folded : b_.tanh(folded);
  }

  Value transposed(Value x) {
    Ints permutation;
    for (int axis = 0; axis < x.rank(); ++axis) permutation.push_back(axis);
    std::swap(permutation[static_cast<std::size_t>(pick(x.rank()))],
              permutation[static_cast<std::size_t>(pick(x.rank()))]);
    return b_.transpose(x, permutation);
  }

  Value sliced(Value x) {
    if (x.rank() == 0) return {};
    int axis = pick(x.rank());
    const Dim& dim = x.type().dim(axis);
    if (!dim.is_static() || dim.value() < 3) return {};
    return b_.slice(x, axis, 1, dim.value() - pick(2));
  }

  std::mt19937 random_;
  std::unique_ptr<ir::Graph> graph_;
  Builder b_;
  Values values_;
};

bool agrees(const ir::Graph& graph, const Options& options) {
  Operands operands(graph, 7);
  auto want = ir::evaluate(graph, operands.inputs, operands.variables);
  if (!want.ok()) return false;
  std::vector<rt::Array> got = run_compiled(graph, operands, options);
  for (std::size_t i = 0; i < got.size(); ++i) {
    for (std::int64_t k = 0; k < got[i].numel(); ++k) {
      double expected = (*want)[i].data[static_cast<std::size_t>(k)];
      if (!(std::fabs(got[i].at(k) - expected) <= 1e-4 * (1 + std::fabs(expected)))) return false;
    }
  }
  return true;
}

// The text of the graph with as few outputs as still disagree.
std::string shrunk(const ir::Graph& graph, const Options& options) {
  std::unique_ptr<ir::Graph> smallest = graph.clone();
  for (std::size_t i = smallest->outputs().size(); i-- > 0 && smallest->outputs().size() > 1;) {
    std::unique_ptr<ir::Graph> smaller = smallest->clone();
    smaller->mutable_outputs().erase(smaller->mutable_outputs().begin() + static_cast<std::ptrdiff_t>(i));
    smaller->sort_and_sweep();
    if (!agrees(*smaller, options)) smallest = std::move(smaller);
  }
  return ir::print(*smallest);
}

class RandomGraph : public testing::TestWithParam<int> {};

TEST_P(RandomGraph, CompiledEqualsInterpreted) {
  for (unsigned round = 0; round < 6; ++round) {
    unsigned seed = static_cast<unsigned>(GetParam()) * 100 + round;
    auto graph = GraphGrower(seed).grow(14);
    if (graph->outputs().empty()) continue;
    for (bool libraries : {true, false}) {
      Options options{.libraries = libraries};
      ASSERT_TRUE(agrees(*graph, options)) << "seed " << seed << (libraries ? "" : ", generated code only") << "\n"
                                           << shrunk(*graph, options);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraph, testing::Range(0, 8));

}  // namespace
}  // namespace mica::compiler
