// Branches and loops: counted, unrolled, vector, and the thread indices of a GPU.
#include <algorithm>
#include <bit>
#include <utility>

#include "compiler/codegen/emit_llvm.h"
#include "runtime/error.h"

namespace mica::codegen {

using llvm::Value;
using loop::LoopKind;

namespace {

bool is_zero(const loop::Expr& e) { return e == nullptr || loop::as_integer(e) == 0; }

// Whether the dim is n - d*(n/d) for a divisor d up to the limit.
bool is_remainder_below(const ir::Dim& dim, std::int64_t limit) {
  const std::vector<ir::Dim::Term> terms = dim.terms();
  return std::any_of(terms.begin(), terms.end(), [&](const ir::Dim::Term& term) {
    if (term.factors.size() != 1 || term.factors[0]->numerator == nullptr) return false;
    const ir::Symbol& quotient = *term.factors[0];
    const ir::Dim multiple = ir::Dim(quotient.divisor) * ir::Dim::floor_div(*quotient.numerator, quotient.divisor);
    return quotient.divisor <= limit && dim + multiple == *quotient.numerator;
  });
}

// Whether e < limit for certain: a remainder by at most the limit.
bool is_below(const loop::Expr& e, std::int64_t limit) {
  if (e->kind == loop::ExprKind::kDim) return is_remainder_below(e->dim, limit);
  if (e->kind != loop::ExprKind::kOp || e->op != loop::ScalarOp::k_mod) return false;
  std::optional<std::int64_t> divisor = loop::as_integer(e->args[1]);
  return divisor && *divisor > 0 && *divisor <= limit;
}

bool touches_locals(const loop::Stmt& stmt) {
  bool found = stmt.buffer != nullptr && stmt.buffer->space == loop::Space::kLocal;
  auto look = [&](const loop::ExprNode& e) {
    found = found || (e.kind == loop::ExprKind::kLoad && e.buffer->space == loop::Space::kLocal);
  };
  for (const loop::Expr& e : {stmt.begin, stmt.extent, stmt.value}) {
    if (e != nullptr) loop::visit(e, look);
  }
  for (const loop::Expr& e : stmt.index) loop::visit(e, look);
  return found || std::any_of(stmt.children.begin(), stmt.children.end(),
                              [](const loop::StmtRef& child) { return touches_locals(*child); });
}

}  // namespace

void KernelEmitter::bind(const loop::VarRef& var, Lanes value, bool is_natural) {
  vars_[var.get()] = value;
  if (is_natural) natural_vars_.insert(var.get());
}

void KernelEmitter::emit_for(const loop::Stmt& stmt) {
  switch (stmt.loop) {
    case LoopKind::kSerial: {
      Value* begin = stmt.begin ? scalar(stmt.begin) : b_.getInt64(0);
      return emit_counted_loop(stmt, begin, b_.CreateAdd(begin, scalar(stmt.extent)));
    }
    case LoopKind::kParallel: {
      Value* first = stmt.begin ? scalar(stmt.begin) : b_.getInt64(0);
      return emit_counted_loop(stmt, b_.CreateAdd(first, frame_.begin), b_.CreateAdd(first, frame_.end));
    }
    case LoopKind::kUnroll:
      return emit_unrolled(stmt);
    case LoopKind::kVector:
      return emit_vector(stmt);
    default: {
      Value* index = hooks_.thread_index(stmt.loop, b_);
      MICA_CHECK(index != nullptr) << "loop over GPU threads in a kernel of another target";
      if (!is_zero(stmt.begin)) index = b_.CreateAdd(scalar(stmt.begin), index);
      bind(stmt.var, {index}, stmt.begin == nullptr || is_natural(stmt.begin));
      return emit_stmt(*stmt.children[0]);
    }
  }
}

void KernelEmitter::emit_counted_loop(const loop::Stmt& stmt, Value* begin, Value* end) {
  const bool natural = stmt.begin == nullptr || is_natural(stmt.begin);
  auto body = [&](Value* index) {
    bind(stmt.var, {index}, natural);
    emit_stmt(*stmt.children[0]);
  };
  if (loop::as_integer(stmt.extent) == 1 && stmt.loop == LoopKind::kSerial) return body(begin);
  emit_range(stmt.var->name, begin, end, 1, body);
}

// begin, begin + step, … below end. Tests at the bottom; the test on entry is folded away where the extent is known.
void KernelEmitter::emit_range(const std::string& name, Value* begin, Value* end, unsigned step,
                               llvm::function_ref<void(Value*)> fill) {
  branch(b_.CreateICmpSLT(begin, end), [&] {
    llvm::BasicBlock* before = b_.GetInsertBlock();
    auto* body = llvm::BasicBlock::Create(module_.getContext(), name, frame_.function);
    auto* after = llvm::BasicBlock::Create(module_.getContext(), "after." + name, frame_.function);
    b_.CreateBr(body);
    b_.SetInsertPoint(body);
    llvm::PHINode* index = b_.CreatePHI(b_.getInt64Ty(), 2, name);
    index->addIncoming(begin, before);
    fill(index);
    Value* next = b_.CreateNSWAdd(index, b_.getInt64(step));
    index->addIncoming(next, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpSLT(next, end), body, after);
    b_.SetInsertPoint(after);
  });
}

void KernelEmitter::emit_unrolled(const loop::Stmt& stmt) {
  std::optional<std::int64_t> extent = loop::as_integer(stmt.extent);
  MICA_CHECK(extent.has_value()) << "unrolled loop " << stmt.var->name << " of symbolic extent";
  Value* begin = stmt.begin ? scalar(stmt.begin) : b_.getInt64(0);
  for (std::int64_t i = 0; i < *extent; ++i) {
    bind(stmt.var, {b_.CreateAdd(begin, b_.getInt64(static_cast<std::uint64_t>(i)))},
         stmt.begin == nullptr || is_natural(stmt.begin));
    emit_stmt(*stmt.children[0]);
  }
}

// Iterations go in pieces of one machine vector, side by side. A known extent needs a mask in its last piece only, and
// there only when that is no power of two. One known at run time is tested once: all of `width` runs unmasked code.
void KernelEmitter::emit_vector(const loop::Stmt& stmt) {
  MICA_CHECK(lanes_.count == 1) << "vector loop " << stmt.var->name << " inside a vector loop";
  Value* begin = stmt.begin ? scalar(stmt.begin) : b_.getInt64(0);
  if (std::optional<std::int64_t> extent = loop::as_integer(stmt.extent)) {
    MICA_CHECK(*extent <= stmt.width) << *extent << " iterations of " << stmt.var->name << " in vector<" << stmt.width
                                      << ">";
    return emit_whole_vectors(stmt, begin, static_cast<unsigned>(std::max<std::int64_t>(*extent, 0)));
  }
  const unsigned width = static_cast<unsigned>(stmt.width);
  Value* extent = scalar(stmt.extent);
  auto tail = [&] { emit_masked_vectors(stmt, begin, extent, width); };
  if (is_below(stmt.extent, stmt.width)) return tail();
  branch(b_.CreateICmpSGE(extent, b_.getInt64(width)), [&] { emit_whole_vectors(stmt, begin, width); }, tail);
}

void KernelEmitter::emit_whole_vectors(const loop::Stmt& stmt, Value* begin, unsigned extent) {
  for (unsigned first = 0; first < extent;) {
    const unsigned rest = std::min(extent - first, hooks_.vector_lanes());
    const unsigned lanes = std::bit_ceil(rest);
    emit_vector_body(stmt, b_.CreateAdd(begin, b_.getInt64(first)),
                     {.count = lanes, .mask = lanes == rest ? nullptr : extent_mask(b_.getInt64(rest), lanes)});
    first += rest;
  }
}

// One masked body in a loop; written out where local buffers are touched, which live in registers only under constant
// indices.
void KernelEmitter::emit_masked_vectors(const loop::Stmt& stmt, Value* begin, Value* extent, unsigned width) {
  const unsigned step = hooks_.vector_lanes();
  auto body = [&](Value* first, unsigned lanes) {
    Value* mask = extent_mask(b_.CreateSub(extent, first), lanes);
    emit_vector_body(stmt, b_.CreateAdd(begin, first), {.count = lanes, .mask = mask});
  };
  if (width > step && !touches_locals(*stmt.children[0])) {
    return emit_range("tail." + stmt.var->name, b_.getInt64(0), extent, step, [&](Value* first) { body(first, step); });
  }
  for (unsigned first = 0; first < width; first += step) {
    Value* offset = b_.getInt64(first);
    branch(b_.CreateICmpSGT(extent, offset), [&] { body(offset, std::bit_ceil(std::min(width - first, step))); });
  }
}

void KernelEmitter::emit_vector_body(const loop::Stmt& stmt, Value* begin, LaneContext lanes) {
  lanes_ = lanes;
  bind(stmt.var, {begin, lanes.count > 1 ? 1 : 0}, stmt.begin == nullptr || is_natural(stmt.begin));
  emit_stmt(*stmt.children[0]);
  lanes_ = {};
}

// Lanes below the extent, which is positive.
Value* KernelEmitter::extent_mask(Value* extent, unsigned lanes) {
  Value* limit = b_.CreateVectorSplat(lanes, b_.CreateTrunc(extent, b_.getInt32Ty()));
  return b_.CreateICmpULT(b_.CreateStepVector(llvm::FixedVectorType::get(b_.getInt32Ty(), lanes)), limit);
}

void KernelEmitter::branch(Value* condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  auto block = [&](const char* name) { return llvm::BasicBlock::Create(module_.getContext(), name, frame_.function); };
  llvm::BasicBlock *then_block = block("then"), *else_block = block("else"), *join = block("join");
  b_.CreateCondBr(condition, then_block, else_block);
  for (auto [side, fill] : {std::pair(then_block, then), std::pair(else_block, otherwise)}) {
    b_.SetInsertPoint(side);
    emitted_.clear();  // values of one side are not available on the other nor after
    fill();
    b_.CreateBr(join);
  }
  b_.SetInsertPoint(join);
  emitted_.clear();
}

}  // namespace mica::codegen
