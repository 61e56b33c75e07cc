#include "runtime/library.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "runtime/cpu.h"
#include "runtime/error.h"
#include "runtime/library_plan.h"
#include "tests/runtime/library_testing.h"

namespace mica::rt {
namespace {

// Products of values uniform in [-1, 1] have deviation 1/3, so a partial sum of k of them is about sqrt(k)/3 and the
// roundings of k such sums add up like a random walk to about k/3 units of 2^-24; four times that for the largest of
// many elements.
double tolerance_for(std::int64_t terms) { return std::ldexp(8 + 4.0 * static_cast<double>(terms) / 3, -24); }

// --- matmul
// -----------------------------------------------------------------------------------------------------------------------------

std::vector<double> naive_matmul(const Array& a, const Array& b, bool ta, bool tb, std::int64_t batches, std::int64_t m,
                                 std::int64_t k, std::int64_t n) {
  std::vector<double> out;
  const bool a_batched = a.numel() == batches * m * k, b_batched = b.numel() == batches * k * n;
  for (std::int64_t s = 0; s < batches; ++s) {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::int64_t l = 0; l < k; ++l) {
          sum += a.at((a_batched ? s * m * k : 0) + (ta ? l * m + i : i * k + l)) *
                 b.at((b_batched ? s * k * n : 0) + (tb ? j * k + l : l * n + j));
        }
        out.push_back(sum);
      }
    }
  }
  return out;
}

struct MatmulCase {
  Dims a, b, out;
  bool ta = false, tb = false;
};

class Matmul : public testing::TestWithParam<MatmulCase> {};

TEST_P(Matmul, EqualsTheDoubleLoops) {
  const auto& [a_dims, b_dims, out_dims, ta, tb] = GetParam();
  const Array a = random_floats(a_dims, 1), b = random_floats(b_dims, 2), out = random_floats(out_dims, 3);
  const std::int64_t m = out_dims[out_dims.size() - 2], n = out_dims.back(), k = a_dims[a_dims.size() - (ta ? 2 : 1)];
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  call.transpose_a = ta;
  call.transpose_b = tb;
  run_call(call, {a, b, out});
  expect_near(out, naive_matmul(a, b, ta, tb, out.numel() / (m * n), m, k, n), tolerance_for(k));
}

INSTANTIATE_TEST_SUITE_P(Shapes, Matmul,
                         testing::Values(MatmulCase{{3, 5}, {5, 7}, {3, 7}}, MatmulCase{{1, 64}, {64, 33}, {1, 33}},
                                         MatmulCase{{5, 3}, {5, 7}, {3, 7}, true},
                                         MatmulCase{{3, 5}, {7, 5}, {3, 7}, false, true},
                                         MatmulCase{{5, 3}, {7, 5}, {3, 7}, true, true},
                                         MatmulCase{{130, 100}, {100, 300}, {130, 300}},  // cut in rows and columns
                                         MatmulCase{{100, 130}, {300, 100}, {130, 300}, true, true},
                                         MatmulCase{{60, 1100}, {60, 20}, {1100, 20}, true},  // rows of a transposed a
                                         MatmulCase{{2100, 40}, {40, 50}, {2100, 50}},        // cut in rows
                                         MatmulCase{{4, 9, 20}, {20, 30}, {4, 9, 30}},  // batch axes join the rows
                                         MatmulCase{{12, 33, 20}, {12, 20, 65}, {12, 33, 65}},  // a batch of products
                                         MatmulCase{{2, 6, 33, 20}, {2, 6, 65, 20}, {2, 6, 33, 65}, false, true},
                                         MatmulCase{{5, 20, 3}, {20, 4}, {5, 3, 4}, true}));

TEST(MatmulEpilogue, BiasActivationAndOperandsOfEveryShape) {
  const std::int64_t m = 70, k = 90, n = 260;
  const Array a = random_floats({m, k}, 1), b = random_floats({k, n}, 2), bias = random_floats({n}, 3),
              full = random_floats({m, n}, 4), column = random_floats({n}, 5), scalar = random_floats({}, 6),
              out = random_floats({m, n}, 7);
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  call.has_bias = 1;
  run_call(call, {a, b, bias, full, column, scalar, out},
           {unary("tanh"), binary("add"), binary("multiply"), binary("maximum")});
  std::vector<double> expected = naive_matmul(a, b, false, false, 1, m, k, n);
  for (std::int64_t i = 0; i < m * n; ++i) {
    double& v = expected[static_cast<std::size_t>(i)];
    v = std::max((std::tanh(v + bias.at(i % n)) + full.at(i)) * column.at(i % n), scalar.at(0));
  }
  expect_near(out, expected, 2 * tolerance_for(k));
}

class Epilogue : public testing::TestWithParam<UnaryCase> {};
TEST_P(Epilogue, IsTheFunctionOfItsName) {
  const auto& [op, alpha, beta, function] = GetParam();
  const Array a = random_floats({20, 9}, 1), b = random_floats({9, 31}, 2), out = random_floats({20, 31}, 3);
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  std::vector<double> expected = naive_matmul(a, b, false, false, 1, 20, 9, 31);
  std::vector<MicaEpilogue> epilogues;
  if (std::string_view(op) == "sqrt") {  // of something positive
    epilogues.push_back(unary("abs"));
    for (double& value : expected) value = std::fabs(value);
  }
  epilogues.push_back(unary(op, alpha, beta));
  for (double& value : expected) value = function(value);
  run_call(call, {a, b, out}, epilogues);
  const double tolerance =
      std::string_view(op) == "sqrt" ? 1e-3 : 4e-6;  // the root of a sum near zero amplifies its rounding
  expect_near(out, expected, tolerance);
}
INSTANTIATE_TEST_SUITE_P(Unary, Epilogue, testing::ValuesIn(unary_cases()),
                         [](const auto& test) { return test.param.op; });

TEST(MatmulEpilogue, SumAddsToWhatIsThere) {
  const Array a = random_floats({4, 9}, 1), b = random_floats({9, 5}, 2), out = random_floats({4, 5}, 3);
  std::vector<double> expected = naive_matmul(a, b, false, false, 1, 4, 9, 5);
  for (int i = 0; i < 20; ++i) expected[static_cast<std::size_t>(i)] += out.at(i);
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  run(*make_library_step(request_of(call, {a, b, out}, {unary("sum")})), {a, b, out});
  expect_near(out, expected, tolerance_for(9));
}

TEST(MatmulPacked, PackedWeightsGiveTheSameProduct) {
  for (const bool tb : {false, true}) {
    const std::int64_t m = 70, k = 90, n = 300;
    const Array a = random_floats({m, k}, 1), b = random_floats(tb ? Dims{n, k} : Dims{k, n}, 2),
                out = random_floats({m, n}, 3);
    MicaLibraryCall call = {}, pack = {};
    call.kind = MICA_MATMUL;
    call.transpose_b = tb;
    call.packed = 1;
    pack.kind = MICA_PACK_MATMUL;
    const auto step = make_library_step(request_of(call, {a, b, out}));
    const Array packed = Array::zeros(kUInt8, {step->packed_layout().bytes});
    run(*make_pack_step(request_of(pack, {b, b}), *step), {b, packed});
    run(*step, {a, packed, out});
    expect_near(out, naive_matmul(a, b, false, tb, 1, m, k, n), tolerance_for(k));
    EXPECT_EQ(step->packed_layout().text, make_library_step(request_of(call, {a, b, out}))->packed_layout().text);
  }
}

// --- convolution
// ------------------------------------------------------------------------------------------------------------------------

struct ConvCase {
  Dims x, kernel;
  Dims strides, dilations, pad_low, pad_high;
  std::int64_t groups = 1;
};

std::int64_t windows(const ConvCase& c, std::size_t axis) {
  const std::int64_t reach = (c.kernel[axis] - 1) * c.dilations[axis] + 1;
  return (c.x[axis + 1] + c.pad_low[axis] + c.pad_high[axis] - reach) / c.strides[axis] + 1;
}
Dims result_dims(const ConvCase& c) {
  Dims dims = {c.x[0]};
  for (std::size_t i = 0; i < c.strides.size(); ++i) dims.push_back(windows(c, i));
  dims.push_back(c.kernel.back());
  return dims;
}
MicaLibraryCall conv_call(const ConvCase& c, MicaLibraryKind kind) {
  MicaLibraryCall call = {};
  call.kind = static_cast<std::uint8_t>(kind);
  call.spatial_rank = static_cast<std::uint8_t>(c.strides.size());
  for (std::size_t i = 0; i < c.strides.size(); ++i) {
    call.strides[i] = c.strides[i];
    call.dilations[i] = c.dilations[i];
    call.pad_low[i] = c.pad_low[i];
    call.pad_high[i] = c.pad_high[i];
  }
  call.groups = c.groups;
  return call;
}

// Calls visit(position in x, in the kernel, in y) for every product of the convolution.
template <class F>
void for_each_product(const ConvCase& c, F&& visit) {
  const Dims y = result_dims(c);
  const std::size_t rank = c.strides.size();
  const std::int64_t inputs = c.kernel[rank], outputs = c.kernel[rank + 1];
  const auto count = [](const Dims& dims, std::size_t from, std::size_t to) {
    std::int64_t n = 1;
    for (std::size_t i = from; i < to; ++i) n *= dims[i];
    return n;
  };
  for (std::int64_t image = 0; image < y[0]; ++image) {
    for (std::int64_t p = 0; p < count(y, 1, rank + 1); ++p) {
      for (std::int64_t w = 0; w < count(c.kernel, 0, rank); ++w) {
        std::int64_t rest_p = p, rest_w = w, x_position = 0, scale = 1;
        bool inside = true;
        for (std::size_t i = rank; i-- > 0;) {
          const std::int64_t at =
              rest_p % y[i + 1] * c.strides[i] + rest_w % c.kernel[i] * c.dilations[i] - c.pad_low[i];
          rest_p /= y[i + 1];
          rest_w /= c.kernel[i];
          inside = inside && at >= 0 && at < c.x[i + 1];
          x_position += at * scale;
          scale *= c.x[i + 1];
        }
        if (!inside) continue;
        for (std::int64_t o = 0; o < outputs; ++o) {
          for (std::int64_t i = 0; i < inputs; ++i) {
            const std::int64_t channel = o / (outputs / c.groups) * inputs + i;
            visit((image * scale + x_position) * inputs * c.groups + channel, (w * inputs + i) * outputs + o,
                  (image * count(y, 1, rank + 1) + p) * outputs + o);
          }
        }
      }
    }
  }
}

std::int64_t product(const Dims& dims) {
  std::int64_t n = 1;
  for (const std::int64_t d : dims) n *= d;
  return n;
}

class Convolution : public testing::TestWithParam<ConvCase> {};

TEST_P(Convolution, ForwardEqualsTheDoubleLoops) {
  const ConvCase& c = GetParam();
  const Array x = random_floats(c.x, 1), kernel = random_floats(c.kernel, 2), y = random_floats(result_dims(c), 3);
  std::vector<double> expected(static_cast<std::size_t>(y.numel()));
  for_each_product(c, [&](auto i, auto k, auto o) { expected[static_cast<std::size_t>(o)] += x.at(i) * kernel.at(k); });
  run_call(conv_call(c, MICA_CONV), {x, kernel, y});
  expect_near(y, expected, tolerance_for(product(c.kernel) / c.kernel.back()));
}

TEST_P(Convolution, PackedEqualsPlain) {
  const ConvCase& c = GetParam();
  const Array x = random_floats(c.x, 1), kernel = random_floats(c.kernel, 2), y = random_floats(result_dims(c), 3);
  std::vector<double> expected(static_cast<std::size_t>(y.numel()));
  for_each_product(c, [&](auto i, auto k, auto o) { expected[static_cast<std::size_t>(o)] += x.at(i) * kernel.at(k); });
  MicaLibraryCall call = conv_call(c, MICA_CONV);
  call.packed = 1;
  const auto step = make_library_step(request_of(call, {x, kernel, y}));
  const Array packed = Array::zeros(kUInt8, {step->packed_layout().bytes});
  run(*make_pack_step(request_of(conv_call(c, MICA_PACK_CONV), {kernel, kernel}), *step), {kernel, packed});
  run(*step, {x, packed, y});
  expect_near(y, expected, tolerance_for(product(c.kernel) / c.kernel.back()));
}

TEST_P(Convolution, GradientOfTheInput) {
  const ConvCase& c = GetParam();
  const Array dy = random_floats(result_dims(c), 1), kernel = random_floats(c.kernel, 2), dx = random_floats(c.x, 3);
  std::vector<double> expected(static_cast<std::size_t>(dx.numel()));
  for_each_product(c,
                   [&](auto i, auto k, auto o) { expected[static_cast<std::size_t>(i)] += dy.at(o) * kernel.at(k); });
  run_call(conv_call(c, MICA_CONV_GRAD_INPUT), {dy, kernel, dx});
  expect_near(dx, expected, tolerance_for(product(c.kernel)));
}

TEST_P(Convolution, TransposedConvolutionWithBiasAndEpilogues) {
  const ConvCase& c = GetParam();
  const std::int64_t channels = c.x.back();
  const Array dy = random_floats(result_dims(c), 1), kernel = random_floats(c.kernel, 2),
              bias = random_floats({channels}, 4), other = random_floats(c.x, 5), dx = random_floats(c.x, 3);
  std::vector<double> expected(static_cast<std::size_t>(dx.numel()));
  for_each_product(c,
                   [&](auto i, auto k, auto o) { expected[static_cast<std::size_t>(i)] += dy.at(o) * kernel.at(k); });
  for (std::int64_t i = 0; i < dx.numel(); ++i) {
    double& v = expected[static_cast<std::size_t>(i)];
    v = std::max(v + bias.at(i % channels), 0.0) + other.at(i);
  }
  MicaLibraryCall call = conv_call(c, MICA_CONV_GRAD_INPUT);
  call.has_bias = 1;
  run(*make_library_step(request_of(call, {dy, kernel, bias, other, dx}, {unary("relu"), binary("add")})),
      {dy, kernel, bias, other, dx});
  expect_near(dx, expected, tolerance_for(product(c.kernel)));
}

TEST_P(Convolution, GradientOfTheKernel) {
  const ConvCase& c = GetParam();
  const Array x = random_floats(c.x, 1), dy = random_floats(result_dims(c), 2), dkernel = random_floats(c.kernel, 3);
  std::vector<double> expected(static_cast<std::size_t>(dkernel.numel()));
  for_each_product(c, [&](auto i, auto k, auto o) { expected[static_cast<std::size_t>(k)] += x.at(i) * dy.at(o); });
  run_call(conv_call(c, MICA_CONV_GRAD_KERNEL), {x, dy, dkernel});
  expect_near(dkernel, expected, tolerance_for(product(result_dims(c)) / c.kernel.back()));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Convolution,
    testing::Values(ConvCase{{2, 9, 4}, {3, 4, 6}, {2}, {2}, {1}, {2}},  // 1D, dilated, padded unevenly
                    ConvCase{{3, 7, 6, 3}, {3, 2, 3, 4}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
                    ConvCase{{2, 9, 8, 16}, {3, 3, 16, 20}, {2, 1}, {1, 1}, {1, 1}, {1, 2}},
                    ConvCase{{2, 8, 8, 12}, {3, 3, 4, 18}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3},   // groups
                    ConvCase{{2, 8, 8, 12}, {3, 3, 1, 12}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 12},  // depthwise
                    ConvCase{{1, 5, 6, 7, 2}, {2, 3, 2, 2, 3}, {1, 2, 1}, {1, 1, 1}, {0, 1, 0}, {1, 1, 0}},  // 3D
                    ConvCase{
                        {1, 30, 17, 16}, {3, 3, 16, 32}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},  // one image: cut in rows
                    ConvCase{{1, 31, 17, 16}, {5, 3, 16, 32}, {2, 1}, {2, 1}, {3, 0}, {4, 0}},
                    ConvCase{{20, 10, 10, 8}, {3, 3, 8, 16}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},  // cut in images
                    ConvCase{{4, 12, 12, 1}, {3, 3, 1, 8}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}));

TEST(ConvolutionEpilogue, BiasChannelsAndResidual) {
  const ConvCase c{{2, 12, 9, 16}, {3, 3, 16, 24}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  const Dims out_dims = result_dims(c);
  const Array x = random_floats(c.x, 1), kernel = random_floats(c.kernel, 2), bias = random_floats({1, 1, 24}, 3),
              scale = random_floats({24}, 4), residual = random_floats(out_dims, 5), y = random_floats(out_dims, 6);
  std::vector<double> expected(static_cast<std::size_t>(y.numel()));
  for_each_product(c, [&](auto i, auto k, auto o) { expected[static_cast<std::size_t>(o)] += x.at(i) * kernel.at(k); });
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    double& v = expected[static_cast<std::size_t>(i)];
    v = std::max((v + bias.at(i % 24)) * scale.at(i % 24) + residual.at(i), 0.0);
  }
  MicaLibraryCall call = conv_call(c, MICA_CONV);
  call.has_bias = 1;
  run_call(call, {x, kernel, bias, scale, residual, y}, {binary("multiply"), binary("add"), unary("relu")});
  expect_near(y, expected, 2 * tolerance_for(9 * 16));
}

// --- the interface
// ----------------------------------------------------------------------------------------------------------------------

TEST(LibraryStep, SeveralThreadsRunOneStep) {
  const Array a = random_floats({64, 200}, 1), b = random_floats({200, 300}, 2);
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  const Array expected = random_floats({64, 300}, 3);
  const auto step = make_library_step(request_of(call, {a, b, expected}));
  run(*step, {a, b, expected});
  set_num_threads(2);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      const Array out = random_floats({64, 300}, 4);
      for (int round = 0; round < 10; ++round) {
        run(*step, {a, b, out});
        wrong += std::memcmp(out.data(), expected.data(), static_cast<std::size_t>(out.bytes())) != 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  set_num_threads(1);
  EXPECT_EQ(wrong, 0);
}

TEST(LibraryStep, ARefusedCallNamesItself) {
  const Array a = Array::zeros(kFloat64, {3, 4}), b = Array::zeros(kFloat64, {4, 5}),
              out = Array::zeros(kFloat64, {3, 5});
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  try {
    make_library_step(request_of(call, {a, b, out}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.where(), "layer");
    EXPECT_EQ(error.received(), "matmul(f64[3,4], f64[4,5], f64[3,5])");
  }
}

TEST(LibraryStep, AnUnknownEpilogueIsAnError) {
  const Array a = random_floats({3, 4}, 1), b = random_floats({4, 5}, 1), out = random_floats({3, 5}, 1);
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  EXPECT_THROW(make_library_step(request_of(call, {a, b, out}, {unary("frobnicate")})), Error);
}

TEST(LibraryStep, AnEmptyBatchIsNoWork) {
  const Array a = Array::zeros(kFloat32, {0, 4}), b = random_floats({4, 5}, 1), out = Array::zeros(kFloat32, {0, 5});
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  const auto step = make_library_step(request_of(call, {a, b, out}));
  run(*step, {a, b, out});
  EXPECT_EQ(step->implementation(), "empty");
}

TEST(LibraryStep, ASumOverNothingIsZero) {
  const Array a = Array::zeros(kFloat32, {3, 0}), b = Array::zeros(kFloat32, {0, 5}), out = random_floats({3, 5}, 1);
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  run(*make_library_step(request_of(call, {a, b, out})), {a, b, out});
  expect_near(out, std::vector<double>(15, 0.0), 0);
}

TEST(LibraryStep, BFloat16IsRoundedOnceAtTheEnd) {
  if (!cpu_features().avx512) GTEST_SKIP() << "NOT TESTED: oneDNN multiplies bfloat16 on AVX-512 alone";
  const Array a = random_floats({9, 64}, 1).cast(kBFloat16), b = random_floats({64, 33}, 2).cast(kBFloat16);
  const Array out = Array::zeros(kBFloat16, {9, 33});
  MicaLibraryCall call = {};
  call.kind = MICA_MATMUL;
  run(*make_library_step(request_of(call, {a, b, out})), {a, b, out});
  expect_near(out, naive_matmul(a, b, false, false, 1, 9, 64, 33), 1.0 / 256);  // half a unit of 8 significant bits
}

TEST(LibraryImplementation, CommonShapesGetFastKernels) {
  const auto implementation = [](const ConvCase& c, MicaLibraryKind kind) {
    const Array x = Array::zeros(kFloat32, c.x), kernel = Array::zeros(kFloat32, c.kernel),
                y = Array::zeros(kFloat32, result_dims(c));
    const std::vector<Array> arrays = kind == MICA_CONV              ? std::vector{x, kernel, y}
                                      : kind == MICA_CONV_GRAD_INPUT ? std::vector{y, kernel, x}
                                                                     : std::vector{x, y, kernel};
    return library_implementation(request_of(conv_call(c, kind), arrays));
  };
  const ConvCase hidden{{16, 14, 14, 32}, {3, 3, 32, 64}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  for (const MicaLibraryKind kind : {MICA_CONV, MICA_CONV_GRAD_INPUT, MICA_CONV_GRAD_KERNEL}) {
    const std::string name = implementation(hidden, kind);
    EXPECT_TRUE(name.starts_with("brg") || name.starts_with("jit")) << name;
  }
  const ConvCase first{{16, 28, 28, 1}, {3, 3, 1, 32}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  EXPECT_TRUE(implementation(first, MICA_CONV).starts_with("jit")) << implementation(first, MICA_CONV);

  MicaLibraryCall weights_gradient = {};
  weights_gradient.kind = MICA_MATMUL;
  weights_gradient.transpose_a = 1;
  const std::string name = library_implementation(request_of(
      weights_gradient,
      {Array::zeros(kFloat32, {128, 1600}), Array::zeros(kFloat32, {128, 10}), Array::zeros(kFloat32, {1600, 10})}));
  EXPECT_TRUE(name.starts_with("brg") || !cpu_features().avx512) << name;
}

}  // namespace
}  // namespace mica::rt
