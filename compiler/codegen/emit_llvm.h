// Loop IR to LLVM IR. Vector loops become explicit vectors, so no pass of LLVM has to vectorise.
//
// Inside `vector<W> j`, an expression that does not depend on j stays one scalar, an integer that is affine in j stays
// `scalar + lane * step`, and only the rest is a vector. The step of an index decides how memory is touched: 0 a
// scalar, 1 a vector, anything else a gather or scatter.
#pragma once
#include <llvm/IR/Module.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "compiler/codegen/scalar_emitter.h"
#include "compiler/codegen/target_hooks.h"
#include "compiler/loop/kernel.h"

namespace mica::codegen {

// A value in all lanes of the vector loop around it.
struct Lanes {
  llvm::Value* value = nullptr;  // scalar: equal in all lanes but for the step; vector: one element a lane
  std::int64_t step = 0;         // lane l holds value + l * step; scalar i64 only

  bool is_vector() const { return value->getType()->isVectorTy(); }
  bool is_uniform() const { return step == 0 && !is_vector(); }
};

class KernelEmitter {
 public:
  KernelEmitter(llvm::Module& module, TargetHooks& hooks);

  // Adds the kernel, which loop::verify accepts, as function `symbol`.
  llvm::Function* emit(const loop::Kernel& kernel, const std::string& symbol);

 private:
  // The vector loop being filled. One lane: none.
  struct LaneContext {
    unsigned count = 1;
    llvm::Value* mask = nullptr;  // i1 a lane; null: all lanes run
  };
  // A buffer's storage and element strides.
  struct Storage {
    llvm::Value* base = nullptr;
    std::vector<llvm::Value*> strides;
    llvm::MDNode* alias_scope = nullptr;
    llvm::MDNode* no_alias = nullptr;
    bool is_read_only = false;
    bool is_local = false;
  };
  struct Product {
    Lanes a, b;
  };

  // Statements: emit_llvm.cc.
  void emit_stmt(const loop::Stmt& stmt);
  void emit_let(const loop::Stmt& stmt);
  void emit_alloc(const loop::Buffer& buffer);
  void emit_if(const loop::Stmt& stmt);
  void emit_masked_if(const loop::Stmt& stmt, llvm::Value* condition);
  void emit_fail(const loop::Stmt& stmt);
  void write_failure(int code, llvm::Value* position, llvm::Value* value);
  // Branches and loops: emit_loops.cc.
  void emit_for(const loop::Stmt& stmt);
  void emit_counted_loop(const loop::Stmt& stmt, llvm::Value* begin, llvm::Value* end);
  void emit_range(const std::string& name, llvm::Value* begin, llvm::Value* end, unsigned step,
                  llvm::function_ref<void(llvm::Value*)> fill);
  void emit_unrolled(const loop::Stmt& stmt);
  void emit_vector(const loop::Stmt& stmt);
  void emit_whole_vectors(const loop::Stmt& stmt, llvm::Value* begin, unsigned extent);
  void emit_masked_vectors(const loop::Stmt& stmt, llvm::Value* begin, llvm::Value* extent, unsigned width);
  void emit_vector_body(const loop::Stmt& stmt, llvm::Value* begin, LaneContext lanes);
  llvm::Value* extent_mask(llvm::Value* extent, unsigned lanes);
  void bind(const loop::VarRef& var, Lanes value, bool is_natural);
  // Runs `then` only when `condition` holds, and `otherwise`, if any, when not.
  void branch(llvm::Value* condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = [] {});

  // Expressions: emit_expr.cc.
  Lanes emit_expr(const loop::Expr& e);
  Lanes emit_node(const loop::ExprNode& e);
  Lanes emit_op(const loop::ExprNode& e);
  std::optional<Lanes> emit_affine(const loop::ExprNode& e);
  std::optional<Lanes> emit_contracted(const loop::ExprNode& e);
  std::optional<Lanes> emit_natural_division(const loop::ExprNode& e);
  std::optional<Product> as_product(const loop::Expr& e);
  Lanes apply(const std::vector<Lanes>& operands, llvm::function_ref<llvm::Value*(llvm::ArrayRef<llvm::Value*>)> f);
  llvm::Value* constant(const loop::ExprNode& e);
  llvm::Value* emit_dim(const ir::Dim& dim);
  llvm::Value* emit_symbol(const ir::Symbol& symbol);
  bool is_natural(const loop::Expr& e) const;  // known not to be negative
  llvm::Value* scalar(const loop::Expr& e);    // of a uniform expression
  llvm::Value* vector(Lanes v);                // one element a lane
  llvm::Value* spread(Lanes v);                // vector(v), or the scalar outside a vector loop

  // Memory: emit_memory.cc.
  void bind_params(const loop::Kernel& kernel);
  void annotate_aliasing(const loop::Kernel& kernel);
  std::vector<llvm::Value*> strides_of(const ir::Dims& dims);
  Lanes emit_offset(const Storage& storage, const loop::Exprs& index);
  Lanes emit_load(const loop::ExprNode& e);
  llvm::Value* load_lanes(const Storage& storage, DType dtype, llvm::Value* address);
  void emit_store(const loop::Stmt& stmt);
  void store_lanes(const Storage& storage, DType dtype, llvm::Value* address, llvm::Value* value);
  void store_uniform(const Storage& storage, llvm::Value* address, Lanes value, DType dtype);
  llvm::Value* addresses(const Storage& storage, DType dtype, Lanes offset);
  llvm::Value* all_lanes();
  template <class Access>
  Access* annotate(Access* access, const Storage& storage, bool is_load);
  const Storage& storage_of(const loop::Buffer& buffer) const;

  llvm::Module& module_;
  llvm::IRBuilder<> b_;
  TargetHooks& hooks_;
  ScalarEmitter scalars_;
  FunctionFrame frame_;
  llvm::Instruction* entry_end_ = nullptr;  // what depends on dims alone goes before it
  LaneContext lanes_;
  absl::flat_hash_map<const loop::Buffer*, Storage> storage_;
  absl::flat_hash_map<const loop::Var*, Lanes> vars_;
  absl::flat_hash_set<const loop::Var*> natural_vars_;
  // Lets that are a float product: a sum of one contracts to fma whether or not the product has other uses, so that one
  // more use (a tap) changes no bit.
  absl::flat_hash_map<const loop::Var*, Product> product_vars_;
  absl::flat_hash_map<const loop::ExprNode*, Lanes> emitted_;  // within one statement
  absl::flat_hash_map<const ir::Symbol*, llvm::Value*> symbols_;
  std::map<std::string, llvm::Value*> dims_;
};

}  // namespace mica::codegen
