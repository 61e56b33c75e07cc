#include "compiler/ops/factor_kernels.h"

#include <cmath>
#include <limits>

#include "compiler/ops/kernel_builder.h"
#include "compiler/ops/matrices.h"

namespace mica::ir {
namespace {

using loop::BufferRef;
using loop::Expr;
using loop::Exprs;
using loop::ScalarOp;
using loop::StmtRef;

// Rotations converge quadratically once a matrix is nearly diagonal: large ones need ten sweeps.
constexpr std::int64_t kSweeps = 16;

Expr root(const Expr& x) { return loop::op(ScalarOp::k_sqrt, {x}); }
Expr size(const Expr& x) { return loop::op(ScalarOp::k_abs, {x}); }
Expr add_to(const BufferRef& sum, const Expr& x) { return value_of(sum) + x; }

// What is too small beside the larger numbers of its dtype to be worth a rotation.
double negligible(DType dtype) {
  return dtype == kFloat64 ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon() / 8;
}

// ---- householder

Dims reflections_of(const TensorType& a) {
  Dims dims = batch_of(a);
  dims.push_back(Sides(a).least());
  return dims;
}

absl::StatusOr<Types> infer_householder(const InferContext& c) {
  const TensorType& a = c.operand(0);
  return Types{a, {a.dtype, reflections_of(a)}};
}

// Each column is reflected onto its first element: 1 - tau v vᵀ with v = (1, below), which stays below the diagonal.
loop::Kernel householder_kernel(const Node& node) {
  KernelBuilder k(node);
  const TensorType& type = node.operand(0).type();
  const Expr m = loop::dim(type.dim(-2)), n = loop::dim(type.dim(-1));
  const Expr reflections = loop::dim(node.result_types()[1].dims.back());
  return k.rows(batch_of(type), [&](const Exprs& batch) -> Statements {
    const MatrixAt in{k.param(0), batch}, a{k.result(0), batch};
    const BufferRef tau = k.result(1);
    BufferRef rest = scalar("rest", type.dtype), lead = scalar("lead", type.dtype), sum = scalar("sum", type.dtype);
    StmtRef copy = k.each({type.dim(-2), type.dim(-1)},
                          [&](const Exprs& i) -> Statements { return {a.set(i[0], i[1], in(i[0], i[1]))}; });
    StmtRef reflect = count("j", reflections, [&](const Expr& j) -> Statements {
      const Exprs at = concatenated(batch, {j});
      const Expr below = m - j - 1;
      auto row = [&](const Expr& i) { return j + 1 + i; };
      StmtRef squares = count("i", below, [&](const Expr& i) -> Statements {
        return {set(rest, add_to(rest, a(row(i), j) * a(row(i), j)))};
      });
      Expr alpha = a(j, j), norm = root(alpha * alpha + value_of(rest));
      Expr beta = loop::select(loop::lt(alpha, loop::constant(0, type.dtype)), norm, -norm);
      StmtRef scale = count("i", below, [&](const Expr& i) -> Statements {
        return {a.set(row(i), j, a(row(i), j) / (alpha - value_of(lead)))};
      });
      StmtRef make = loop::block({set(lead, beta), loop::store(tau, at, (value_of(lead) - alpha) / value_of(lead)),
                                  scale, a.set(j, j, value_of(lead))});
      StmtRef others = count("c", n - j - 1, [&](const Expr& c) -> Statements {
        const Expr col = j + 1 + c;
        StmtRef product = count("i", below, [&](const Expr& i) -> Statements {
          return {set(sum, add_to(sum, a(row(i), j) * a(row(i), col)))};
        });
        StmtRef subtract = count("i", below, [&](const Expr& i) -> Statements {
          return {a.set(row(i), col, a(row(i), col) - a(row(i), j) * value_of(sum))};
        });
        return {set(sum, a(j, col)), product, set(sum, value_of(sum) * loop::load(tau, at)),
                a.set(j, col, a(j, col) - value_of(sum)), subtract};
      });
      return {set(rest, loop::constant(0, type.dtype)), loop::store(tau, at, loop::constant(0, type.dtype)), squares,
              loop::if_then(loop::op(ScalarOp::k_ne, {value_of(rest), loop::constant(0, type.dtype)}), make), others};
    });
    return {loop::alloc(rest), loop::alloc(lead), loop::alloc(sum), copy, reflect};
  });
}

absl::Status reference_householder(const RefContext& c) {
  const std::int64_t m = c.operands[0]->dims.end()[-2], n = c.operands[0]->dims.back(), k = std::min(m, n);
  c.results[0].data = c.operands[0]->data;
  for_each_matrix(*c.operands[0], [&](std::int64_t number) {
    double *a = c.results[0].data.data() + number * m * n, *tau = c.results[1].data.data() + number * k;
    for (std::int64_t j = 0; j < k; ++j) {
      double rest = 0;
      for (std::int64_t i = j + 1; i < m; ++i) rest += a[i * n + j] * a[i * n + j];
      if (rest == 0) continue;
      const double alpha = a[j * n + j], beta = -std::copysign(std::sqrt(alpha * alpha + rest), alpha < 0 ? -1.0 : 1.0);
      tau[j] = (beta - alpha) / beta;
      for (std::int64_t i = j + 1; i < m; ++i) a[i * n + j] /= alpha - beta;
      a[j * n + j] = beta;
      for (std::int64_t col = j + 1; col < n; ++col) {
        double sum = a[j * n + col];
        for (std::int64_t i = j + 1; i < m; ++i) sum += a[i * n + j] * a[i * n + col];
        a[j * n + col] -= tau[j] * sum;
        for (std::int64_t i = j + 1; i < m; ++i) a[i * n + col] -= tau[j] * sum * a[i * n + j];
      }
    }
  });
  return absl::OkStatus();
}

// ---- householder_columns

absl::StatusOr<Types> infer_columns(const InferContext& c) {
  Dims dims = c.operand(0).dims;
  dims.back() = c.attrs.get<Dims>("columns").at(0);
  return Types{{c.operand(0).dtype, dims}};
}

// The columns of the identity through all reflections, the last one first. They are independent.
loop::Kernel columns_kernel(const Node& node) {
  KernelBuilder k(node);
  const TensorType &type = node.operand(0).type(), &made = node.result_types()[0];
  const Expr m = loop::dim(type.dim(-2)), reflections = loop::dim(node.operand(1).dims().back());
  Dims columns = batch_of(type);
  columns.push_back(made.dim(-1));
  return k.rows(columns, [&](const Exprs& column) -> Statements {
    const Exprs batch(column.begin(), column.end() - 1);
    const MatrixAt a{k.param(0), batch}, q{k.result(0), batch};
    const Expr col = column.back();
    BufferRef sum = scalar("sum", type.dtype);
    StmtRef identity = count("i", m, [&](const Expr& i) -> Statements {
      Expr one = loop::constant(1, type.dtype), zero = loop::constant(0, type.dtype);
      return {q.set(i, col, loop::select(loop::eq(i, col), one, zero))};
    });
    StmtRef reflect = count("step", reflections, [&](const Expr& step) -> Statements {
      const Expr j = reflections - 1 - step, below = m - j - 1;
      auto row = [&](const Expr& i) { return j + 1 + i; };
      StmtRef product = count("i", below, [&](const Expr& i) -> Statements {
        return {set(sum, add_to(sum, a(row(i), j) * q(row(i), col)))};
      });
      StmtRef subtract = count("i", below, [&](const Expr& i) -> Statements {
        return {q.set(row(i), col, q(row(i), col) - a(row(i), j) * value_of(sum))};
      });
      return {set(sum, q(j, col)), product, set(sum, value_of(sum) * loop::load(k.param(1), concatenated(batch, {j}))),
              q.set(j, col, q(j, col) - value_of(sum)), subtract};
    });
    return {loop::alloc(sum), identity, reflect};
  });
}

absl::Status reference_columns(const RefContext& c) {
  const RefTensor &factors = *c.operands[0], &taus = *c.operands[1];
  const std::int64_t m = factors.dims.end()[-2], n = factors.dims.back(), k = taus.dims.back();
  const std::int64_t columns = c.results[0].dims.back();
  for_each_matrix(factors, [&](std::int64_t number) {
    const double *a = factors.data.data() + number * m * n, *tau = taus.data.data() + number * k;
    double* q = c.results[0].data.data() + number * m * columns;
    for (std::int64_t col = 0; col < columns; ++col) {
      for (std::int64_t i = 0; i < m; ++i) q[i * columns + col] = i == col;
      for (std::int64_t j = k; j-- > 0;) {
        double sum = q[j * columns + col];
        for (std::int64_t i = j + 1; i < m; ++i) sum += a[i * n + j] * q[i * columns + col];
        q[j * columns + col] -= tau[j] * sum;
        for (std::int64_t i = j + 1; i < m; ++i) q[i * columns + col] -= tau[j] * sum * a[i * n + j];
      }
    }
  });
  return absl::OkStatus();
}

// ---- jacobi rotations

// Cosine and sine that take (x, y) to (c x - s y, s x + c y), from zeta, the cotangent of twice their angle.
struct Rotation {
  BufferRef c, s, t;
  explicit Rotation(DType dtype) : c(scalar("c", dtype)), s(scalar("s", dtype)), t(scalar("t", dtype)) {}

  Statements declared() const { return {loop::alloc(c), loop::alloc(s), loop::alloc(t)}; }
  Statements from(const Expr& zeta) const {
    Expr one = loop::constant(1, zeta->dtype), zero = loop::constant(0, zeta->dtype);
    Expr tangent = one / (size(zeta) + root(zeta * zeta + one));
    return {set(t, loop::select(loop::lt(zeta, zero), -tangent, tangent)),
            set(c, one / root(value_of(t) * value_of(t) + one)), set(s, value_of(c) * value_of(t))};
  }
  // Of two elements; `held` keeps the first meanwhile.
  Statements turn(const BufferRef& buffer, const Exprs& x, const Exprs& y, const BufferRef& held) const {
    Expr second = loop::load(buffer, y);
    return {set(held, loop::load(buffer, x)),
            loop::store(buffer, x, value_of(c) * value_of(held) - value_of(s) * second),
            loop::store(buffer, y, value_of(s) * value_of(held) + value_of(c) * second)};
  }
};

struct PlainRotation {
  double c, s;
  explicit PlainRotation(double zeta) {
    const double t = std::copysign(1, zeta < 0 ? -1.0 : 1.0) / (std::fabs(zeta) + std::sqrt(zeta * zeta + 1));
    c = 1 / std::sqrt(t * t + 1);
    s = c * t;
  }
  void turn(double& x, double& y) const {
    const double first = x;
    x = c * first - s * y;
    y = s * first + c * y;
  }
};

// Every pair of columns in each sweep.
StmtRef sweeps(const Expr& n, const std::function<Statements(const Expr& p, const Expr& q)>& pair) {
  return count("sweep", loop::integer(kSweeps, kInt64), [&](const Expr&) -> Statements {
    return {count("p", n, [&](const Expr& p) -> Statements {
      return {count("o", n - p - 1, [&](const Expr& o) { return pair(p, p + 1 + o); })};
    })};
  });
}

void sweeps(std::int64_t n, const std::function<void(std::int64_t p, std::int64_t q)>& pair) {
  for (std::int64_t sweep = 0; sweep < kSweeps; ++sweep) {
    for (std::int64_t p = 0; p < n; ++p) {
      for (std::int64_t q = p + 1; q < n; ++q) pair(p, q);
    }
  }
}

StmtRef set_identity(KernelBuilder& k, const MatrixAt& v, const Dim& n) {
  Expr one = loop::constant(1, v.buffer->dtype), zero = loop::constant(0, v.buffer->dtype);
  return k.each({n, n}, [&](const Exprs& i) -> Statements {
    return {v.set(i[0], i[1], loop::select(loop::eq(i[0], i[1]), one, zero))};
  });
}

StmtRef copied(KernelBuilder& k, const MatrixAt& from, const MatrixAt& to, const TensorType& type) {
  return k.each({type.dim(-2), type.dim(-1)},
                [&](const Exprs& i) -> Statements { return {to.set(i[0], i[1], from(i[0], i[1]))}; });
}

Statements joined(Statements a, const Statements& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// ---- jacobi_eigh

// A Vᵀ-rotated until it is diagonal, and V.
loop::Kernel eigh_kernel(const Node& node) {
  KernelBuilder k(node);
  const TensorType& type = node.operand(0).type();
  const Expr n = loop::dim(type.dim(-1));
  return k.rows(batch_of(type), [&](const Exprs& batch) -> Statements {
    const MatrixAt in{k.param(0), batch}, d{k.result(0), batch}, v{k.result(1), batch};
    const Rotation rotation(type.dtype);
    BufferRef held = scalar("held", type.dtype);
    StmtRef all = sweeps(n, [&](const Expr& p, const Expr& q) -> Statements {
      Expr off = d(p, q), zeta = (d(q, q) - d(p, p)) / (off * loop::constant(2, type.dtype));
      auto columns = [&](const MatrixAt& of) {
        return count("i", n,
                     [&](const Expr& i) { return rotation.turn(of.buffer, of.place(i, p), of.place(i, q), held); });
      };
      StmtRef rows =
          count("i", n, [&](const Expr& i) { return rotation.turn(d.buffer, d.place(p, i), d.place(q, i), held); });
      Statements turn = joined(rotation.from(zeta), {columns(d), rows, columns(v)});
      Expr least = (size(d(p, p)) + size(d(q, q))) * loop::constant(negligible(type.dtype), type.dtype);
      return {loop::if_then(loop::lt(least, size(off)), loop::block(std::move(turn)))};
    });
    return joined(rotation.declared(),
                  {loop::alloc(held), copied(k, in, d, type), set_identity(k, v, type.dim(-1)), all});
  });
}

absl::Status reference_eigh(const RefContext& c) {
  const std::int64_t n = c.operands[0]->dims.back();
  c.results[0].data = c.operands[0]->data;
  for_each_matrix(*c.operands[0], [&](std::int64_t number) {
    double *d = c.results[0].data.data() + number * n * n, *v = c.results[1].data.data() + number * n * n;
    for (std::int64_t i = 0; i < n; ++i) v[i * n + i] = 1;
    sweeps(n, [&](std::int64_t p, std::int64_t q) {
      const double off = d[p * n + q], beside = std::fabs(d[p * n + p]) + std::fabs(d[q * n + q]);
      if (!(std::fabs(off) > beside * negligible(kFloat64))) return;
      const PlainRotation rotation((d[q * n + q] - d[p * n + p]) / (2 * off));
      for (std::int64_t i = 0; i < n; ++i) rotation.turn(d[i * n + p], d[i * n + q]);
      for (std::int64_t i = 0; i < n; ++i) rotation.turn(d[p * n + i], d[q * n + i]);
      for (std::int64_t i = 0; i < n; ++i) rotation.turn(v[i * n + p], v[i * n + q]);
    });
  });
  return absl::OkStatus();
}

// ---- jacobi_svd

absl::StatusOr<Types> infer_jacobi_svd(const InferContext& c) {
  Dims square = c.operand(0).dims;
  square[square.size() - 2] = square.back();
  return Types{c.operand(0), {c.operand(0).dtype, square}};
}

// The columns of A rotated until they are orthogonal, A V = U S, and V.
loop::Kernel svd_kernel(const Node& node) {
  KernelBuilder k(node);
  const TensorType& type = node.operand(0).type();
  const Expr m = loop::dim(type.dim(-2)), n = loop::dim(type.dim(-1));
  return k.rows(batch_of(type), [&](const Exprs& batch) -> Statements {
    const MatrixAt in{k.param(0), batch}, w{k.result(0), batch}, v{k.result(1), batch};
    const Rotation rotation(type.dtype);
    const Expr zero = loop::constant(0, type.dtype);
    BufferRef held = scalar("held", type.dtype), first = scalar("first", type.dtype);
    BufferRef second = scalar("second", type.dtype), product = scalar("product", type.dtype);
    StmtRef all = sweeps(n, [&](const Expr& p, const Expr& q) -> Statements {
      StmtRef sums = count("i", m, [&](const Expr& i) -> Statements {
        return {set(first, add_to(first, w(i, p) * w(i, p))), set(second, add_to(second, w(i, q) * w(i, q))),
                set(product, add_to(product, w(i, p) * w(i, q)))};
      });
      auto columns = [&](const MatrixAt& of, const Expr& rows) {
        return count("i", rows,
                     [&](const Expr& i) { return rotation.turn(of.buffer, of.place(i, p), of.place(i, q), held); });
      };
      Expr zeta = (value_of(second) - value_of(first)) / (value_of(product) * loop::constant(2, type.dtype));
      Statements turn = joined(rotation.from(zeta), {columns(w, m), columns(v, n)});
      Expr least = root(value_of(first)) * root(value_of(second)) * loop::constant(negligible(type.dtype), type.dtype);
      return {set(first, zero), set(second, zero), set(product, zero), sums,
              loop::if_then(loop::lt(least, size(value_of(product))), loop::block(std::move(turn)))};
    });
    return joined(rotation.declared(),
                  {loop::alloc(held), loop::alloc(first), loop::alloc(second), loop::alloc(product),
                   copied(k, in, w, type), set_identity(k, v, type.dim(-1)), all});
  });
}

absl::Status reference_svd(const RefContext& c) {
  const std::int64_t m = c.operands[0]->dims.end()[-2], n = c.operands[0]->dims.back();
  c.results[0].data = c.operands[0]->data;
  for_each_matrix(*c.operands[0], [&](std::int64_t number) {
    double *w = c.results[0].data.data() + number * m * n, *v = c.results[1].data.data() + number * n * n;
    for (std::int64_t i = 0; i < n; ++i) v[i * n + i] = 1;
    sweeps(n, [&](std::int64_t p, std::int64_t q) {
      double first = 0, second = 0, product = 0;
      for (std::int64_t i = 0; i < m; ++i) {
        first += w[i * n + p] * w[i * n + p];
        second += w[i * n + q] * w[i * n + q];
        product += w[i * n + p] * w[i * n + q];
      }
      if (!(std::fabs(product) > std::sqrt(first) * std::sqrt(second) * negligible(kFloat64))) return;
      const PlainRotation rotation((second - first) / (2 * product));
      for (std::int64_t i = 0; i < m; ++i) rotation.turn(w[i * n + p], w[i * n + q]);
      for (std::int64_t i = 0; i < n; ++i) rotation.turn(v[i * n + p], v[i * n + q]);
    });
  });
  return absl::OkStatus();
}

Op internal_op(std::string_view name) {
  Op op(name);
  op.input("a", "float", "[…, m, n]")
      .not_differentiable("made by others, which have gradients of their own")
      .internal();
  return op;
}

}  // namespace

void add_factor_kernel_ops(Registry& r) {
  r.add(internal_op("householder")
            .doc("The reflections that make a an upper triangle, as vectors below its diagonal, and their factors.")
            .infer(infer_householder)
            .kernel(householder_kernel)
            .reference(reference_householder));
  r.add(internal_op("householder_columns")
            .doc("The first columns of the product of reflections.")
            .input("tau", "float")
            .required_attr("columns", Dims{}, "how many, a list of 1")
            .infer(infer_columns)
            .kernel(columns_kernel)
            .reference(reference_columns));
  r.add(internal_op("jacobi_eigh")
            .doc("A symmetric matrix rotated until it is diagonal, and the rotations.")
            .infer([](const InferContext& c) -> absl::StatusOr<Types> { return Types{c.operand(0), c.operand(0)}; })
            .kernel(eigh_kernel)
            .reference(reference_eigh));
  r.add(internal_op("jacobi_svd")
            .doc("A matrix whose columns are rotated until they are orthogonal, and the rotations.")
            .infer(infer_jacobi_svd)
            .kernel(svd_kernel)
            .reference(reference_svd));
}

}  // namespace mica::ir
