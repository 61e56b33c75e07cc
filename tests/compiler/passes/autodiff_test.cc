#include "compiler/passes/autodiff.h"

#include "graph_testing.h"

namespace mica::ir {
namespace {

RefTensor tensor(Ints dims, std::vector<double> data) { return {kFloat32, std::move(dims), std::move(data)}; }

// The last output after expansion, on the given inputs.
std::vector<double> expanded_output(std::string_view text, const std::vector<RefTensor>& inputs) {
  auto graph = parsed(text);
  run_named(*graph, {"canonicalize", "autodiff"});
  EXPECT_EQ(count_ops(*graph, "gradient"), 0);
  auto values = evaluate(*graph, inputs);
  EXPECT_TRUE(values.ok()) << values.status().message();
  return values->back().data;
}

TEST(Autodiff, SquareOfAProduct) {
  // d/dx sum (x w)^2 = 2 x w^2
  auto dx = expanded_output(R"(graph @g(%x: f32[2], %w: f32[2]) {
  %0 = multiply(%x, %w) : f32[2]
  %1 = multiply(%0, %0) : f32[2]
  %2 = reduce_sum(%1) {axes=[], keepdims=false} : f32[]
  %3 = gradient(%2, %x) : f32[2]
  return %3 as "dx"
})",
                            {tensor({2}, {1, 2}), tensor({2}, {3, 5})});
  EXPECT_THAT(dx, testing::ElementsAre(18, 100));
}

TEST(Autodiff, OperandsOfACompositeMayDependOnEachOther) {
  // y = x - mean(x) by a composite: the gradient of sum(w y) is w - mean(w), the way through the mean counted once
  auto dx = expanded_output(R"(graph @g(%x: f32[2], %v: f32[1], %w: f32[2]) {
  %0 = reduce_mean(%x) {axes=[], keepdims=true} : f32[1]
  %1 = batch_normalization(%x, %0, %v) {epsilon=0.0} : f32[2]
  %2 = multiply(%1, %w) : f32[2]
  %3 = reduce_sum(%2) {axes=[], keepdims=false} : f32[]
  %4 = gradient(%3, %x) : f32[2]
  return %4 as "dx"
})",
                            {tensor({2}, {1, 2}), tensor({1}, {1}), tensor({2}, {3, 5})});
  EXPECT_THAT(dx, testing::ElementsAre(-1, 1));
}

TEST(Autodiff, BroadcastingIsUndone) {
  auto db = expanded_output(R"(graph @g(%x: f32[2,3], %b: f32[3]) {
  %0 = multiply(%x, %b) : f32[2,3]
  %1 = reduce_sum(%0) {axes=[], keepdims=false} : f32[]
  %2 = gradient(%1, %b) : f32[3]
  return %2 as "db"
})",
                            {tensor({2, 3}, {1, 2, 3, 4, 5, 6}), tensor({3}, {1, 1, 1})});
  EXPECT_THAT(db, testing::ElementsAre(5, 7, 9));
}

TEST(Autodiff, SecondOrder) {
  // y = x^3: the gradient of sum(dy/dx) is 6 x
  auto ddx = expanded_output(R"(graph @g(%x: f32[3]) {
  %0 = multiply(%x, %x) : f32[3]
  %1 = multiply(%0, %x) : f32[3]
  %2 = gradient(%1, %x) : f32[3]
  %3 = gradient(%2, %x) : f32[3]
  return %3 as "ddx"
})",
                             {tensor({3}, {1, -2, 0.5})});
  EXPECT_THAT(ddx, testing::ElementsAre(6, -12, 3));
}

TEST(Autodiff, NoPathGivesZero) {
  auto dz = expanded_output(R"(graph @g(%x: f32[2], %z: f32[2]) {
  %0 = exp(%x) : f32[2]
  %1 = gradient(%0, %z) : f32[2]
  return %1 as "dz"
})",
                            {tensor({2}, {1, 2}), tensor({2}, {1, 2})});
  EXPECT_THAT(dz, testing::ElementsAre(0, 0));
}

TEST(Autodiff, AnIntermediateMayBeAskedFor) {
  auto dh = expanded_output(R"(graph @g(%x: f32[2]) {
  %0 = exp(%x) : f32[2]
  %1 = multiply(%0, %0) : f32[2]
  %2 = gradient(%1, %0) : f32[2]
  return %2 as "dh"
})",
                            {tensor({2}, {0, 0})});
  EXPECT_THAT(dh, testing::ElementsAre(2, 2));
}

TEST(Autodiff, AnOperationWithoutGradientIsNamedWithItsReason) {
  OpDef measured;
  measured.name = "measured";
  measured.operands = {{.name = "x", .doc = ""}};
  measured.no_gradient = "a table";
  measured.infer = [](const InferContext& c) -> absl::StatusOr<Types> { return Types{c.operand(0)}; };
  Graph graph;
  Value x = graph.input({kFloat32, {2}}, "x");
  graph.set_loc("quantize");
  Value y = graph.add(measured, {x})->result();
  graph.add_output(graph.add("gradient", {y, x}), "dx");
  absl::Status status = autodiff(graph, {});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.message(),
            "quantize: measured has no gradient (a table). Is it meant to be differentiated? Otherwise put "
            "stop_gradient around it");
}

TEST(Autodiff, ComparisonsCarryNoGradientAndNeedNone) {
  auto dx = expanded_output(R"(graph @g(%x: f32[3]) {
  %0 = constant() {value=0, dtype=f32, shape=[]} : f32[]
  %1 = greater(%x, %0) : bool[3]
  %2 = where(%1, %x, %0) : f32[3]
  %3 = gradient(%2, %x) : f32[3]
  return %3 as "dx"
})",
                            {tensor({3}, {1, -1, 2})});
  EXPECT_THAT(dx, testing::ElementsAre(1, 0, 1));
}

TEST(Autodiff, FiniteDifferencesOfATwoLayerNetwork) {
  const char* forward = R"(graph @g(%x: f32[2,3], %w: f32[3,4], %v: f32[4,2]) {
  %0 = matmul(%x, %w) : f32[2,4]
  %1 = tanh(%0) : f32[2,4]
  %2 = matmul(%1, %v) : f32[2,2]
  %3 = exp(%2) : f32[2,2]
  %4 = reduce_sum(%3) {axes=[], keepdims=false} : f32[]
  return %4 as "loss"
)";
  auto loss = parsed(std::string(forward) + "}");
  auto step = parsed(std::string(forward) + "  %5 = gradient(%4, %w) : f32[3,4]\n  return %5 as \"dw\"\n}");
  run_named(*step, {"autodiff"});
  std::vector<RefTensor> inputs = random_tensors(loss->inputs(), 3);
  std::vector<double> dw = (*evaluate(*step, inputs))[1].data;
  for (std::size_t i = 0; i < dw.size(); ++i) {
    auto loss_at = [&](double offset) {
      std::vector<RefTensor> moved = inputs;
      moved[1].data[i] += offset;
      return (*evaluate(*loss, moved))[0].data[0];
    };
    double difference = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5;
    EXPECT_NEAR(dw[i], difference, 1e-6 * (1 + std::fabs(difference)));
  }
}

}  // namespace
}  // namespace mica::ir
