// Loads and stores: which elements the lanes of a vector loop touch decides the instruction.
#include <llvm/IR/MDBuilder.h>

#include "compiler/codegen/emit_llvm.h"
#include "runtime/error.h"

namespace mica::codegen {

using llvm::Value;

namespace {

// The parameter whose storage stands for all that may share it.
int alias_class(const loop::Kernel& kernel, int param) {
  while (param < static_cast<int>(kernel.in_place.size()) && kernel.in_place[static_cast<std::size_t>(param)] >= 0) {
    param = kernel.in_place[static_cast<std::size_t>(param)];
  }
  return param;
}

}  // namespace

void KernelEmitter::bind_params(const loop::Kernel& kernel) {
  for (std::size_t i = 0; i < kernel.params.size(); ++i) {
    Storage storage;
    storage.base = frame_.params[i];
    storage.strides = strides_of(kernel.params[i]->dims);
    storage_[kernel.params[i].get()] = std::move(storage);
  }
  annotate_aliasing(kernel);
}

// Parameters overlap only where `in_place` says so. The pointers come from a table, so this is said by scopes on the
// accesses and not by attributes of arguments.
void KernelEmitter::annotate_aliasing(const loop::Kernel& kernel) {
  llvm::MDBuilder metadata(module_.getContext());
  llvm::MDNode* domain = metadata.createAnonymousAliasScopeDomain(kernel.name);
  const std::size_t count = kernel.params.size();
  std::vector<llvm::Metadata*> scope_of_class(count, nullptr);
  std::vector<bool> is_written(count, false);
  std::vector<std::size_t> class_of(count);
  for (std::size_t i = 0; i < count; ++i) {
    class_of[i] = static_cast<std::size_t>(alias_class(kernel, static_cast<int>(i)));
    if (!scope_of_class[class_of[i]]) scope_of_class[class_of[i]] = metadata.createAnonymousAliasScope(domain);
    if (kernel.params[i]->access != loop::Access::kIn) is_written[class_of[i]] = true;
  }
  for (std::size_t i = 0; i < count; ++i) {
    Storage& storage = storage_[kernel.params[i].get()];
    std::vector<llvm::Metadata*> others;
    for (std::size_t c = 0; c < count; ++c) {
      if (c != class_of[i] && scope_of_class[c]) others.push_back(scope_of_class[c]);
    }
    storage.alias_scope = llvm::MDNode::get(module_.getContext(), {scope_of_class[class_of[i]]});
    storage.no_alias = llvm::MDNode::get(module_.getContext(), others);
    storage.is_read_only = !is_written[class_of[i]];
  }
}

// Row-major: the stride of an axis is the product of the extents after it.
std::vector<Value*> KernelEmitter::strides_of(const ir::Dims& dims) {
  std::vector<Value*> strides(dims.size());
  ir::Dim stride = 1;
  for (std::size_t axis = dims.size(); axis-- > 0;) {
    strides[axis] = emit_dim(stride);
    stride = stride * dims[axis];
  }
  return strides;
}

const KernelEmitter::Storage& KernelEmitter::storage_of(const loop::Buffer& buffer) const {
  auto found = storage_.find(&buffer);
  MICA_CHECK(found != storage_.end()) << "buffer " << buffer.name << " out of scope";
  return found->second;
}

Lanes KernelEmitter::emit_offset(const Storage& storage, const loop::Exprs& index) {
  Lanes offset{b_.getInt64(0)};
  for (std::size_t axis = 0; axis < index.size(); ++axis) {
    Lanes i = emit_expr(index[axis]);
    Value* stride = storage.strides[axis];
    auto* constant = llvm::dyn_cast<llvm::ConstantInt>(stride);
    if (i.step != 0 && constant == nullptr) i = {vector(i)};
    if (!i.is_vector()) {
      i = {b_.CreateMul(i.value, stride), i.step == 0 ? 0 : i.step * constant->getSExtValue()};
    } else if (constant == nullptr || !constant->isOne()) {
      i = {b_.CreateMul(i.value, b_.CreateVectorSplat(lanes_.count, stride))};
    }
    if (i.is_vector() != offset.is_vector()) {
      i = {vector(i)};
      offset = {vector(offset)};
    }
    offset = {b_.CreateAdd(offset.value, i.value), offset.step + i.step};
  }
  return offset;
}

template <class Access>
Access* KernelEmitter::annotate(Access* access, const Storage& storage, bool is_load) {
  if (storage.alias_scope == nullptr) return access;
  access->setMetadata(llvm::LLVMContext::MD_alias_scope, storage.alias_scope);
  access->setMetadata(llvm::LLVMContext::MD_noalias, storage.no_alias);
  if (is_load && storage.is_read_only && llvm::isa<llvm::LoadInst>(access)) {
    access->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(module_.getContext(), {}));
  }
  return access;
}

Value* KernelEmitter::all_lanes() {
  auto* type = llvm::FixedVectorType::get(b_.getInt1Ty(), lanes_.count);
  return lanes_.mask ? lanes_.mask : llvm::Constant::getAllOnesValue(type);
}

Value* KernelEmitter::addresses(const Storage& storage, DType dtype, Lanes offset) {
  return b_.CreateGEP(scalars_.memory_type(dtype), storage.base, vector(offset));
}

Lanes KernelEmitter::emit_load(const loop::ExprNode& e) {
  const Storage& storage = storage_of(*e.buffer);
  const Lanes offset = emit_offset(storage, e.args);
  llvm::Type* element = scalars_.memory_type(e.dtype);
  const llvm::Align align(static_cast<std::uint64_t>(e.dtype.bytes()));
  Value* loaded;
  if (offset.is_uniform()) {
    Value* address = b_.CreateInBoundsGEP(element, storage.base, offset.value);
    loaded = annotate(b_.CreateAlignedLoad(element, address, align), storage, true);
  } else if (offset.step == 1) {
    loaded = load_lanes(storage, e.dtype, b_.CreateInBoundsGEP(element, storage.base, offset.value));
  } else {
    auto* type = llvm::FixedVectorType::get(element, lanes_.count);
    loaded = annotate(b_.CreateMaskedGather(type, addresses(storage, e.dtype, offset), align, all_lanes(),
                                            llvm::Constant::getNullValue(type)),
                      storage, true);
  }
  return {scalars_.from_memory(loaded, e.dtype)};
}

// Adjacent elements. Local buffers have room behind them and are read whole: a masked access would keep them out of
// registers.
Value* KernelEmitter::load_lanes(const Storage& storage, DType dtype, Value* address) {
  auto* type = llvm::FixedVectorType::get(scalars_.memory_type(dtype), lanes_.count);
  const llvm::Align align(static_cast<std::uint64_t>(dtype.bytes()));
  if (lanes_.mask == nullptr || storage.is_local) {
    return annotate(b_.CreateAlignedLoad(type, address, align), storage, true);
  }
  return annotate(b_.CreateMaskedLoad(type, address, align, lanes_.mask, llvm::Constant::getNullValue(type)), storage,
                  true);
}

void KernelEmitter::emit_store(const loop::Stmt& stmt) {
  const Storage& storage = storage_of(*stmt.buffer);
  const DType dtype = stmt.buffer->dtype;
  const Lanes value = emit_expr(stmt.value);
  const Lanes offset = emit_offset(storage, stmt.index);
  llvm::Type* element = scalars_.memory_type(dtype);
  const llvm::Align align(static_cast<std::uint64_t>(dtype.bytes()));
  if (offset.is_uniform()) {
    return store_uniform(storage, b_.CreateInBoundsGEP(element, storage.base, offset.value), value, dtype);
  }
  Value* stored = scalars_.to_memory(vector(value), dtype);
  if (offset.step == 1) {
    return store_lanes(storage, dtype, b_.CreateInBoundsGEP(element, storage.base, offset.value), stored);
  }
  annotate(b_.CreateMaskedScatter(stored, addresses(storage, dtype, offset), align, all_lanes()), storage, false);
}

void KernelEmitter::store_lanes(const Storage& storage, DType dtype, Value* address, Value* value) {
  const llvm::Align align(static_cast<std::uint64_t>(dtype.bytes()));
  if (lanes_.mask == nullptr) {
    annotate(b_.CreateAlignedStore(value, address, align), storage, false);
  } else if (storage.is_local) {  // see load_lanes
    Value* kept = b_.CreateAlignedLoad(value->getType(), address, align);
    b_.CreateAlignedStore(b_.CreateSelect(lanes_.mask, value, kept), address, align);
  } else {
    annotate(b_.CreateMaskedStore(value, address, align, lanes_.mask), storage, false);
  }
}

// All lanes write one element: the value of the last one stays.
void KernelEmitter::store_uniform(const Storage& storage, Value* address, Lanes value, DType dtype) {
  const llvm::Align align(static_cast<std::uint64_t>(dtype.bytes()));
  Value* last = value.value;
  if (!value.is_uniform()) {
    Value* all = vector(value);
    Value* lane = b_.getInt64(lanes_.count - 1);
    if (lanes_.mask) {  // at least one lane runs
      Value* bits = b_.CreateBitCast(lanes_.mask, b_.getIntNTy(lanes_.count));
      Value* leading = b_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, bits, b_.getTrue());
      lane = b_.CreateSub(lane, b_.CreateZExt(leading, b_.getInt64Ty()));
    }
    last = b_.CreateExtractElement(all, lane);
  }
  annotate(b_.CreateAlignedStore(scalars_.to_memory(last, dtype), address, align), storage, false);
}

}  // namespace mica::codegen
