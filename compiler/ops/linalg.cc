// Matrix products; what solves systems of equations is in solve.cc, factors are in factor.cc.
#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/factor.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/library.h"
#include "compiler/ops/op_def.h"
#include "compiler/ops/ref_element.h"
#include "compiler/ops/solve.h"

namespace mica::ir {
namespace {

using loop::Expr;
using loop::Exprs;

// The roles of the last two axes of matmul's operands.
struct MatmulAxes {
  int rows, depth_a, depth_b, columns;
  explicit MatmulAxes(const Attrs& attrs)
      : rows(attrs.flag("transpose_a") ? -1 : -2),
        depth_a(attrs.flag("transpose_a") ? -2 : -1),
        depth_b(attrs.flag("transpose_b") ? -1 : -2),
        columns(attrs.flag("transpose_b") ? -2 : -1) {}
};

absl::StatusOr<Types> infer_matmul(const InferContext& c) {
  const TensorType &a = c.operand(0), &b = c.operand(1);
  std::string both = absl::StrCat(a.to_string(), " and ", b.to_string());
  if (a.rank() < 2 || b.rank() < 2 || a.dtype != b.dtype) return expected("two matrices of one dtype", both);
  MatmulAxes axes(c.attrs);
  if (a.dim(axes.depth_a) != b.dim(axes.depth_b)) {
    return expected(absl::StrCat("b to have ", a.dim(axes.depth_a).to_string(), " rows, as many as a has columns"),
                    both);
  }
  absl::StatusOr<Dims> dims = broadcast({a.dims.begin(), a.dims.end() - 2}, {b.dims.begin(), b.dims.end() - 2});
  if (!dims.ok()) return dims.status();
  dims->push_back(a.dim(axes.rows));
  dims->push_back(b.dim(axes.columns));
  return one_result(a.dtype, *std::move(dims));
}

// The index of an operand: broadcast batch axes, then its two last ones, swapped when it is transposed.
template <class Index, class IsOne>
std::vector<Index> matrix_index(const std::vector<Index>& result, std::size_t rank, IsOne is_one, Index zero, Index row,
                                Index column, bool transposed) {
  std::vector<Index> index;
  for (std::size_t i = 0; i + 2 < rank; ++i) index.push_back(is_one(i) ? zero : result[result.size() - rank + i]);
  index.push_back(transposed ? column : row);
  index.push_back(transposed ? row : column);
  return index;
}

Expr define_matmul(const DefineContext& c, int, const Exprs& index) {
  const TensorType& a = c.operands[0];
  DType sums_in = a.dtype.is_floating() && a.dtype.bytes() == 2 ? kFloat32 : a.dtype;
  auto read = [&](int i, const Expr& row, const Expr& column, const char* transposed) {
    const Dims& dims = c.operands[static_cast<std::size_t>(i)].dims;
    auto is_one = [&](std::size_t axis) { return dims[axis].is(1); };
    return loop::cast(
        c.read(i, matrix_index(index, dims.size(), is_one, loop::integer(0), row, column, c.attrs.flag(transposed))),
        sums_in);
  };
  Expr sum = c.reduce(loop::Reducer::kSum, {a.dim(MatmulAxes(c.attrs).depth_a)}, [&](const Exprs& k) {
    return read(0, index[index.size() - 2], k[0], "transpose_a") * read(1, k[0], index.back(), "transpose_b");
  });
  return loop::cast(sum, a.dtype);
}

// Row by row with hoisted strides: this is most of the time of a reference run.
absl::Status reference_matmul(const RefContext& c) {
  const RefTensor &a = *c.operands[0], &b = *c.operands[1];
  RefTensor& out = c.results[0];
  std::int64_t rows = out.dims[out.dims.size() - 2], columns = out.dims.back();
  if (out.numel() == 0) return absl::OkStatus();
  bool ta = c.attrs.flag("transpose_a"), tb = c.attrs.flag("transpose_b");
  std::int64_t depth = ta ? a.dims[a.dims.size() - 2] : a.dims.back();
  std::int64_t row_a = ta ? 1 : depth, step_a = ta ? rows : 1, column_b = tb ? depth : 1, step_b = tb ? 1 : columns;
  double* result = out.data.data();
  Ints batch(out.dims.begin(), out.dims.end() - 2);
  for_each_index(batch, [&](const Ints& index) {
    auto matrix = [&](const RefTensor& x) {
      RefTensor head{x.dtype, {x.dims.begin(), x.dims.end() - 2}, {}};
      std::size_t skip = index.size() - head.dims.size();
      Ints own;
      for (std::size_t i = 0; i < head.dims.size(); ++i) own.push_back(head.dims[i] == 1 ? 0 : index[skip + i]);
      return x.data.data() + flat_index(head.dims, own) * x.dims[x.dims.size() - 2] * x.dims.back();
    };
    const double *left = matrix(a), *right = matrix(b);
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        double sum = 0;
        for (std::int64_t k = 0; k < depth; ++k) sum += left[i * row_a + k * step_a] * right[k * step_b + j * column_b];
        *result++ = sum;
      }
    }
  });
  return absl::OkStatus();
}

// c = a b: da = g bT, db = aT g, each again with the transposes of its own operand.
Values vjp_matmul(Builder& b, Node& node, const Values& grads) {
  Value x = node.operand(0), y = node.operand(1), g = grads[0];
  bool tx = node.attrs().flag("transpose_a"), ty = node.attrs().flag("transpose_b");
  Value dx = tx ? b.matmul(y, g, ty, true) : b.matmul(g, y, false, !ty);
  Value dy = ty ? b.matmul(g, x, true, tx) : b.matmul(x, g, !tx, false);
  return {dx, dy};
}

bool library_takes_floats(const Node& node) { return library_has(node.operand(0).dtype()); }

}  // namespace

void add_linalg_ops(Registry& r) {
  r.add(Op("matmul")
            .doc("Product of the matrices in the last two axes; leading axes broadcast.")
            .mirrors("keras.ops.matmul")
            .input("a", "number", "[…, m, k], or […, k, m] with transpose_a")
            .input("b", "number", "[…, k, n], or […, n, k] with transpose_b")
            .attr("transpose_a", false, "swap the last two axes of a first")
            .attr("transpose_b", false, "swap the last two axes of b first")
            .fusion(FusionClass::kContraction)
            .infer(infer_matmul)
            .define(define_matmul)
            .reference(reference_matmul)
            .vjp(vjp_matmul)
            .library(
                {"onednn.matmul", library_takes_floats, {"relu", "tanh", "sigmoid", "gelu", "silu", "add", "multiply"}})
            .sample({.operands = {"f32[3,5]", "f32[5,7]"}})
            .sample({.operands = {"f32[N,17]", "f32[17,33]"}, .bindings = {{"N", 3}}})
            .sample({.operands = {"f32[2,5,3]", "f32[5,4]"}, .attrs = {{"transpose_a", true}}})
            .sample({.operands = {"f32[2,1,3,5]", "f32[4,6,5]"}, .attrs = {{"transpose_b", true}}})
            .sample({.operands = {"f32[5,3]", "f32[4,5]"}, .attrs = {{"transpose_a", true}, {"transpose_b", true}}})
            .sample({.operands = {"f32[3,0]", "f32[0,2]"}})
            .fixture("torch:t_matmul"));
  add_solve_ops(r);
  add_factor_ops(r);
}

}  // namespace mica::ir
