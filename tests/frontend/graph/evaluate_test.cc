// When pending work runs, what runs together, and what is compiled.
#include "frontend/graph/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>

#include "compiler/codegen_library.h"
#include "frontend/graph/pending.h"
#include "frontend/graph/variable.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/functional.h"
#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using internal::num_lazy_programs;
using internal::ValueKind;
using testing::ElementsAre;
using testing::HasSubstr;

ValueKind kind_of(const Tensor& tensor) { return tensor.node()->kind; }

TEST(Evaluate, NothingRunsUntilItIsRead) {
  Tensor x = tensor({1.0, 2.0});
  const int before = num_lazy_programs();
  Tensor y = (x + 1) * x;
  EXPECT_EQ(kind_of(y), ValueKind::kPending);
  EXPECT_EQ(y.shape(), (Shape{2}));
  EXPECT_EQ(num_lazy_programs(), before);
  y.eval();
  EXPECT_EQ(kind_of(y), ValueKind::kComputed);
  EXPECT_THAT(y.to_vector(), ElementsAre(2, 6));
}

TEST(Evaluate, WhatIsHeldAndSharesTheWorkIsComputedWithIt) {
  Tensor x = tensor({1.0, 2.0});
  Tensor shared = x * 3, one = shared + 1, other = shared - 1, apart = x - 5;
  one.eval();
  EXPECT_EQ(kind_of(shared), ValueKind::kComputed);
  EXPECT_EQ(kind_of(other), ValueKind::kComputed);
  EXPECT_EQ(kind_of(apart), ValueKind::kPending);
  EXPECT_THAT(other.to_vector(), ElementsAre(2, 5));
}

TEST(Evaluate, ScalarsAreOperandsAndStructureIsTheKey) {
  Tensor x = tensor({1.0, 2.0});
  ((x * 2) + 7).eval();
  const int before = num_lazy_programs();
  for (int i = 0; i < 5; ++i) {
    Tensor y = (tensor({1.0 * i, 2.0}) * i) + (i + 0.5);
    EXPECT_FLOAT_EQ(y[0].item<float>(), static_cast<float>(i * i) + static_cast<float>(i) + 0.5F);
  }
  // One more for y[0].
  EXPECT_LE(num_lazy_programs(), before + 1);
}

TEST(Evaluate, ASnapshotNeverChanges) {
  Variable w(tensor({1.0, 2.0}));
  w.set_trainable(false);
  Tensor old = Tensor::of(w.cell()->value());
  Tensor pending = w * 10;
  w.assign(w + 1);
  w.assign(w * w);
  internal::run_bindings();
  EXPECT_THAT(w.to_vector(), ElementsAre(4, 9));
  EXPECT_THAT(old.to_vector(), ElementsAre(1, 2));
  EXPECT_THAT(pending.to_vector(), ElementsAre(10, 20));
}

TEST(Evaluate, AVariableOfASingleHolderIsUpdatedInPlace) {
  Variable w(zeros({1000}));
  auto step = [&] {
    w.assign(w + 1);
    internal::run_bindings();
    return w.data().data();
  };
  const float* storage = step();
  EXPECT_EQ(step(), storage);
  Tensor snapshot = Tensor::of(w.cell()->value());
  EXPECT_NE(step(), storage);
  EXPECT_FLOAT_EQ(snapshot[0].item<float>(), 2);
  EXPECT_FLOAT_EQ(w[0].item<float>(), 3);
}

TEST(Evaluate, TenThousandPendingCallsRunByThemselves) {
  Tensor x = tensor({1.0});
  Tensor start = x + 1, y = start;
  for (int i = 0; i < 10'050; ++i) y = y + 1;
  EXPECT_EQ(kind_of(start), ValueKind::kComputed);
  EXPECT_EQ(kind_of(y), ValueKind::kPending);
  EXPECT_LT(internal::PendingCalls::of_thread()->size(), 100U);
  EXPECT_FLOAT_EQ(y.item<float>(), 10'052);
}

TEST(Evaluate, AHundredThousandCallsAreRecordedRunWalkedAndDestroyed) {
  Tensor w = tensor({1.0, 2.0}, {.requires_grad = true}), x = tensor({0.0, 1.0});
  Tensor y = w;
  for (int i = 0; i < 100'000; ++i) y = y + x;
  EXPECT_THAT(y.to_vector(), ElementsAre(1, 100'002));
  Tensor loss = y.sum();
  loss.backward();  // runs nothing, but walks everything
  EXPECT_EQ(w.grad().shape(), (Shape{2}));
  w.zero_grad();
}

TEST(Evaluate, AFailedRunLeavesEverythingAsItWas) {
  Variable w(tensor({{1.0, 2.0}, {3.0, 4.0}}), "table");
  Tensor row = w[tensor({5})];
  w.assign(w + row.sum());
  EXPECT_THAT(error_of([&] { w.to_vector(); }), HasSubstr("received 5 at position 0"));
  EXPECT_EQ(kind_of(row), ValueKind::kPending);
  EXPECT_THAT(error_of([&] { row.to_vector(); }), HasSubstr("received 5 at position 0"));
  // The storage that would have been overwritten still holds what it held.
  const internal::ValueRef sum = w.cell()->value()->producer->inputs[0];
  EXPECT_EQ(sum->producer->inputs[0]->array.at(3), 4);
  w.assign(tensor({{1.0, 1.0}, {1.0, 1.0}}));
  EXPECT_FLOAT_EQ(w.sum().item<float>(), 4);
}

TEST(Evaluate, ErrorsNameTheCallOfThisGraph) {
  Embedding words(4, 3, {.name = "words"}), tags(4, 3, {.name = "tags"});
  (words(tensor({1, 2})) * 2).eval();
  (tags(tensor({1, 2})) * 2).eval();  // the same Program
  EXPECT_THAT(error_of([&] { (tags(tensor({1, 9})) * 2).eval(); }),
              testing::AllOf(testing::StartsWith("tags: "), HasSubstr("received 9 at position 1")));
  EXPECT_THAT(error_of([&] { (words(tensor({-7, 0})) * 2).eval(); }),
              testing::AllOf(testing::StartsWith("words: "), HasSubstr("received -7 at position 0")));
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// A step of linear regression by hand.
struct Regression {
  Tensor x = rand({64, 256}), y = rand({64, 64});
  Variable w{zeros({256, 64})}, momentum{zeros({256, 64}), "momentum", false};
  Tensor step() {
    w.zero_grad();
    Tensor loss = (matmul(x, w) - y).square().mean();
    loss.backward();
    NoGradGuard guard;
    momentum.assign(momentum * 0.9 + w.grad());
    w.assign(w - momentum * 0.01);
    internal::run_bindings();
    return loss;
  }
};

#ifdef __SANITIZE_ADDRESS__
constexpr double kQuarantined = 400;  // 256 of freed memory that the sanitizer keeps, and its notes of them
#else
constexpr double kQuarantined = 0;
#endif

TEST(Evaluate, TenThousandStepsThatReadNothingHaveFlatMemory) {
  manual_seed(1);
  Regression regression;
  std::vector<Tensor> losses;
  for (int i = 0; i < 100; ++i) losses.push_back(regression.step());
  const int programs = num_lazy_programs();
  const double before = peak_megabytes();
  for (int i = 0; i < 9'900; ++i) losses.push_back(regression.step());
  EXPECT_EQ(num_lazy_programs(), programs);
  EXPECT_LT(peak_megabytes() - before, 20 + kQuarantined);
  EXPECT_LT(losses.back().item(), losses.front().item());
}

TEST(Evaluate, ReadingTheLossChangesNoBit) {
  auto trained = [](bool read_first, bool read_last) {
    manual_seed(1);
    Regression regression;
    for (int i = 0; i < 20; ++i) {
      regression.w.zero_grad();
      Tensor loss = (matmul(regression.x, regression.w) - regression.y).square().mean();
      if (read_first) loss.item();
      loss.backward();
      if (read_last) loss.item();
      NoGradGuard guard;
      regression.w.assign(regression.w - 0.01 * regression.w.grad());
      internal::run_bindings();
    }
    return regression.w.to_vector();
  };
  std::vector<float> silent = trained(false, false);
  EXPECT_EQ(trained(true, false), silent);
  EXPECT_EQ(trained(false, true), silent);
}

// A recurrent net over random binary trees: the graph of every sample is another one.
class TreeNet {
 public:
  Tensor loss_of_random_tree() { return readout_of(node(1 + static_cast<int>(randint(0, 5, {}).item()))); }
  void step() {
    Tensor loss = loss_of_random_tree();
    for (Variable* w : {&leaf_, &left_, &right_}) w->zero_grad();
    loss.backward();
    NoGradGuard guard;
    for (Variable* w : {&leaf_, &left_, &right_}) {
      if (w->grad().defined()) w->assign(*w - 0.01 * w->grad());
    }
    internal::run_bindings();
  }

 private:
  Tensor node(int leaves) {
    if (leaves == 1) return matmul(tensor({{1.0, 0.5, -0.5, 0.25}}), leaf_).tanh();
    const auto first = 1 + static_cast<int>(randint(0, leaves - 1, {}).item());
    return (matmul(node(first), left_) + matmul(node(leaves - first), right_)).tanh();
  }
  static Tensor readout_of(const Tensor& root) { return (root - 0.5).square().mean(); }

  Variable leaf_{randn({4, 8}) * 0.1}, left_{randn({8, 8}) * 0.1}, right_{randn({8, 8}) * 0.1};
};

TEST(Evaluate, NewTreesOfKnownKernelsCallLlvmNoMore) {
  manual_seed(3);
  TreeNet net;
  for (int i = 0; i < 100; ++i) net.step();
  const std::int64_t kernels = codegen_library().llvm_compilations();
  const int programs = num_lazy_programs();
  for (int i = 0; i < 100; ++i) net.step();
  EXPECT_EQ(codegen_library().llvm_compilations(), kernels);
  RecordProperty("programs", num_lazy_programs() - programs);
}

}  // namespace
}  // namespace mica
