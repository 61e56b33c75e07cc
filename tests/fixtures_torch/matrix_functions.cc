// torch.* and torch.linalg.* functions of matrices and vectors.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);

Function of_one(const char* parameter, Unary function) {
  return {{parameter}, [=](Call& c) -> Tensors { return {function(c.tensor(parameter))}; }};
}
Function of_two(const char* first, const char* second, Binary function) {
  return {{first, second}, [=](Call& c) -> Tensors { return {function(c.tensor(first), c.tensor(second))}; }};
}

void add_products(Table& t) {
  t["torch.matmul"] = of_two("input", "other", matmul);
  t["torch.bmm"] = of_two("input", "mat2", bmm);
  t["torch.dot"] = of_two("input", "other", dot);
  t["torch.outer"] = of_two("input", "vec2", outer);
  t["torch.kron"] = of_two("input", "other", kron);
  t["torch.addmm"] = {{"input", "mat1", "mat2"}, [](Call& c) -> Tensors {
                        return {addmm(c.tensor("input"), c.tensor("mat1"), c.tensor("mat2"),
                                      {.beta = c.number("beta", 1), .alpha = c.number("alpha", 1)})};
                      }};
  t["torch.baddbmm"] = {{"input", "batch1", "batch2"}, [](Call& c) -> Tensors {
                          return {baddbmm(c.tensor("input"), c.tensor("batch1"), c.tensor("batch2"),
                                          {.beta = c.number("beta", 1), .alpha = c.number("alpha", 1)})};
                        }};
  t["torch.tensordot"] = {{"a", "b", "dims"}, [](Call& c) -> Tensors {
                            if (!c.is_list("dims")) {
                              return {tensordot(c.tensor("a"), c.tensor("b"), static_cast<int>(c.integer("dims", 2)))};
                            }
                            std::vector<std::int64_t> lists[2];
                            for (std::size_t i = 0; i < 2; ++i) {
                              for (const Argument& dim : c.argument("dims").items[i].items) {
                                lists[i].push_back(dim.integer());
                              }
                            }
                            return {tensordot(c.tensor("a"), c.tensor("b"), lists[0], lists[1])};
                          }};
  t["torch.einsum"] = {{"equation", "operands"},
                       [](Call& c) -> Tensors { return {einsum(c.text("equation", ""), c.tensor_list("operands"))}; }};
  t["torch.cdist"] = {{"x1", "x2", "p"},
                      [](Call& c) -> Tensors { return {cdist(c.tensor("x1"), c.tensor("x2"), c.number("p", 2))}; }};
}

void add_diagonals(Table& t) {
  t["torch.trace"] = of_one("input", trace);
  t["torch.diag"] = {{"input", "diagonal"},
                     [](Call& c) -> Tensors { return {diag(c.tensor("input"), c.dim("diagonal", 0))}; }};
  t["torch.diag_embed"] = {{"input", "offset"},
                           [](Call& c) -> Tensors { return {diag_embed(c.tensor("input"), c.dim("offset", 0))}; }};
  t["torch.diagonal"] = {{"input", "offset", "dim1", "dim2"}, [](Call& c) -> Tensors {
                           return {diagonal(c.tensor("input"), c.dim("offset", 0), c.dim("dim1", 0), c.dim("dim2", 1))};
                         }};
}

void add_linear_algebra(Table& t) {
  t["torch.linalg.cholesky"] = of_one("A", linalg::cholesky);
  t["torch.linalg.inv"] = of_one("A", linalg::inv);
  t["torch.linalg.det"] = of_one("A", linalg::det);
  t["torch.linalg.solve"] = of_two("A", "B", linalg::solve);
  t["torch.linalg.vector_norm"] = {
      {"x", "ord", "dim", "keepdim"}, [](Call& c) -> Tensors {
        return {linalg::vector_norm(c.tensor("x"),
                                    {.ord = c.number("ord", 2), .dim = c.axes(), .keepdim = c.flag("keepdim")})};
      }};
  t["torch.linalg.matrix_norm"] = {{"x"}, [](Call& c) -> Tensors { return {linalg::matrix_norm(c.tensor("x"))}; }};
}

}  // namespace

void add_matrix_functions(Table& table) {
  add_products(table);
  add_diagonals(table);
  add_linear_algebra(table);
}

}  // namespace mica::torch_fixtures
