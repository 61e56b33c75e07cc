// Tensors: creation, promotion, shape functions, indexing, einsum; expected values by hand.
#include "frontend/mica/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/error_of.h"

namespace mica {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// 0, 1, 2, … of a shape.
Tensor counting(const Shape& shape) { return arange(0, shape.numel(), 1, {.dtype = kFloat32}).reshape(shape); }

TEST(TensorCreation, FromNestedBraces) {
  EXPECT_EQ(tensor({1, 2, 3}).dtype(), kInt64);
  EXPECT_EQ(tensor({{1.0, 2.0}, {3.0, 4.0}}).shape(), (Shape{2, 2}));
  EXPECT_EQ(tensor({true, false}).dtype(), kBool);
  EXPECT_EQ(tensor({{{{1.0, 2.0}, {3.0, 4.0}}}}).shape(), (Shape{1, 1, 2, 2}));
  EXPECT_EQ(error_of([] { tensor({{1, 2}, {3}}); }), "tensor: expected lists of one length, 2, received 1.");
}

TEST(TensorCreation, SeedsRepeatTheirNumbers) {
  manual_seed(7);
  std::vector<float> first = randn({16}).to_vector(), second = randn({16}).to_vector();
  manual_seed(7);
  EXPECT_EQ(randn({16}).to_vector(), first);
  EXPECT_NE(first, second);
}

TEST(TensorCreation, UniformNumbersAreInRange) {
  manual_seed(1);
  std::vector<float> numbers = rand({1000}).to_vector();
  double sum = 0;
  for (float number : numbers) {
    EXPECT_GE(number, 0);
    EXPECT_LT(number, 1);
    sum += number;
  }
  EXPECT_NEAR(sum / 1000, 0.5, 0.05);
}

TEST(Promotion, NumbersAreWeak) {
  EXPECT_EQ((tensor({1, 2}) * 2).dtype(), kInt64);
  EXPECT_EQ((tensor({1, 2}) * 0.5).dtype(), kFloat32);
  EXPECT_EQ((tensor({1, 2}) / 2).dtype(), kFloat32);
  EXPECT_EQ((tensor({true}) + 1).dtype(), kInt32);
  EXPECT_EQ((ones({1}, {.dtype = kFloat16}) * 2.5).dtype(), kFloat16);
}

TEST(ShapeFunctions, Reshape) {
  Tensor x = counting({2, 6});
  EXPECT_EQ(x.reshape({3, -1}).shape(), (Shape{3, 4}));
  EXPECT_EQ(x.unflatten(1, {2, -1}).shape(), (Shape{2, 2, 3}));
  EXPECT_EQ(x.reshape({2, 1, 6}).squeeze(1).shape(), (Shape{2, 6}));
  EXPECT_THAT(error_of([] { zeros({2, 3}).reshape({4, 2}); }), testing::AllOf(HasSubstr("[2,3]"), HasSubstr("[4,2]")));
}

TEST(Reductions, OverAxes) {
  Tensor x = counting({2, 3});
  EXPECT_THAT(x.sum(0).to_vector(), ElementsAre(3, 5, 7));
  EXPECT_THAT(x.mean(-1).to_vector(), ElementsAre(1, 4));
  EXPECT_EQ(x.mean().item(), 2.5);
  EXPECT_THAT(x.amax({0, 1}).to_vector(), ElementsAre(5));
  EXPECT_THAT(x.argmax(1).to_vector<int>(), ElementsAre(2, 2));
  EXPECT_NEAR(x.var(1).to_vector()[0], 1.0, 1e-6);
}

TEST(Indexing, PositionsRangesAndNewAxes) {
  Tensor x = counting({4, 6});
  EXPECT_THAT(x[1].to_vector(), ElementsAre(6, 7, 8, 9, 10, 11));
  EXPECT_THAT((x[{Slice(1, 4, 2), -1}].to_vector()), ElementsAre(11, 23));
  EXPECT_THAT((x[{kEllipsis, 0}].to_vector()), ElementsAre(0, 6, 12, 18));
  EXPECT_EQ((x[{kNewAxis, kAll, Slice(kNone, kNone, 3)}].shape()), (Shape{1, 4, 2}));
  EXPECT_THAT((x[{0, Slice(kNone, kNone, -2)}].to_vector()), ElementsAre(5, 3, 1));
  EXPECT_THAT(error_of([&] { (void)x[4]; }), HasSubstr("from -4 to 3"));
}

TEST(TensorErrors, NothingHasNoExtreme) {
  const Tensor x = zeros({0, 3});
  EXPECT_EQ(error_of([&] { x.argmax(0); }), "argmax: expected at least 1 element on axis 0, received 0.");
  EXPECT_EQ(error_of([&] { x.max(0); }), "argmax: expected at least 1 element on axis 0, received 0.");
  EXPECT_EQ(error_of([&] { x.amin(); }), "reduce_min: expected at least 1 element on axis 0, received 0.");
  EXPECT_EQ(x.argmax(1).shape(), Shape({0}));  // of each of no rows
  EXPECT_EQ(x.amax({1}).shape(), Shape({0}));
  EXPECT_EQ(x.softmax(0).shape(), Shape({0, 3}));
  EXPECT_THAT(x.logsumexp({0}).to_vector(), ElementsAre(-INFINITY, -INFINITY, -INFINITY));
}

TEST(Indexing, TensorsAndMasks) {
  Tensor x = counting({3, 2});
  EXPECT_THAT(x[tensor({2, 0, -1})].to_vector(), ElementsAre(4, 5, 0, 1, 4, 5));
  EXPECT_THAT(x[x > 2.5].to_vector(), ElementsAre(3, 4, 5));
}

TEST(Einsum, AgreesWithHandComputation) {
  Tensor a = counting({2, 3}), b = counting({3, 2});
  EXPECT_THAT(einsum("ij,jk->ik", {a, b}).to_vector(), ElementsAre(10, 13, 28, 40));
  EXPECT_THAT(einsum("ij->j", {a}).to_vector(), ElementsAre(3, 5, 7));
  EXPECT_THAT(einsum("ij,ij->", {a, a}).to_vector(), ElementsAre(55));
  EXPECT_THAT(einsum("ij->ji", {a}).to_vector(), ElementsAre(0, 3, 1, 4, 2, 5));
  EXPECT_THAT(error_of([&] { einsum("ij,jk->ik", {a, a}); }), HasSubstr("axes labelled j of one size"));
}

TEST(Variables, AreTheOnlyThingThatChanges) {
  Variable v(tensor({1.0, 2.0}), "v");
  Tensor snapshot = v * 1, alias = v;
  v.assign_add(ones({2}));
  EXPECT_THAT(v.to_vector(), ElementsAre(2, 3));
  EXPECT_THAT(alias.to_vector(), ElementsAre(2, 3));
  EXPECT_THAT(snapshot.to_vector(), ElementsAre(1, 2));
  EXPECT_THAT(error_of([&] { v.assign(zeros({3})); }), HasSubstr("v: expected a value of shape [2]"));
  Tensor value = zeros({2});
  EXPECT_THAT(error_of([&] { value.assign(ones({2})); }), HasSubstr("expected a Variable"));
}

TEST(Pending, LongChainsAreComputedAndFreedWithoutRecursion) {
  Tensor x = zeros({1});
  for (int i = 0; i < 20000; ++i) x = x + 0;
  Tensor dropped = x;
  x = Tensor();
  EXPECT_TRUE(dropped.defined());
}

}  // namespace
}  // namespace mica
