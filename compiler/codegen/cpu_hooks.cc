#include "compiler/codegen/cpu_hooks.h"

#include <llvm/IR/Module.h>

#include "runtime/error.h"

namespace mica::codegen {
namespace {

// minps and maxps give their second operand when either is NaN, so a constant goes first and one instruction does. For
// two variables the comparison adds the case of a NaN in `a`.
llvm::Value* select_extreme(llvm::CmpInst::Predicate better, llvm::Value* a, llvm::Value* b,
                            llvm::IRBuilder<>& builder) {
  if (llvm::isa<llvm::Constant>(b)) std::swap(a, b);
  llvm::Value* extreme = builder.CreateSelect(builder.CreateFCmp(better, a, b), a, b);
  if (llvm::isa<llvm::Constant>(a)) return extreme;
  return builder.CreateSelect(builder.CreateFCmpUNO(a, a), a, extreme);
}

}  // namespace

FunctionFrame CpuHooks::begin_function(const loop::Kernel& kernel, const std::string& symbol, bool can_fail,
                                       llvm::Module& module, llvm::IRBuilder<>& builder) {
  llvm::LLVMContext& context = module.getContext();
  llvm::Type *pointer = builder.getPtrTy(), *i64 = builder.getInt64Ty();
  auto* type = llvm::FunctionType::get(builder.getVoidTy(), {pointer, pointer, i64, i64}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, symbol, module);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  function->addFnAttr("prefer-vector-width", "512");  // the width of a loop is the schedule's choice, not LLVM's
  for (unsigned i = 0; i < 2; ++i) {
    function->addParamAttr(i, llvm::Attribute::NoAlias);
    function->addParamAttr(i, llvm::Attribute::ReadOnly);
  }
  builder.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));

  FunctionFrame frame;
  frame.function = function;
  frame.begin = function->getArg(2);
  frame.end = function->getArg(3);
  // The two tables are written before the call and by nobody during it.
  llvm::MDNode* invariant = llvm::MDNode::get(context, {});
  auto entry = [&](llvm::Type* element, unsigned table, std::size_t i, const std::string& name) {
    auto* slot = builder.CreateConstInBoundsGEP1_64(element, function->getArg(table), i);
    auto* value = builder.CreateLoad(element, slot, name);
    value->setMetadata(llvm::LLVMContext::MD_invariant_load, invariant);
    return value;
  };
  for (const loop::BufferRef& param : kernel.params) {
    frame.params.push_back(entry(pointer, 0, frame.params.size(), param->name));
  }
  for (const ir::Symbol* symbol_of_dim : kernel.symbols()) {
    frame.symbols.push_back(entry(i64, 1, frame.symbols.size(), symbol_of_dim->name));
  }
  if (can_fail) frame.error_word = entry(pointer, 0, kernel.params.size(), "error_word");
  return frame;
}

llvm::Value* CpuHooks::allocate(const loop::Buffer& buffer, llvm::Type* element, std::int64_t count,
                                FunctionFrame& frame) {
  MICA_CHECK(buffer.space == loop::Space::kLocal) << "shared buffer " << buffer.name << " in a CPU kernel";
  llvm::BasicBlock& entry = frame.function->getEntryBlock();
  llvm::IRBuilder<> at_entry(&entry, entry.begin());
  auto* storage =
      at_entry.CreateAlloca(llvm::ArrayType::get(element, static_cast<std::uint64_t>(count)), nullptr, buffer.name);
  storage->setAlignment(llvm::Align(64));
  return storage;
}

unsigned CpuHooks::vector_lanes() const { return static_cast<unsigned>(loop::vector_width(target_.level, kFloat32)); }

llvm::Value* CpuHooks::thread_index(loop::LoopKind, llvm::IRBuilder<>&) { return nullptr; }

void CpuHooks::barrier(llvm::IRBuilder<>&) { MICA_CHECK(false) << "barrier in a CPU kernel"; }

llvm::Value* CpuHooks::float_max(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) {
  return select_extreme(llvm::CmpInst::FCMP_OGT, a, b, builder);
}

llvm::Value* CpuHooks::float_min(llvm::Value* a, llvm::Value* b, llvm::IRBuilder<>& builder) {
  return select_extreme(llvm::CmpInst::FCMP_OLT, a, b, builder);
}

llvm::Value* CpuHooks::math_call(const char* name, llvm::ArrayRef<llvm::Value*> operands, llvm::IRBuilder<>& builder) {
  llvm::Module* module = builder.GetInsertBlock()->getModule();
  std::vector<llvm::Type*> types(operands.size(), builder.getDoubleTy());
  llvm::FunctionCallee callee =
      module->getOrInsertFunction(name, llvm::FunctionType::get(builder.getDoubleTy(), types, false));
  llvm::CallInst* call = builder.CreateCall(callee, operands);
  call->setDoesNotThrow();
  call->setDoesNotAccessMemory();
  return call;
}

}  // namespace mica::codegen
