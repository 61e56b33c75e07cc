// Expressions.
#include <algorithm>

#include "compiler/codegen/emit_llvm.h"
#include "compiler/loop/scalar_eval.h"
#include "runtime/error.h"

namespace mica::codegen {

using llvm::Value;
using loop::Expr;
using loop::ExprKind;
using loop::ExprNode;
using loop::ScalarOp;

Lanes KernelEmitter::emit_expr(const Expr& e) {
  if (auto found = emitted_.find(e.get()); found != emitted_.end()) return found->second;
  Lanes result = emit_node(*e);
  emitted_[e.get()] = result;
  return result;
}

Lanes KernelEmitter::emit_node(const ExprNode& e) {
  switch (e.kind) {
    case ExprKind::kConst:
      return {constant(e)};
    case ExprKind::kVar: {
      auto found = vars_.find(e.var.get());
      MICA_CHECK(found != vars_.end()) << "variable " << e.var->name << " out of scope";
      return found->second;
    }
    case ExprKind::kDim:
      return {emit_dim(e.dim)};
    case ExprKind::kLoad:
      return emit_load(e);
    case ExprKind::kOp:
      return emit_op(e);
    case ExprKind::kCast:
      return apply({emit_expr(e.args[0])},
                   [&](llvm::ArrayRef<Value*> x) { return scalars_.cast(x[0], e.args[0]->dtype, e.dtype); });
    case ExprKind::kBitcast:
      return apply({emit_expr(e.args[0])},
                   [&](llvm::ArrayRef<Value*> x) { return scalars_.bitcast(x[0], e.args[0]->dtype, e.dtype); });
    default:
      MICA_CHECK(false) << "an expression of definitions reached code generation";
      return {};
  }
}

Value* KernelEmitter::constant(const ExprNode& e) {
  llvm::Type* type = scalars_.register_type(e.dtype);
  if (e.dtype == kBFloat16) return llvm::ConstantInt::get(type, loop::float_to_bits(e.number, kBFloat16));
  if (e.dtype.is_floating()) return llvm::ConstantFP::get(type, e.number);
  return llvm::ConstantInt::get(type, static_cast<std::uint64_t>(e.integer), !e.dtype.is_unsigned());
}

Lanes KernelEmitter::emit_op(const ExprNode& e) {
  if (auto affine = emit_affine(e)) return *affine;
  if (auto contracted = emit_contracted(e)) return *contracted;
  if (auto division = emit_natural_division(e)) return *division;
  std::vector<Lanes> operands;
  for (const Expr& operand : e.args) operands.push_back(emit_expr(operand));
  return apply(operands, [&](llvm::ArrayRef<Value*> x) { return scalars_.op(e.op, e.args.back()->dtype, x); });
}

// Sums and multiples of `scalar + lane * step` keep that form.
std::optional<Lanes> KernelEmitter::emit_affine(const ExprNode& e) {
  if (e.dtype != kInt64 || lanes_.count == 1) return std::nullopt;
  const bool sum = e.op == ScalarOp::k_add || e.op == ScalarOp::k_sub;
  if (!sum && e.op != ScalarOp::k_mul) return std::nullopt;
  Lanes a = emit_expr(e.args[0]), b = emit_expr(e.args[1]);
  if (a.is_vector() || b.is_vector()) return std::nullopt;
  if (sum) {
    const bool minus = e.op == ScalarOp::k_sub;
    return Lanes{minus ? b_.CreateSub(a.value, b.value) : b_.CreateAdd(a.value, b.value),
                 minus ? a.step - b.step : a.step + b.step};
  }
  if (a.step != 0) std::swap(a, b);
  if (b.step == 0) return Lanes{b_.CreateMul(a.value, b.value)};
  auto* factor = llvm::dyn_cast<llvm::ConstantInt>(a.value);
  if (a.step != 0 || factor == nullptr) return std::nullopt;
  return Lanes{b_.CreateMul(factor, b.value), factor->getSExtValue() * b.step};
}

// a*b + c is one fma, decided by the expression alone.
std::optional<Lanes> KernelEmitter::emit_contracted(const ExprNode& e) {
  const bool minus = e.op == ScalarOp::k_sub;
  if ((e.op != ScalarOp::k_add && !minus) || (e.dtype != kFloat32 && e.dtype != kFloat64)) return std::nullopt;
  auto fma = [&](bool negate_product, bool negate_addend) {
    return [this, negate_product, negate_addend](llvm::ArrayRef<Value*> x) {
      return scalars_.fma(negate_product ? b_.CreateFNeg(x[0]) : x[0], x[1],
                          negate_addend ? b_.CreateFNeg(x[2]) : x[2]);
    };
  };
  if (auto product = as_product(e.args[0])) {
    return apply({product->a, product->b, emit_expr(e.args[1])}, fma(false, minus));
  }
  if (auto product = as_product(e.args[1])) {
    return apply({product->a, product->b, emit_expr(e.args[0])}, fma(minus, false));
  }
  return std::nullopt;
}

std::optional<KernelEmitter::Product> KernelEmitter::as_product(const Expr& e) {
  if (e->dtype != kFloat32 && e->dtype != kFloat64) return std::nullopt;
  if (e->kind == ExprKind::kVar) {
    auto found = product_vars_.find(e->var.get());
    if (found == product_vars_.end()) return std::nullopt;
    return found->second;
  }
  if (e->kind != ExprKind::kOp || e->op != ScalarOp::k_mul) return std::nullopt;
  return Product{emit_expr(e->args[0]), emit_expr(e->args[1])};
}

// Index arithmetic: without the cases of negative operands and of a zero divisor.
std::optional<Lanes> KernelEmitter::emit_natural_division(const ExprNode& e) {
  const bool quotient = e.op == ScalarOp::k_floor_div || e.op == ScalarOp::k_div;
  if (e.dtype != kInt64 || (!quotient && e.op != ScalarOp::k_mod)) return std::nullopt;
  std::optional<std::int64_t> divisor = loop::as_integer(e.args[1]);
  const bool positive_divisor = divisor ? *divisor > 0 : e.args[1]->kind == ExprKind::kDim;
  if (!positive_divisor || !is_natural(e.args[0])) return std::nullopt;
  return apply({emit_expr(e.args[0]), emit_expr(e.args[1])}, [&](llvm::ArrayRef<Value*> x) {
    return quotient ? scalars_.natural_quotient(x[0], x[1]) : scalars_.natural_remainder(x[0], x[1]);
  });
}

bool KernelEmitter::is_natural(const Expr& e) const {
  if (e->dtype != kInt64) return false;
  switch (e->kind) {
    case ExprKind::kConst:
      return e->integer >= 0;
    case ExprKind::kDim:
      return true;
    case ExprKind::kVar:
      return natural_vars_.contains(e->var.get());
    case ExprKind::kOp:
      break;
    default:
      return false;
  }
  switch (e->op) {
    case ScalarOp::k_add:
    case ScalarOp::k_mul:
    case ScalarOp::k_div:
    case ScalarOp::k_floor_div:
    case ScalarOp::k_min:
      return is_natural(e->args[0]) && is_natural(e->args[1]);
    case ScalarOp::k_max:
      return is_natural(e->args[0]) || is_natural(e->args[1]);
    case ScalarOp::k_mod:
      return is_natural(e->args[1]);
    case ScalarOp::k_select:
      return is_natural(e->args[1]) && is_natural(e->args[2]);
    default:
      return false;
  }
}

// Scalar work for operands that are the same in all lanes, vector work otherwise.
Lanes KernelEmitter::apply(const std::vector<Lanes>& operands, llvm::function_ref<Value*(llvm::ArrayRef<Value*>)> f) {
  const bool uniform = std::all_of(operands.begin(), operands.end(), [](const Lanes& v) { return v.is_uniform(); });
  llvm::SmallVector<Value*, 3> values;
  for (const Lanes& operand : operands) values.push_back(uniform ? operand.value : vector(operand));
  return {f(values)};
}

Value* KernelEmitter::scalar(const Expr& e) {
  Lanes v = emit_expr(e);
  MICA_CHECK(v.is_uniform()) << loop::to_string(e) << " differs between lanes";
  return v.value;
}

Value* KernelEmitter::vector(Lanes v) {
  if (v.is_vector()) return v.value;
  Value* splat = b_.CreateVectorSplat(lanes_.count, v.value);
  if (v.step == 0) return splat;
  llvm::SmallVector<llvm::Constant*, 16> steps;
  for (unsigned lane = 0; lane < lanes_.count; ++lane) {
    steps.push_back(b_.getInt64(static_cast<std::uint64_t>(v.step * lane)));
  }
  return b_.CreateAdd(splat, llvm::ConstantVector::get(steps));
}

Value* KernelEmitter::spread(Lanes v) { return lanes_.count == 1 ? v.value : vector(v); }

// Dims are the same everywhere in the kernel, so they are computed once, on entry.
Value* KernelEmitter::emit_dim(const ir::Dim& dim) {
  if (dim.is_static()) return b_.getInt64(static_cast<std::uint64_t>(dim.value()));
  Value*& known = dims_[dim.to_string()];
  if (known != nullptr) return known;
  llvm::IRBuilder<>::InsertPointGuard restore(b_);
  b_.SetInsertPoint(entry_end_);
  Value* sum = b_.getInt64(0);
  for (const ir::Dim::Term& term : dim.terms()) {
    Value* product = b_.getInt64(static_cast<std::uint64_t>(term.coefficient));
    for (const ir::Symbol* symbol : term.factors) product = b_.CreateMul(product, emit_symbol(*symbol));
    sum = b_.CreateAdd(sum, product);
  }
  return known = sum;
}

Value* KernelEmitter::emit_symbol(const ir::Symbol& symbol) {
  if (auto found = symbols_.find(&symbol); found != symbols_.end()) return found->second;
  MICA_CHECK(symbol.numerator != nullptr) << "symbol " << symbol.name << " is not an argument of the kernel";
  const std::int64_t divisor = symbol.divisor;
  Value* numerator = emit_dim(*symbol.numerator);
  return symbols_[&symbol] =
             scalars_.op(ScalarOp::k_floor_div, kInt64, {numerator, b_.getInt64(static_cast<std::uint64_t>(divisor))});
}

}  // namespace mica::codegen
