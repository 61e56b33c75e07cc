// torch.linalg's factors of matrices: values and gradients of PyTorch, which tests/fixtures/linalg has in float64,
// where they do not depend on the free signs of vectors; and what any factors must fulfil.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using Json = nlohmann::json;

Tensor tensor_of(const Json& packed, bool requires_grad = false) {
  return tensor(packed["values"].get<std::vector<double>>(), Shape(packed["shape"].get<std::vector<std::int64_t>>()),
                {.requires_grad = requires_grad});
}

// What PyTorch's cases compare of a function.
Tensors results_of(const Json& c, const Tensors& x) {
  const std::string function = c["function"];
  if (function == "qr") {
    linalg::QR f = linalg::qr(x[0], {.mode = c["options"]["mode"]});
    return {f.Q, f.R};
  }
  if (function == "eigh") {
    linalg::Eigh f = linalg::eigh(x[0], {.UPLO = c["options"]["UPLO"]});
    return {f.eigenvalues, f.eigenvectors.square()};
  }
  if (function == "svd") {
    linalg::SVD f = linalg::svd(x[0], {.full_matrices = false});
    return {f.S, f.U.square(), f.Vh.square(), f.U.matmul(f.Vh)};
  }
  if (function == "pinv") return {linalg::pinv(x[0])};
  linalg::LeastSquares f = linalg::lstsq(x[0], x[1]);
  return {f.solution, f.rank};
}

void expect_close(const Tensor& got, const Json& want, const std::string& what) {
  ASSERT_EQ(got.shape(), Shape(want["shape"].get<std::vector<std::int64_t>>())) << what;
  const std::vector<double> values = got.to_vector<double>(), expected = want["values"];
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], 1e-9 * (1 + std::abs(expected[i]))) << what << "[" << i << "]";
}

Tensor weights_of(const Tensor& x) {
  std::vector<double> weights;
  for (std::int64_t i = 0; i < x.numel(); ++i) weights.push_back(static_cast<double>(i * 5 % 9 - 4) / 4);
  return tensor(weights, x.shape());
}

TEST(Factors, AreThoseOfPyTorch) {
  std::ifstream file(MICA_SOURCE_DIR "/tests/fixtures/linalg/cases.json");
  const Json cases = Json::parse(file);
  ASSERT_GT(cases.size(), 20U);
  for (const Json& c : cases) {
    Tensors inputs;
    for (const Json& input : c["inputs"]) inputs.push_back(tensor_of(input, /*requires_grad=*/true));
    const Tensors results = results_of(c, inputs);
    const std::string name = c["function"].get<std::string>() + " of " + c["inputs"][0]["shape"].dump();
    Tensor loss = tensor(std::vector<double>{0}, {});
    for (std::size_t i = 0; i < results.size(); ++i) {
      expect_close(results[i], c["results"][i], name + " " + std::to_string(i));
      if (results[i].dtype() == kFloat64) loss = loss + (results[i] * weights_of(results[i])).sum();
    }
    if (c["gradients"].empty()) continue;
    loss.backward();
    for (std::size_t i = 0; i < inputs.size(); ++i)
      expect_close(inputs[i].grad(), c["gradients"][i], name + " gradient");
  }
}

double largest(const Tensor& x) { return x.abs().max().item(); }
Tensor identity(std::int64_t n) { return eye(n, {.dtype = kFloat64}); }

// Rank 2 of 3, and an empty last column.
Tensor deficient() { return tensor(std::vector<double>{1, 2, 0, 2, 4, 0, 1, 0, 0, 3, 2, 0}, {4, 3}); }

TEST(Factors, FullSingularVectorsAreOrthonormalWhateverTheRank) {
  for (const Tensor& a : {deficient(), deficient().t(), zeros({3, 2}, {.dtype = kFloat64})}) {
    auto [u, s, vh] = linalg::svd(a);
    EXPECT_EQ(u.shape(), (Shape{a.size(0), a.size(0)}));
    EXPECT_EQ(vh.shape(), (Shape{a.size(1), a.size(1)}));
    EXPECT_LT(largest(u.t().matmul(u) - identity(a.size(0))), 1e-12);
    EXPECT_LT(largest(vh.matmul(vh.t()) - identity(a.size(1))), 1e-12);
    const std::int64_t k = s.size(0);
    Tensor product = (u.narrow(1, 0, k) * s).matmul(vh.narrow(0, 0, k));
    EXPECT_LT(largest(product - a), 1e-12);
  }
}

TEST(Factors, LeastSquaresOfADeficientMatrixIsTheShortestSolution) {
  linalg::LeastSquares fit = linalg::lstsq(deficient(), tensor(std::vector<double>{1, 2, 3, 4}, {4}));
  EXPECT_EQ(fit.rank.item<std::int64_t>(), 2);
  EXPECT_EQ(fit.solution.shape(), (Shape{3}));
  EXPECT_NEAR(fit.solution[2].item(), 0, 1e-12);
}

TEST(Factors, OfKerasHaveItsNames) {
  Tensor a = tensor({{3.0, 1.0}, {4.0, 2.0}});
  Tensors qr = ops::qr(a), svd = ops::svd(a), eigh = ops::eigh(a);
  EXPECT_NEAR(qr[1].matmul(tensor({{1.0}, {0.0}}))[0].item(), -5, 1e-5);
  EXPECT_NEAR(svd[1].prod().item(), 2, 1e-5);
  EXPECT_NEAR(eigh[0].sum().item(), 5, 1e-5);
  EXPECT_NEAR(ops::lstsq(a, tensor({{5.0}, {8.0}}))[0].item(), 1, 1e-5);
}

// What the model computes of x, for which its sizes were open.
Tensors computed(const Tensor& symbolic, const Tensors& results, const Tensor& x) {
  return Model({symbolic}, results, {}).predict_all(x);
}
Tensor drawn(const Shape& shape) {
  manual_seed(7);
  return randn(shape);
}
Tensor transposed(const Tensor& x) { return x.transpose(-1, -2); }

TEST(Factors, OfMatricesWhoseRowsAreOpen) {
  Tensor x = Input({kAny, 3}, {.name = "x"});
  linalg::QR qr = linalg::qr(x);
  linalg::SVD svd = linalg::svd(x, {.full_matrices = false});
  for (std::int64_t rows : {3, 5}) {
    const Tensor a = drawn({2, rows, 3});
    const Tensors f = computed(x, {qr.Q, qr.R, svd.U, svd.S, svd.Vh, linalg::pinv(x)}, a);
    EXPECT_LT(largest(f[0].matmul(f[1]) - a), 1e-5);
    EXPECT_LT(largest((f[2] * f[3].unsqueeze(-2)).matmul(f[4]) - a), 1e-5);
    EXPECT_LT(largest(f[5].matmul(a) - eye(3)), 1e-4);
  }
}

TEST(Factors, OfSquareMatricesOfOpenSize) {
  Tensor x = Input({kAny, 4}, {.name = "x"});
  Tensor gram = x.matmul(transposed(x));
  linalg::Eigh eigh = linalg::eigh(gram);
  linalg::QR qr = linalg::qr(gram, {.mode = "complete"});
  const Tensors results = {
      gram, linalg::cholesky(gram), linalg::inv(gram), linalg::det(gram), eigh.eigenvalues, eigh.eigenvectors, qr.Q,
      qr.R, linalg::solve(gram, x)};
  const Tensors f = computed(x, results, drawn({2, 3, 4}));
  EXPECT_LT(largest(f[1].matmul(transposed(f[1])) - f[0]), 1e-4);
  EXPECT_LT(largest(f[2].matmul(f[0]) - eye(3)), 1e-3);
  EXPECT_LT(largest(f[4].prod(-1) / f[3] - 1), 1e-3);
  EXPECT_LT(largest(f[0].matmul(f[5]) - f[5] * f[4].unsqueeze(-2)), 1e-4);
  EXPECT_LT(largest(f[6].matmul(f[7]) - f[0]), 1e-4);
  EXPECT_LT(largest(f[0].matmul(f[8]) - drawn({2, 3, 4})), 1e-3);
}

TEST(FactorsErrors, OfMatricesWhoseSidesCannotBeCompared) {
  Tensor x = Input({kAny, kAny}, {.name = "x"});
  EXPECT_EQ(error_of([&] { linalg::svd(x); }),
            "linalg::svd: expected matrices of which it is known whether they have more rows or columns, received "
            "f32[N,x_1,x_2]. The operation is svd.");
  EXPECT_EQ(error_of([&] { linalg::det(x); }), "det: expected square matrices, received f32[N,x_1,x_2].");
  EXPECT_EQ(error_of([&] { linalg::lstsq(x, x); }),
            "linalg::lstsq: expected matrices of known size, received f32[?,?,?].");
  Tensor tall = Input({kAny, 3}, {.name = "tall"});
  Model model({tall}, {linalg::qr(tall).R}, {});
  EXPECT_EQ(error_of([&] { model.predict(zeros({1, 2, 3})); }),
            "qr: expected at least 3 elements on axis 1, received 2.");
}

TEST(Factors, RefuseChoicesThatPyTorchHasNot) {
  EXPECT_THROW(linalg::qr(deficient(), {.mode = "raw"}), Error);
  EXPECT_THROW(linalg::eigh(identity(2), {.UPLO = "X"}), Error);
}

}  // namespace
}  // namespace mica
