// The function and its statements.
#include "compiler/codegen/emit_llvm.h"

#include <algorithm>
#include <cstddef>

#include "runtime/abi.h"
#include "runtime/error.h"

namespace mica::codegen {

using llvm::Value;
using loop::StmtKind;

namespace {

// Local buffers end in room for this many elements: a whole vector may be touched where only its first lanes are meant.
constexpr std::int64_t kLocalPadding = 64;

bool can_fail(const loop::StmtRef& stmt) {
  if (stmt->kind == StmtKind::kFail) return true;
  return std::any_of(stmt->children.begin(), stmt->children.end(), can_fail);
}

}  // namespace

KernelEmitter::KernelEmitter(llvm::Module& module, TargetHooks& hooks)
    : module_(module), b_(module.getContext()), hooks_(hooks), scalars_(b_, hooks) {}

llvm::Function* KernelEmitter::emit(const loop::Kernel& kernel, const std::string& symbol) {
  frame_ = hooks_.begin_function(kernel, symbol, can_fail(kernel.body), module_, b_);
  auto* body = llvm::BasicBlock::Create(module_.getContext(), "body", frame_.function);
  entry_end_ = b_.CreateBr(body);
  b_.SetInsertPoint(body);
  const std::vector<const ir::Symbol*> symbols = kernel.symbols();
  for (std::size_t i = 0; i < symbols.size(); ++i) symbols_[symbols[i]] = frame_.symbols[i];
  bind_params(kernel);
  emit_stmt(*kernel.body);
  b_.CreateRetVoid();
  return frame_.function;
}

void KernelEmitter::emit_stmt(const loop::Stmt& stmt) {
  emitted_.clear();  // a store may have changed what a load gives
  switch (stmt.kind) {
    case StmtKind::kBlock:
      for (const loop::StmtRef& child : stmt.children) emit_stmt(*child);
      return;
    case StmtKind::kFor:
      return emit_for(stmt);
    case StmtKind::kStore:
      return emit_store(stmt);
    case StmtKind::kLet:
      return emit_let(stmt);
    case StmtKind::kAlloc:
      return emit_alloc(*stmt.buffer);
    case StmtKind::kIf:
      return emit_if(stmt);
    case StmtKind::kBarrier:
      return hooks_.barrier(b_);
    case StmtKind::kFail:
      return emit_fail(stmt);
  }
}

void KernelEmitter::emit_let(const loop::Stmt& stmt) {
  bind(stmt.var, emit_expr(stmt.value), is_natural(stmt.value));
  if (auto product = as_product(stmt.value)) product_vars_[stmt.var.get()] = *product;
}

void KernelEmitter::emit_alloc(const loop::Buffer& buffer) {
  MICA_CHECK(ir::all_static(buffer.dims)) << "local buffer " << buffer.name << " of symbolic size";
  const bool is_local = buffer.space == loop::Space::kLocal;
  const std::int64_t padding = is_local && hooks_.vector_lanes() > 1 ? kLocalPadding : 0;
  const std::int64_t count = ir::product(buffer.dims).value() + padding;
  llvm::Type* element = scalars_.memory_type(buffer.dtype);
  Storage storage;
  storage.base = hooks_.allocate(buffer, element, count, frame_);
  storage.strides = strides_of(buffer.dims);
  storage.is_local = is_local;
  // Contents do not survive from the iteration before: said here, they need not be kept in registers across it. What
  // stays in memory costs nothing, a fill with nothing is dropped.
  if (is_local) {
    b_.CreateMemSet(storage.base, llvm::UndefValue::get(b_.getInt8Ty()),
                    static_cast<std::uint64_t>(count * buffer.dtype.bytes()), llvm::Align(64));
  }
  storage_[&buffer] = std::move(storage);
}

void KernelEmitter::emit_if(const loop::Stmt& stmt) {
  Lanes condition = emit_expr(stmt.value);
  if (!condition.is_uniform()) return emit_masked_if(stmt, vector(condition));
  auto then = [&] { emit_stmt(*stmt.children[0]); };
  if (stmt.children.size() == 1) return branch(condition.value, then);
  branch(condition.value, then, [&] { emit_stmt(*stmt.children[1]); });
}

// Both branches run one after the other, each on its lanes, and not at all without any.
void KernelEmitter::emit_masked_if(const loop::Stmt& stmt, Value* condition) {
  const LaneContext outer = lanes_;
  Value* side = condition;
  for (const loop::StmtRef& child : stmt.children) {
    Value* mask = outer.mask ? b_.CreateAnd(outer.mask, side) : side;
    branch(b_.CreateOrReduce(mask), [&] {
      lanes_.mask = mask;
      emit_stmt(*child);
    });
    lanes_ = outer;
    side = b_.CreateNot(condition);
  }
}

void KernelEmitter::emit_fail(const loop::Stmt& stmt) {
  Lanes condition = emit_expr(stmt.value), position = emit_expr(stmt.index[0]), value = emit_expr(stmt.index[1]);
  const DType dtype = stmt.index[1]->dtype;
  Value* failed = spread(condition);
  if (lanes_.count > 1 && lanes_.mask) failed = b_.CreateAnd(failed, lanes_.mask);
  Value* any = lanes_.count > 1 ? b_.CreateOrReduce(failed) : failed;
  branch(any, [&] {
    if (lanes_.count == 1) return write_failure(stmt.code, position.value, scalars_.cast(value.value, dtype, kInt64));
    Value* bits = b_.CreateBitCast(failed, b_.getIntNTy(lanes_.count));
    Value* first = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, bits, b_.getTrue());
    Value* value_there = b_.CreateExtractElement(vector(value), first);
    write_failure(stmt.code, b_.CreateExtractElement(vector(position), first),
                  scalars_.cast(value_there, dtype, kInt64));
  });
}

// The first failure wins. Pieces of a parallel loop have a word each, so nobody else writes this one.
void KernelEmitter::write_failure(int code, Value* position, Value* value) {
  auto field = [&](std::size_t offset) {
    return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), frame_.error_word, offset);
  };
  Value* step = b_.CreateLoad(b_.getInt64Ty(), field(offsetof(MicaErrorWord, step)));
  branch(b_.CreateIsNull(step), [&] {
    b_.CreateStore(b_.getInt64(1), field(offsetof(MicaErrorWord, step)));
    b_.CreateStore(b_.getInt64(static_cast<std::uint64_t>(code)), field(offsetof(MicaErrorWord, code)));
    b_.CreateStore(position, field(offsetof(MicaErrorWord, position)));
    b_.CreateStore(value, field(offsetof(MicaErrorWord, value)));
  });
}

}  // namespace mica::codegen
