#include "compiler/compile.h"

#include "compile_testing.h"
#include "compiler/codegen_library.h"
#include "runtime/error.h"
#include "runtime/parallel.h"

namespace mica::compiler {
namespace {

using ir::parsed;

constexpr const char* kMlp = R"(graph @mlp(%x: f32[N,20]) {
  %w = variable "hidden/kernel" : f32[20,33]
  %b = variable "hidden/bias" : f32[33]
  %v = variable "logits/kernel" : f32[33,7]
  %c = variable "logits/bias" : f32[7]
  %0 = matmul(%x, %w) : f32[N,33]                 # hidden
  %1 = add(%0, %b) : f32[N,33]                    # hidden
  %2 = relu(%1) : f32[N,33]                       # hidden
  %3 = matmul(%2, %v) : f32[N,7]                  # logits
  %4 = add(%3, %c) : f32[N,7]                     # logits
  %5 = softmax(%4) : f32[N,7]                     # softmax
  return %5 as "probabilities")";

TEST(Compile, AnMlpEqualsTheReference) { expect_compiles_to_reference(*parsed(std::string(kMlp) + "\n}")); }

TEST(Compile, AnMlpHasOneStepALayerAndPacksItsWeights) {
  auto graph = parsed(std::string(kMlp) + "\n}");
  EXPECT_EQ(compile(*graph)->program().num_steps(), 3);  // softmax is a kernel of its own
  program::Plan plan = plan_of(*optimized(*graph));
  EXPECT_EQ(plan.init.size(), 2u);
  EXPECT_EQ(plan.run[0].layer, "hidden");
}

// The sums of rows of the second product have the shape of the first one's, which dies there and is read until the end.
TEST(Compile, SumsOfRowsDoNotOverwriteARowThatIsStillRead) {
  expect_compiles_to_reference(*parsed(R"(graph @rows(%x: f32[N,6]) {
  %w = variable "w" : f32[6,6]
  %0 = reduce_sum(%x) {axes=[1], keepdims=true} : f32[N,1]
  %1 = multiply(%x, %0) : f32[N,6]
  %2 = matmul(%1, %w) : f32[N,6]
  %3 = reduce_sum(%2) {axes=[1], keepdims=true} : f32[N,1]
  %4 = multiply(%2, %0) : f32[N,6]
  %5 = add(%4, %3) : f32[N,6]
  %6 = matmul(%5, %w) : f32[N,6]
  %7 = multiply(%6, %3) : f32[N,6]
  return %7 as "y"
})"));
}

TEST(Compile, EqualGraphsShareOneProgram) {
  auto first = parsed(std::string(kMlp) + "\n}"), second = parsed(std::string(kMlp) + "\n}");
  EXPECT_EQ(compile(*first), compile(*second));
  EXPECT_NE(compile(*first), compile(*first, {.libraries = false}));
}

TEST(Compile, ANewBatchSizeCallsNoCompiler) {
  auto graph = parsed(std::string(kMlp) + "\n}");
  auto model = compile(*graph);
  std::int64_t before = codegen_library().llvm_compilations();
  Operands operands(*graph);
  std::vector<rt::VariableValue> variables;
  for (const ir::RefTensor& variable : operands.variables)
    variables.push_back({to_array(variable), variables.size() + 900, 1});
  for (std::int64_t batch : {1, 7, 64, 256}) {
    ir::RefTensor x{kFloat32, {batch, 20}, std::vector<double>(static_cast<std::size_t>(batch) * 20, 0.5)};
    rt::Array input = to_array(x);
    auto want = ir::evaluate(*graph, std::vector<ir::RefTensor>{x}, operands.variables);
    rt::RunResult run = model->program().run({&input, 1}, variables);
    expect_near(run.results, *want, 2e-5);
  }
  EXPECT_EQ(codegen_library().llvm_compilations(), before);
}

TEST(Compile, ATapIsBitEqualAndOneMoreResult) {
  std::string tapped_text = std::string(kMlp) + "\n  tap %4 as \"logits\"\n}";
  auto plain = parsed(std::string(kMlp) + "\n}"), tapped = parsed(tapped_text);
  Operands operands(*plain);
  rt::Array want = run_compiled(*plain, operands)[0], got = run_compiled(*tapped, operands)[0];
  for (std::int64_t i = 0; i < want.numel(); ++i) EXPECT_EQ(got.at(i), want.at(i));
  EXPECT_EQ(compile(*tapped)->program().num_steps(), compile(*plain)->program().num_steps());
}

constexpr const char* kStep = R"(graph @step(%x: f32[N,6], %t: f32[N,3]) {
  %w = variable "dense/kernel" : f32[6,3]
  %b = variable "dense/bias" : f32[3]
  %m = variable "momentum/kernel" : f32[6,3]
  %0 = matmul(%x, %w) : f32[N,3]
  %1 = add(%0, %b) : f32[N,3]
  %2 = tanh(%1) : f32[N,3]
  %3 = subtract(%2, %t) : f32[N,3]
  %4 = multiply(%3, %3) : f32[N,3]
  %5 = reduce_mean(%4) {axes=[], keepdims=false} : f32[]
  %6:2 = gradient(%5, %w, %b) : f32[6,3], f32[3]
  %7 = constant() {value=0.1, dtype=f32, shape=[]} : f32[]
  %8 = constant() {value=0.9, dtype=f32, shape=[]} : f32[]
  %9 = multiply(%m, %8) : f32[6,3]
  %10 = add(%9, %6#0) : f32[6,3]
  %11 = multiply(%10, %7) : f32[6,3]
  %12 = subtract(%w, %11) : f32[6,3]
  %13 = multiply(%6#1, %7) : f32[3]
  %14 = subtract(%b, %13) : f32[3]
  return %5 as "loss"
  update %w = %12
  update %m = %10
  update %b = %14
})";

TEST(Compile, ATrainingStepEqualsTheReference) { expect_compiles_to_reference(*parsed(kStep)); }

TEST(Compile, ATrainingStepUpdatesInPlaceAndPacksNothing) {
  program::Plan plan = plan_of(*optimized(*parsed(kStep)));
  EXPECT_TRUE(plan.init.empty());
  int in_place = 0;
  for (const program::PlanBuffer& buffer : plan.buffers) in_place += buffer.space == MICA_UPDATE && buffer.in_place;
  EXPECT_EQ(in_place, 3) << program::print(plan);
}

constexpr const char* kAdam = R"(graph @adam(%g: f32[5,7]) {
  %p = variable "kernel" : f32[5,7]
  %m = variable "adam/momentum" : f32[5,7]
  %v = variable "adam/velocity" : f32[5,7]
  %a = constant() {value=0.1, dtype=f32, shape=[]} : f32[]
  %b = constant() {value=0.01, dtype=f32, shape=[]} : f32[]
  %0 = subtract(%g, %m) : f32[5,7]
  %1 = multiply(%0, %a) : f32[5,7]
  %2 = add(%m, %1) : f32[5,7]
  %3 = multiply(%g, %g) : f32[5,7]
  %4 = abs(%v) : f32[5,7]
  %5 = subtract(%3, %4) : f32[5,7]
  %6 = multiply(%5, %b) : f32[5,7]
  %7 = add(%4, %6) : f32[5,7]
  %8 = sqrt(%7) : f32[5,7]
  %9 = add(%8, %b) : f32[5,7]
  %10 = divide(%2, %9) : f32[5,7]
  %11 = multiply(%10, %a) : f32[5,7]
  %12 = subtract(%p, %11) : f32[5,7]
  update %m = %2
  update %v = %7
  update %p = %12
})";

TEST(Compile, AnAdamUpdateIsOneKernelInPlace) {
  auto graph = parsed(kAdam);
  expect_compiles_to_reference(*graph);
  program::Plan plan = plan_of(*optimized(*graph));
  EXPECT_EQ(plan.run.size(), 1u);
  for (int update : plan.updates) {
    const program::PlanBuffer& buffer = plan.buffers[static_cast<std::size_t>(update)];
    EXPECT_TRUE(buffer.in_place) << buffer.name << "\n" << program::print(plan);
  }
}

// Clipping by the norm of all gradients, in small: no step but those over few numbers runs on one thread.
TEST(Compile, ANormOfLargeArraysRunsInParallelToTheSameBits) {
  auto graph = parsed(R"(graph @clipped(%a: f32[512,300], %b: f32[90000], %small: f32[7]) {
  %0 = multiply(%a, %a) : f32[512,300]
  %1 = reduce_sum(%0) : f32[]
  %2 = multiply(%b, %b) : f32[90000]
  %3 = reduce_sum(%2) : f32[]
  %4 = multiply(%small, %small) : f32[7]
  %5 = reduce_sum(%4) : f32[]
  %6 = add(%1, %3) : f32[]
  %7 = add(%6, %5) : f32[]
  %8 = rsqrt(%7) : f32[]
  %9 = multiply(%a, %8) : f32[512,300]
  return %8 as "factor"
  return %9 as "a"
})");
  int parallel = 0;
  for (const program::PlanStep& step : plan_of(*optimized(*graph)).run) parallel += !step.extent.is(1);
  EXPECT_EQ(parallel, 3);  // two sums of squares, and what is scaled
  expect_compiles_to_reference(*graph);
  const Operands operands(*graph);
  std::vector<float> factors;
  for (int threads : {1, 2, 5}) {
    rt::set_num_threads(threads);
    factors.push_back(run_compiled(*graph, operands)[0].as<float>()[0]);
  }
  rt::set_num_threads(1);
  EXPECT_EQ(factors[0], factors[1]);
  EXPECT_EQ(factors[0], factors[2]);
}

TEST(Compile, ASymbolThatNoInputShowsIsAnError) {
  auto graph = parsed(R"(graph @g(%x: f32[2*N]) {
  %0 = exp(%x) : f32[2*N]
  return %0 as "y"
})");
  try {
    compile(*graph);
    FAIL() << "compiled";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "g: the size N cannot be read from the shape of an input: it stands alone in no axis");
  }
}

TEST(Compile, EveryStageHasAText) {
  auto model = compile(*parsed(std::string(kMlp) + "\n}"));
  EXPECT_THAT(model->dump(Stage::kGraph), testing::HasSubstr("matmul(%x"));
  EXPECT_THAT(model->dump(Stage::kFused), testing::HasSubstr("library=\"onednn.matmul\""));
  EXPECT_THAT(model->dump(Stage::kLoop), testing::HasSubstr("kernel @"));
  EXPECT_THAT(model->dump(Stage::kProgram), testing::HasSubstr("onednn.matmul"));
  EXPECT_THAT(model->dump(Stage::kProgram), testing::HasSubstr("[bias, relu]"));
  EXPECT_THAT(model->dump(Stage::kLlvm), testing::HasSubstr("define"));
}

// Without libraries the dense layer is a generated product in tiles.
TEST(Compile, TheSecondTargetIsPtx) {
  std::string text = ptx_of(*parsed(std::string(kMlp) + "\n}"), 90);
  EXPECT_THAT(text, testing::HasSubstr(".target sm_90"));
  EXPECT_THAT(text, testing::HasSubstr("ld.shared.f32"));
  EXPECT_THAT(text, testing::HasSubstr("bar.sync"));
}

}  // namespace
}  // namespace mica::compiler
