// Whole networks: compiled values against the reference, and the number of steps they take.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "compile_testing.h"
#include "compiler/passes/groups.h"

namespace mica::compiler {
namespace {

using ir::parsed;

int run_steps(std::string_view text) { return static_cast<int>(plan_of(*optimized(*parsed(text))).run.size()); }

constexpr const char* kDigits = R"(graph @digits(%image: f32[N,12,12,1]) {
  %k1 = variable "conv1/kernel" : f32[3,3,1,8]
  %b1 = variable "conv1/bias" : f32[8]
  %k2 = variable "conv2/kernel" : f32[3,3,8,16]
  %b2 = variable "conv2/bias" : f32[16]
  %w = variable "logits/kernel" : f32[144,10]
  %b = variable "logits/bias" : f32[10]
  %0 = conv(%image, %k1) : f32[N,10,10,8]                                              # conv1
  %1 = add(%0, %b1) : f32[N,10,10,8]                                                   # conv1
  %2 = relu(%1) : f32[N,10,10,8]                                                       # conv1
  %3 = max_pool(%2) {window=[2,2], strides=[2,2]} : f32[N,5,5,8]                       # pool1
  %4 = conv(%3, %k2) : f32[N,3,3,16]                                                   # conv2
  %5 = add(%4, %b2) : f32[N,3,3,16]                                                    # conv2
  %6 = relu(%5) : f32[N,3,3,16]                                                        # conv2
  %7 = reshape(%6) {shape=[N,144]} : f32[N,144]                                        # flatten
  %8 = matmul(%7, %w) : f32[N,10]                                                      # logits
  %9 = add(%8, %b) : f32[N,10]                                                         # logits
  return %9 as "logits"
})";

TEST(Networks, DigitsEqualsTheReference) { expect_compiles_to_reference(*parsed(kDigits)); }
TEST(Networks, DigitsTakesAStepAConvolutionPoolAndDense) { EXPECT_EQ(run_steps(kDigits), 4); }

// Two convolutions with normalisations and a shortcut with its own.
constexpr const char* kResidual = R"(graph @residual(%x: f32[N,6,6,4]) {
  %k1 = variable "a/kernel" : f32[3,3,4,8]
  %k2 = variable "b/kernel" : f32[3,3,8,8]
  %k3 = variable "shortcut/kernel" : f32[1,1,4,8]
  %g1 = variable "a_bn/gamma" : f32[8]
  %o1 = variable "a_bn/beta" : f32[8]
  %m1 = variable "a_bn/mean" : f32[8]
  %v1 = variable "a_bn/variance" : f32[8]
  %g2 = variable "b_bn/gamma" : f32[8]
  %o2 = variable "b_bn/beta" : f32[8]
  %m2 = variable "b_bn/mean" : f32[8]
  %v2 = variable "b_bn/variance" : f32[8]
  %one = constant() {value=3, dtype=f32, shape=[]} : f32[]
  %w1 = add(%v1, %one) : f32[8]
  %w2 = add(%v2, %one) : f32[8]
  %0 = pad(%x) {low=[0,1,1,0], high=[0,1,1,0]} : f32[N,8,8,4]                          # a
  %1 = conv(%0, %k1) : f32[N,6,6,8]                                                    # a
  %2 = batch_normalization(%1, %m1, %w1, %g1, %o1) : f32[N,6,6,8]                      # a_bn
  %3 = relu(%2) : f32[N,6,6,8]                                                         # a_relu
  %4 = conv(%3, %k2) {pad_low=[1,1], pad_high=[1,1]} : f32[N,6,6,8]                    # b
  %5 = batch_normalization(%4, %m2, %w2, %g2, %o2) : f32[N,6,6,8]                      # b_bn
  %6 = conv(%x, %k3) : f32[N,6,6,8]                                                    # shortcut
  %7 = add(%5, %6) : f32[N,6,6,8]                                                      # add
  %8 = relu(%7) : f32[N,6,6,8]                                                         # out
  %9 = reduce_mean(%8) {axes=[1,2], keepdims=false} : f32[N,8]                         # pool
  return %9 as "features")";

TEST(Networks, AResidualBlockEqualsTheReference) {
  expect_compiles_to_reference(*parsed(std::string(kResidual) + "\n}"));
}
TEST(Networks, AResidualBlockTakesAStepAConvolutionAndPool) { EXPECT_EQ(run_steps(std::string(kResidual) + "\n}"), 4); }

TEST(Networks, TapsInAResidualBlockSplitOnlyEpilogues) {
  std::string tapped = std::string(kResidual) + "\n  tap %2 as \"a_bn\"\n  tap %8 as \"out\"\n}";
  expect_compiles_to_reference(*parsed(tapped));
  program::Plan plan = plan_of(*optimized(*parsed(tapped)));
  int splits = 0;
  for (const program::PlanStep& step : plan.run) splits += step.split_by_tap;
  EXPECT_EQ(splits, 1) << program::print(plan);
  EXPECT_THAT(program::print(plan), testing::HasSubstr("# split by tap"));
}

TEST(Networks, ChannelsFirstMeetsInside) {
  const char* text = R"(graph @nchw(%x: f32[N,3,8,8]) {
  %k1 = variable "a/kernel" : f32[3,3,3,4]
  %k2 = variable "b/kernel" : f32[3,3,4,5]
  %0 = transpose(%x) {permutation=[0,2,3,1]} : f32[N,8,8,3]
  %1 = conv(%0, %k1) : f32[N,6,6,4]
  %2 = transpose(%1) {permutation=[0,3,1,2]} : f32[N,4,6,6]
  %3 = relu(%2) : f32[N,4,6,6]
  %4 = transpose(%3) {permutation=[0,2,3,1]} : f32[N,6,6,4]
  %5 = conv(%4, %k2) : f32[N,4,4,5]
  %6 = transpose(%5) {permutation=[0,3,1,2]} : f32[N,5,4,4]
  return %6 as "y"
})";
  expect_compiles_to_reference(*parsed(text));
  EXPECT_EQ(run_steps(text), 4);  // two convolutions, a transpose at each end
}

TEST(Networks, ATrainingStepOfAConvolutionEqualsTheReference) {
  expect_compiles_to_reference(*parsed(R"(graph @step(%x: f32[N,8,8,2], %labels: i32[N]) {
  %k = variable "conv/kernel" : f32[3,3,2,4]
  %b = variable "conv/bias" : f32[4]
  %w = variable "logits/kernel" : f32[36,5]
  %zero = constant() {value=0, dtype=i32, shape=[]} : i32[]
  %l = maximum(%labels, %zero) : i32[N]
  %0 = conv(%x, %k) : f32[N,6,6,4]
  %1 = add(%0, %b) : f32[N,6,6,4]
  %2 = relu(%1) : f32[N,6,6,4]
  %3 = max_pool(%2) {window=[2,2], strides=[2,2]} : f32[N,3,3,4]
  %4 = reshape(%3) {shape=[N,36]} : f32[N,36]
  %5 = matmul(%4, %w) : f32[N,5]
  %6 = log_softmax(%5) : f32[N,5]
  %7 = one_hot(%l) {num_classes=5} : f32[N,5]
  %8 = multiply(%6, %7) : f32[N,5]
  %9 = reduce_sum(%8) {axes=[], keepdims=false} : f32[]
  %10 = negative(%9) : f32[]
  %11:3 = gradient(%10, %k, %b, %w) : f32[3,3,2,4], f32[4], f32[36,5]
  %rate = constant() {value=0.01, dtype=f32, shape=[]} : f32[]
  %12 = multiply(%11#0, %rate) : f32[3,3,2,4]
  %13 = subtract(%k, %12) : f32[3,3,2,4]
  %14 = multiply(%11#1, %rate) : f32[4]
  %15 = subtract(%b, %14) : f32[4]
  %16 = multiply(%11#2, %rate) : f32[36,5]
  %17 = subtract(%w, %16) : f32[36,5]
  return %10 as "loss"
  update %k = %13
  update %b = %15
  update %w = %17
})"));
}

// A plain recurrent layer: the products with the input stand before the loop.
constexpr const char* kRecurrent = R"(graph @recurrent(%x: f32[T,N,3], %h0: f32[N,4]) {
  %w = variable "rnn/kernel" : f32[3,4]
  %u = variable "rnn/recurrent" : f32[4,4]
  %0 = matmul(%x, %w) : f32[T,N,4]
  %1:2 = scan(%h0, %0, %u) {num_states=1, num_xs=1} : f32[N,4], f32[T,N,4]
    body @cell(%h: f32[N,4], %z: f32[N,4], %u: f32[4,4]) {
      %0 = matmul(%h, %u) : f32[N,4]
      %1 = add(%0, %z) : f32[N,4]
      %2 = tanh(%1) : f32[N,4]
      return %2 as "h"
      return %2 as "y"
    }
)";

TEST(Networks, ARecurrentLayerIsOneProductAndOneKernel) {
  std::string text = std::string(kRecurrent) + "  return %1#0 as \"last\"\n}";
  expect_compiles_to_reference(*parsed(text));
  EXPECT_EQ(run_steps(text), 2);
}

TEST(Networks, TheGradientOfARecurrentMatrixIsOneProductAfterTheLoop) {
  std::string text = std::string(kRecurrent) + R"(  %2 = multiply(%1#0, %1#0) : f32[N,4]
  %3 = reduce_sum(%2) {axes=[], keepdims=false} : f32[]
  %4:2 = gradient(%3, %w, %u) : f32[3,4], f32[4,4]
  return %4#0 as "dw"
  return %4#1 as "du"
})";
  expect_compiles_to_reference(*parsed(text));
  auto graph = parsed(text);
  ir::run_named(*graph, {"canonicalize", "autodiff", "hoist-sums"});
  for (const auto& node : graph->nodes()) {
    if (node->is("scan")) {
      EXPECT_EQ(node->attrs().integer("num_states"), 1);
    }
  }
  EXPECT_GE(ir::count_ops(*graph, "matmul"), 3);
}

// Rows run in tiles of 8, the rest one by one; both must give what the reference gives, gates and gradient included.
TEST(Networks, AGatedRecurrenceAndItsGradientRunInTilesOfRows) {
  for (int rows : {1, 7, 8, 19}) {
    SCOPED_TRACE(rows);
    auto graph = parsed(absl::StrReplaceAll(R"(graph @gated(%x: f32[5,$N,40], %h0: f32[$N,20], %c0: f32[$N,20]) {
  %u = variable "cell/recurrent" : f32[20,40]
  %0:4 = scan(%h0, %c0, %x, %u) {num_states=2, num_xs=1} : f32[$N,20], f32[$N,20], f32[5,$N,20], f32[5,$N]
    body @cell(%h: f32[$N,20], %c: f32[$N,20], %z: f32[$N,40], %u: f32[20,40]) {
      %0 = matmul(%h, %u) : f32[$N,40]
      %1 = add(%0, %z) : f32[$N,40]
      %2 = slice(%1) {axis=1, start=[0], stop=[20], step=1} : f32[$N,20]
      %3 = slice(%1) {axis=1, start=[20], stop=[40], step=1} : f32[$N,20]
      %4 = sigmoid(%2) : f32[$N,20]
      %5 = tanh(%3) : f32[$N,20]
      %6 = multiply(%4, %c) : f32[$N,20]
      %7 = add(%6, %5) : f32[$N,20]
      %8 = tanh(%7) : f32[$N,20]
      %9 = reduce_sum(%8) {axes=[1], keepdims=false} : f32[$N]
      return %8 as "h"
      return %7 as "c"
      return %8 as "y"
      return %9 as "sum"
    }
  %1 = multiply(%0#2, %0#2) : f32[5,$N,20]
  %2 = reduce_sum(%1) {axes=[], keepdims=false} : f32[]
  %3 = reduce_sum(%0#3) {axes=[], keepdims=false} : f32[]
  %share = constant() {value=0.01, dtype=f32, shape=[]} : f32[]
  %sum = add(%2, %3) : f32[]
  %4 = multiply(%sum, %share) : f32[]
  %5:3 = gradient(%4, %x, %h0, %u) : f32[5,$N,40], f32[$N,20], f32[20,40]
  return %0#1 as "c"
  return %5#0 as "dx"
  return %5#1 as "dh"
  return %5#2 as "du"
})",
                                            {{"$N", absl::StrCat(rows)}}));
    expect_compiles_to_reference(*graph);
  }
}

// Narrow states and masks that lie batch by batch: the rows run in lanes, each lane with a state of its own.
TEST(Networks, ANarrowMaskedRecurrenceKeepsItsRowsApart) {
  auto graph = parsed(R"(graph @masked(%x: f32[T,N,3], %m: f32[T,N], %h0: f32[N,3]) {
  %u = variable "rnn/recurrent" : f32[3,3]
  %0 = constant() {value=0.2, shape=[T,N]} : f32[T,N]
  %1 = greater(%m, %0) : bool[T,N]
  %2 = scan(%h0, %x, %1, %u) {num_states=1, num_xs=2} : f32[N,3]
    body @cell(%h: f32[N,3], %z: f32[N,3], %valid: bool[N], %u: f32[3,3]) {
      %0 = matmul(%h, %u) : f32[N,3]
      %1 = add(%0, %z) : f32[N,3]
      %2 = tanh(%1) : f32[N,3]
      %3 = reshape(%valid) {shape=[N,1]} : bool[N,1]
      %4 = where(%3, %2, %h) : f32[N,3]
      return %4 as "h"
    }
  return %2 as "last"
})");
  expect_compiles_to_reference(*graph);
}

// Every epilogue that a library may take, on NaN, infinities and zeros.
TEST(Networks, EpiloguesOfLibraryCallsFollowTheReference) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();
  struct Call {
    const char *op, *x, *kernel, *result, *attrs;
  };
  constexpr Call kCalls[] = {{"matmul", "f32[8,1]", "f32[1,5]", "f32[8,5]", ""},
                             {"conv", "f32[1,8,1,1]", "f32[1,1,1,5]", "f32[1,8,1,5]", ""},
                             {"conv_grad_input", "f32[1,8,1,1]", "f32[1,1,5,1]", "f32[1,8,1,5]", "{spatial=[8,1]}"}};
  for (const Call& call : kCalls) {
    for (const std::string& epilogue : ir::op(call.op).libraries[0].epilogues) {
      const bool is_binary = ir::op(epilogue).operands.size() == 2;
      const std::string text = absl::StrCat("graph @g(%x: ", call.x, ") {\n  %k = variable \"kernel\" : ", call.kernel,
                                            "\n  %s = variable \"scale\" : f32[5]\n  %0 = ", call.op, "(%x, %k) ",
                                            call.attrs, " : ", call.result, "\n  %1 = ", epilogue, "(%0",
                                            is_binary ? ", %s" : "", ") : ", call.result, "\n  return %1 as \"y\"\n}");
      SCOPED_TRACE(text);
      const auto graph = parsed(text);
      EXPECT_EQ(run_steps(text), 1);
      Operands operands(*graph);
      operands.inputs[0].data = {kNan, kInfinity, -kInfinity, 0, -0.0, 1e30, -1e30, 0.5};
      operands.variables[0].data.assign(5, 1.0);
      const auto want = ir::evaluate(*graph, operands.inputs, operands.variables);
      ASSERT_TRUE(want.ok()) << want.status().message();
      expect_near(run_compiled(*graph, operands), *want, 1e-6);
    }
  }
}

TEST(Networks, ADenseLayerOfNothingIsTheActivationOfItsBias) {
  constexpr const char* kText = R"(graph @g(%x: f32[N,0]) {
  %w = variable "kernel" : f32[0,5]
  %b = variable "bias" : f32[5]
  %0 = matmul(%x, %w) : f32[N,5]
  %1 = add(%0, %b) : f32[N,5]
  %2 = sigmoid(%1) : f32[N,5]
  return %2 as "y"
})";
  expect_compiles_to_reference(*parsed(kText));
}

}  // namespace
}  // namespace mica::compiler
