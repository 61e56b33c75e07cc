// Expressions of the Loop IR: what one element of a kernel is. Immutable and shared; integers index, floats compute.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/graph/dim.h"
#include "runtime/dtype.h"

namespace mica::loop {

// One line an operation: name, arity, class, double evaluator. See scalar_ops.def.
enum class ScalarOp : std::uint8_t {
#define MICA_SCALAR_OP(name, ...) k_##name,
#include "compiler/loop/scalar_ops.def"
#undef MICA_SCALAR_OP
};
enum class ScalarClass : std::uint8_t {
  kSame,     // operands and result share one dtype
  kCompare,  // operands share one dtype, the result is bool
  kSelect,   // bool, then two of the result's dtype; both are evaluated, so their loads must be in bounds
};
struct ScalarOpInfo {
  const char* name;
  int arity;
  ScalarClass type_rule;
  double (*evaluate)(
      const double* operands);  // the meaning, in double; integers go through the interpreter's own exact path
};
const ScalarOpInfo& info(ScalarOp op);
// Computed by a polynomial: an order of magnitude more than an addition.
bool is_transcendental(ScalarOp op);
std::optional<ScalarOp> find_scalar_op(std::string_view name);

enum class Reducer : std::uint8_t { kSum, kProd, kMax, kMin, kAny, kAll };
const char* to_string(Reducer reducer);

struct Buffer;  // kernel.h
struct Var;

struct ExprNode;
using Expr = std::shared_ptr<const ExprNode>;
using Exprs = std::vector<Expr>;

enum class ExprKind : std::uint8_t {
  kConst,    // number (double for floats, int64 for integers and bool)
  kVar,      // a loop variable or a let; i64 unless it is a let of another dtype
  kDim,      // a symbolic extent, i64
  kLoad,     // buffer[index…], one index an axis
  kOp,       // a ScalarOp
  kCast,     // to dtype; float to integer truncates toward zero and saturates, NaN gives 0
  kBitcast,  // same width
  kReduce,  // definitions only (see ops/op_def.h): fold `args[0]` over `vars` × `extents`; lowering turns it into loops
  kRead,    // definitions only: operand `slot` of the node at index…; lowering turns it into a load or the producer's
            // definition
};

struct ExprNode {
  ExprKind kind;
  DType dtype = kInt64;
  ScalarOp op{};
  Reducer reducer{};
  double number = 0;
  std::int64_t integer = 0;
  ir::Dim dim;
  std::shared_ptr<const Var> var;
  std::shared_ptr<const Buffer> buffer;
  int slot = 0;
  Exprs args;  // operands, or indices
  std::vector<std::shared_ptr<const Var>> vars;
  std::vector<ir::Dim> extents;
};

struct Var {
  std::string name;
  DType dtype = kInt64;
};
using VarRef = std::shared_ptr<const Var>;
VarRef make_var(std::string name, DType dtype = kInt64);

// Makers. They fold what is free to fold (x+0, x*1, constants, dims, (a*n+b)/n; see fold.cc), so that index arithmetic
// stays short. Floats fold only where no bit changes.
Expr constant(double value, DType dtype);
Expr integer(std::int64_t value, DType dtype = kInt64);
Expr var(const VarRef& v);
Expr dim(const ir::Dim& d);  // an integer when static
Expr load(const std::shared_ptr<const Buffer>& buffer, Exprs index);
Expr read(int slot, DType dtype, Exprs index);
Expr op(ScalarOp op, Exprs operands);
Expr cast(const Expr& x, DType dtype);
Expr bitcast(const Expr& x, DType dtype);
Expr reduce(Reducer reducer, std::vector<VarRef> vars, std::vector<ir::Dim> extents, const Expr& body);
Expr select(const Expr& condition, const Expr& a, const Expr& b);

// Operators take equal dtypes. Integer division and remainder round toward minus infinity. Comparisons are named
// functions: an Expr is a pointer, and `a == b` on it means identity.
Expr operator+(const Expr& a, const Expr& b);
Expr operator-(const Expr& a, const Expr& b);
Expr operator*(const Expr& a, const Expr& b);
Expr operator/(const Expr& a, const Expr& b);
Expr operator%(const Expr& a, const Expr& b);
Expr operator-(const Expr& a);
Expr lt(const Expr& a, const Expr& b);
Expr le(const Expr& a, const Expr& b);
Expr eq(const Expr& a, const Expr& b);
Expr logical_and(const Expr& a, const Expr& b);
Expr logical_or(const Expr& a, const Expr& b);
Expr min(const Expr& a, const Expr& b);
Expr max(const Expr& a, const Expr& b);
inline Expr operator+(const Expr& a, std::int64_t b) { return a + integer(b, a->dtype); }
inline Expr operator-(const Expr& a, std::int64_t b) { return a - integer(b, a->dtype); }
inline Expr operator*(const Expr& a, std::int64_t b) { return a * integer(b, a->dtype); }
inline Expr operator/(const Expr& a, std::int64_t b) { return a / integer(b, a->dtype); }
inline Expr operator%(const Expr& a, std::int64_t b) { return a % integer(b, a->dtype); }

std::optional<std::int64_t> as_integer(const Expr& e);  // of an integer constant
bool equal(const Expr& a, const Expr& b);               // structural
// From the root down, each node once: `replace` gives the new expression, taken as it is, or null to go on into the
// operands. What changes is rebuilt by the makers.
Expr rewrite(const Expr& e, const std::function<Expr(const Expr&)>& replace);
Expr substitute(const Expr& e, const VarRef& v, const Expr& value);
void visit(const Expr& e, const std::function<void(const ExprNode&)>& f);
// e == coefficient * v + rest with neither depending on v; nothing when e is not affine in v.
struct Affine {
  Expr coefficient, rest;
};
std::optional<Affine> affine_in(const Expr& e, const VarRef& v);
std::string to_string(const Expr& e);

}  // namespace mica::loop
