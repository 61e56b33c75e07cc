// compile(function): one Program for each signature of the inputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/mica/autograd.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(CompiledFunction, IsTracedOncePerSignature) {
  int traces = 0;
  CompiledFunction f = compile([&](const Tensor& x) {
    ++traces;
    return x * x + 1;
  });
  EXPECT_EQ(f.compilations(), 0);
  EXPECT_THAT(f(tensor({1.0, 2.0})).to_vector(), ElementsAre(2, 5));
  EXPECT_THAT(f(tensor({3.0, 4.0}) * 1).to_vector(), ElementsAre(10, 17));
  EXPECT_EQ(f.compilations(), 1);
  EXPECT_THAT(f(tensor({1.0, 2.0, 3.0})).to_vector(), ElementsAre(2, 5, 10));
  EXPECT_THAT(f(tensor({1, 2})).to_vector<int>(), ElementsAre(2, 5));
  EXPECT_EQ(f.compilations(), 3);
  EXPECT_EQ(traces, 3);
}

TEST(CompiledFunction, HasSeveralInputsAndResults) {
  CompiledFunction f = compile([](const Tensors& xs) { return Tensors{xs[0] + xs[1], xs[0] * xs[1]}; });
  Tensors results = f.apply({tensor({1.0, 2.0}), tensor({3.0, 4.0})});
  EXPECT_THAT(results[0].to_vector(), ElementsAre(4, 6));
  EXPECT_THAT(results[1].to_vector(), ElementsAre(3, 8));
  EXPECT_THAT(error_of([&] { f({tensor({1.0}), tensor({2.0})}); }),
              HasSubstr("expected one result, received 2 results"));
}

TEST(CompiledFunction, ReadsVariablesAtEveryCall) {
  Variable w(tensor({2.0}));
  CompiledFunction f = compile([&](const Tensor& x) { return x * w; });
  EXPECT_THAT(f(tensor({3.0})).to_vector(), ElementsAre(6));
  w.assign(tensor({5.0}));
  EXPECT_THAT(f(tensor({3.0})).to_vector(), ElementsAre(15));
  EXPECT_EQ(f.compilations(), 1);
}

TEST(CompiledFunction, MayDifferentiateInside) {
  CompiledFunction slope = compile([](const Tensor& x) { return grad((x * x * x).sum(), x); });
  EXPECT_THAT(slope(tensor({1.0, 2.0})).to_vector(), ElementsAre(3, 12));
  CompiledFunction step = compile([](const Tensors& p) {
    auto [value, grads] = value_and_grad([](const Tensors& q) { return q[0].square().sum(); })(p);
    return Tensors{value, p[0] - 0.5 * grads[0]};
  });
  Tensors results = step.apply(tensor({3.0, 4.0}));
  EXPECT_FLOAT_EQ(results[0].item<float>(), 25);
  EXPECT_THAT(results[1].to_vector(), ElementsAre(0, 0));
}

}  // namespace
}  // namespace mica
