#include "compiler/codegen/nvptx_hooks.h"

#include <llvm/IR/IntrinsicsNVPTX.h>
#include <llvm/IR/Module.h>

#include "compiler/loop/access.h"
#include "runtime/error.h"

namespace mica::codegen {
namespace {

using loop::LoopKind;

constexpr unsigned kGlobalMemory = 1, kSharedMemory = 3;  // address spaces of NVPTX

// An entry for blocks of exactly the extents of the thread loops, so that ptxas can give each thread its registers.
void annotate_entry(const loop::Kernel& kernel, llvm::Function* function, llvm::IRBuilder<>& builder) {
  llvm::LLVMContext& context = function->getContext();
  llvm::NamedMDNode* annotations = function->getParent()->getOrInsertNamedMetadata("nvvm.annotations");
  auto annotate = [&](const char* key, std::int64_t value) {
    auto* number = builder.getInt32(static_cast<std::uint32_t>(value));
    annotations->addOperand(
        llvm::MDNode::get(context, {llvm::ValueAsMetadata::get(function), llvm::MDString::get(context, key),
                                    llvm::ConstantAsMetadata::get(number)}));
  };
  annotate("kernel", 1);
  loop::visit_stmts(kernel.body, [&](const loop::Stmt& stmt) {
    if (stmt.kind != loop::StmtKind::kFor) return;
    if (stmt.loop == LoopKind::kThreadX) annotate("reqntidx", *loop::as_integer(stmt.extent));
    if (stmt.loop == LoopKind::kThreadY) annotate("reqntidy", *loop::as_integer(stmt.extent));
    if (stmt.loop == LoopKind::kThreadZ) annotate("reqntidz", *loop::as_integer(stmt.extent));
  });
}

llvm::Intrinsic::ID index_register(LoopKind kind) {
  switch (kind) {
    case LoopKind::kBlockX:
      return llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_x;
    case LoopKind::kBlockY:
      return llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_y;
    case LoopKind::kBlockZ:
      return llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_z;
    case LoopKind::kThreadX:
      return llvm::Intrinsic::nvvm_read_ptx_sreg_tid_x;
    case LoopKind::kThreadY:
      return llvm::Intrinsic::nvvm_read_ptx_sreg_tid_y;
    case LoopKind::kThreadZ:
      return llvm::Intrinsic::nvvm_read_ptx_sreg_tid_z;
    default:
      return llvm::Intrinsic::not_intrinsic;
  }
}

// max.NaN and min.NaN exist for f32; f64 and f16 take the comparison apart.
llvm::Value* extreme(llvm::Intrinsic::ID f32_form, llvm::CmpInst::Predicate better, llvm::Value* a, llvm::Value* b,
                     llvm::IRBuilder<>& builder) {
  if (a->getType()->isFloatTy()) return builder.CreateBinaryIntrinsic(f32_form, a, b);
  llvm::Value* ordered = builder.CreateSelect(builder.CreateFCmp(better, a, b), a, b);  // b when either is NaN
  return builder.CreateSelect(builder.CreateFCmpUNO(a, a), a, ordered);
}

}  // namespace

FunctionFrame NvptxHooks::begin_function(const loop::Kernel& kernel, const std::string& symbol, bool can_fail,
                                         llvm::Module& module, llvm::IRBuilder<>& builder) {
  llvm::Type* global_pointer = builder.getPtrTy(kGlobalMemory);
  const std::vector<const ir::Symbol*> symbols = kernel.symbols();
  std::vector<llvm::Type*> types(kernel.params.size(), global_pointer);
  types.insert(types.end(), symbols.size(), builder.getInt64Ty());
  if (can_fail) types.push_back(global_pointer);
  auto* type = llvm::FunctionType::get(builder.getVoidTy(), types, false);
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, symbol, module);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  annotate_entry(kernel, function, builder);
  builder.SetInsertPoint(llvm::BasicBlock::Create(module.getContext(), "entry", function));

  FunctionFrame frame;
  frame.function = function;
  unsigned next = 0;
  for (std::size_t i = 0; i < kernel.params.size(); ++i) frame.params.push_back(function->getArg(next++));
  for (std::size_t i = 0; i < symbols.size(); ++i) frame.symbols.push_back(function->getArg(next++));
  if (can_fail) frame.error_word = function->getArg(next);
  return frame;
}

llvm::Value* NvptxHooks::allocate(const loop::Buffer& buffer, llvm::Type* element, std::int64_t count,
                                  FunctionFrame& frame) {
  auto* type = llvm::ArrayType::get(element, static_cast<std::uint64_t>(count));
  const llvm::Align align(16);  // of the widest access
  if (buffer.space == loop::Space::kShared) {
    auto* storage = new llvm::GlobalVariable(*frame.function->getParent(), type, /*isConstant=*/false,
                                             llvm::GlobalValue::InternalLinkage, llvm::UndefValue::get(type),
                                             buffer.name, nullptr, llvm::GlobalValue::NotThreadLocal, kSharedMemory);
    storage->setAlignment(align);
    return storage;
  }
  llvm::BasicBlock& entry = frame.function->getEntryBlock();
  llvm::AllocaInst* storage = llvm::IRBuilder<>(&entry, entry.begin()).CreateAlloca(type, nullptr, buffer.name);
  storage->setAlignment(align);
  return storage;
}

llvm::Value* NvptxHooks::thread_index(LoopKind kind, llvm::IRBuilder<>& builder) {
  const llvm::Intrinsic::ID id = index_register(kind);
  if (id == llvm::Intrinsic::not_intrinsic) return nullptr;
  return builder.CreateZExt(builder.CreateIntrinsic(id, {}, {}), builder.getInt64Ty());
}

void NvptxHooks::barrier(llvm::IRBuilder<>& builder) {
  builder.CreateIntrinsic(llvm::Intrinsic::nvvm_barrier0, {}, {});
}

llvm::Value* NvptxHooks::float_max(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) {
  return extreme(llvm::Intrinsic::maximum, llvm::CmpInst::FCMP_OGT, a, b, builder);
}

llvm::Value* NvptxHooks::float_min(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) {
  return extreme(llvm::Intrinsic::minimum, llvm::CmpInst::FCMP_OLT, a, b, builder);
}

llvm::Value* NvptxHooks::math_call(const char* name, llvm::ArrayRef<llvm::Value*>, llvm::IRBuilder<>& builder) {
  const llvm::StringRef kernel = builder.GetInsertBlock()->getParent()->getName();
  throw Error({.where = kernel.str(),
               .expected = std::string(name) + " of float32 or narrower on a GPU",
               .received = "float64",
               .hint = "Cast the operand, or run the model on the CPU."});
}

}  // namespace mica::codegen
