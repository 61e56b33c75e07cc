// Mixed policies: layers compute in the compute dtype and keep their variables as they are.
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/mica/layers.h"

namespace mica {
namespace {

// bfloat16 has 8 bits: numbers around 1 are off by up to 0.004, and a few of those errors meet in each result.
constexpr double kTolerance = 0.05;

Tensor output_of(const Layer& layer, const Tensor& x) {
  Tensor input = Input(Shape(std::vector<std::int64_t>(x.shape().begin() + 1, x.shape().end())));
  Model model({input}, {layer(input)});
  for (const Variable& weight : layer.weights()) {
    EXPECT_EQ(weight.dtype(), kFloat32) << weight.path();
    Variable(weight).assign(arange(weight.shape().numel()).to(kFloat32).reshape(weight.shape()) % 7 / 16 - 0.125);
  }
  return model.predict(x);
}

// `make` takes the policy.
template <class Make>
void expect_mixed(Make make, const Shape& shape) {
  manual_seed(3);
  Tensor x = randn(shape);
  Layer mixed = make(DTypePolicy("mixed_bfloat16"));
  SCOPED_TRACE(mixed.class_name());
  Tensor got = output_of(mixed, x), want = output_of(make(DTypePolicy("float32")), x);
  EXPECT_EQ(got.dtype(), kBFloat16);
  std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], kTolerance * (1 + std::abs(b[i]))) << i;
}

TEST(MixedPolicy, RecurrentLayersComputeInHalfPrecision) {
  Shape line{2, 5, 3};
  expect_mixed([](const DTypePolicy& p) { return SimpleRNN(4, {.dtype = p}); }, line);
  expect_mixed([](const DTypePolicy& p) { return LSTM(4, {.return_sequences = true, .dtype = p}); }, line);
  expect_mixed([](const DTypePolicy& p) { return GRU(4, {.dtype = p}); }, line);
  expect_mixed([](const DTypePolicy& p) { return GRU(4, {.reset_after = false, .dtype = p}); }, line);
  expect_mixed([](const DTypePolicy& p) { return Bidirectional(LSTM(4, {.dtype = p}), {.dtype = p}); }, line);
  expect_mixed(
      [](const DTypePolicy& p) { return RNN({LSTMCell(3, {.dtype = p}), GRUCell(2, {.dtype = p})}, {.dtype = p}); },
      line);
  expect_mixed([](const DTypePolicy& p) { return ConvLSTM1D(2, 2, {.dtype = p}); }, {2, 3, 5, 2});
}

TEST(MixedPolicy, ConvolutionsComputeInHalfPrecision) {
  Shape image{2, 5, 6, 3};
  expect_mixed([](const DTypePolicy& p) { return Conv2D(4, 2, {.padding = "same", .dtype = p}); }, image);
  expect_mixed([](const DTypePolicy& p) { return Conv2DTranspose(4, 2, {.strides = 2, .dtype = p}); }, image);
  expect_mixed([](const DTypePolicy& p) { return DepthwiseConv2D(2, {.dtype = p}); }, image);
  expect_mixed([](const DTypePolicy& p) { return SeparableConv2D(4, 2, {.dtype = p}); }, image);
}

// ---------------------------------------------------------------- noise of recurrent cells

// Cells without bias that multiply what their gates let through: a dropped input shows.
template <class Options>
Options bare(double recurrent_dropout) {
  Options options;
  options.activation = "linear";
  options.recurrent_activation = "linear";
  options.use_bias = false;
  options.kernel_initializer = "ones";
  options.recurrent_initializer = "zeros";
  options.dropout = 0.5;
  options.recurrent_dropout = recurrent_dropout;
  return options;
}

double share_of(const Tensor& y, bool (*counts)(double)) {
  double count = 0;
  for (double value : y.to_vector<double>()) count += counts(value) ? 1 : 0;
  return count / static_cast<double>(y.shape().numel());
}

// Keras draws one noise for all gates, and one for each where states are dropped too. Shares of 4096 are off by 0.01.
TEST(RecurrentNoise, EachGateHasItsOwnWhereStatesAreDropped) {
  manual_seed(5);
  Tensor x = ones({4096, 1, 1});
  auto is_kept = [](double value) { return value != 0; };
  EXPECT_NEAR(share_of(LSTM(1, bare<LSTMOptions>(0))(x, {.training = true}), is_kept), 0.5, 0.04);
  EXPECT_NEAR(share_of(LSTM(1, bare<LSTMOptions>(1e-6))(x, {.training = true}), is_kept), 0.125, 0.03);
  auto is_positive = [](double value) { return value > 0; };  // (1 - update) * candidate, each 0 or 2
  for (bool reset_after : {false, true}) {
    GRUOptions shared = bare<GRUOptions>(0), apart = bare<GRUOptions>(1e-6);
    shared.reset_after = apart.reset_after = reset_after;
    EXPECT_EQ(share_of(GRU(1, shared)(x, {.training = true}), is_positive), 0);
    EXPECT_NEAR(share_of(GRU(1, apart)(x, {.training = true}), is_positive), 0.25, 0.04);
  }
}

TEST(RecurrentNoise, EachGateOfAConvLSTMHasItsOwn) {
  manual_seed(6);
  Layer layer = ConvLSTM1D(1, 1, bare<ConvLSTMOptions<1>>(0));
  Tensor y = layer(ones({4096, 1, 1, 1}), {.training = true});
  EXPECT_NEAR(share_of(y, [](double value) { return value != 0; }), 0.125, 0.03);
}

}  // namespace
}  // namespace mica
