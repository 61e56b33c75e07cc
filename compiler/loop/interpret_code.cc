#include "compiler/loop/interpret_code.h"

#include <algorithm>
#include <bit>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "compiler/loop/syntax.h"

namespace mica::loop {
namespace {

// Registers of one statement's intermediate values are reused by the next; they get their final numbers, behind the
// variables and constants, at the end.
constexpr std::int32_t kTemporary = 1 << 24;

int grid_dimension(LoopKind kind) { return static_cast<int>(kind) - static_cast<int>(LoopKind::kBlockX); }

class Compiler {
 public:
  Compiler(const Kernel& kernel, std::span<const std::int64_t> dims, std::int64_t begin, std::int64_t end)
      : kernel_(kernel), begin_(begin), end_(end) {
    std::vector<const ir::Symbol*> symbols = kernel.symbols();
    for (std::size_t i = 0; i < symbols.size() && i < dims.size(); ++i) dims_[symbols[i]] = dims[i];
    num_symbols_ = symbols.size();
    num_dims_ = dims.size();
  }

  absl::StatusOr<InterpretCode> run() {
    if (num_symbols_ != num_dims_) {
      return absl::InvalidArgumentError(absl::StrCat("kernel @", kernel_.name, ": expected ", num_symbols_,
                                                     " values of symbols, received ", num_dims_));
    }
    for (const BufferRef& param : kernel_.params) add_buffer(param);
    statement(*kernel_.body);
    emit({.code = Opcode::kEnd});
    number_temporaries();
    if (!status_.ok()) return status_;
    return std::move(code_);
  }

 private:
  std::int32_t add_buffer(const BufferRef& buffer) {
    auto [it, is_new] = buffers_.try_emplace(buffer.get(), static_cast<std::int32_t>(code_.buffers.size()));
    if (!is_new) return it->second;
    InterpretBufferInfo facts{buffer, {}, 1};
    for (const ir::Dim& d : buffer->dims) {
      facts.dims.push_back(value_of(d));
      facts.numel *= facts.dims.back();
    }
    code_.buffers.push_back(std::move(facts));
    return it->second;
  }

  std::int64_t value_of(const ir::Dim& d) const {
    return d.evaluate([&](const ir::Symbol& symbol) { return dims_.at(&symbol); });
  }

  std::int32_t emit(Instruction instruction) {
    instruction.origin = origin_;
    code_.instructions.push_back(instruction);
    return static_cast<std::int32_t>(code_.instructions.size() - 1);
  }
  void land(std::int32_t jump) {
    code_.instructions[static_cast<std::size_t>(jump)].target = static_cast<std::int32_t>(code_.instructions.size());
  }

  std::int32_t new_register(RegisterValue value = {.integer = 0}) {
    code_.registers.push_back(value);
    return static_cast<std::int32_t>(code_.registers.size() - 1);
  }
  std::int32_t integer_register(std::int64_t value) {
    auto [it, is_new] = integers_.try_emplace(value, 0);
    if (is_new) it->second = new_register({.integer = value});
    return it->second;
  }
  std::int32_t number_register(double value) {
    auto [it, is_new] = numbers_.try_emplace(std::bit_cast<std::uint64_t>(value), 0);
    if (is_new) it->second = new_register({.number = value});
    return it->second;
  }

  void number_temporaries() {
    const auto persistent = static_cast<std::int32_t>(code_.registers.size());
    auto fix = [&](std::int32_t& r) {
      if (r >= kTemporary) r += persistent - kTemporary;
    };
    for (Instruction& i : code_.instructions) {
      for (std::int32_t* r : {&i.dst, &i.a, &i.b, &i.c}) fix(*r);
    }
    for (std::int32_t& r : code_.indices) fix(r);
    code_.registers.resize(code_.registers.size() + static_cast<std::size_t>(max_temporaries_), {.integer = 0});
  }

  // The register that holds `e` after the instructions emitted so far.
  std::int32_t value(const Expr& e) {
    if (e->kind == ExprKind::kConst) {
      return e->dtype.is_floating() ? number_register(e->number) : integer_register(e->integer);
    }
    if (e->kind == ExprKind::kDim) return integer_register(value_of(e->dim));
    if (e->kind == ExprKind::kVar) return vars_.at(e->var.get());
    if (auto it = known_.find(e.get()); it != known_.end()) return it->second;
    Instruction instruction;
    if (e->kind == ExprKind::kLoad) {
      instruction = access(Opcode::kLoad, e->buffer, e->args);
    } else {
      instruction = computation(*e);
    }
    instruction.dst = kTemporary + num_temporaries_++;
    max_temporaries_ = std::max(max_temporaries_, num_temporaries_);
    emit(instruction);
    return known_[e.get()] = instruction.dst;
  }

  Instruction computation(const ExprNode& e) {
    Instruction instruction{.op = e.op, .dtype = e.dtype, .from = e.args[0]->dtype};
    std::int32_t* operands[] = {&instruction.a, &instruction.b, &instruction.c};
    for (std::size_t i = 0; i < e.args.size(); ++i) *operands[i] = value(e.args[i]);
    const bool floats = instruction.from.is_floating();
    if (e.kind == ExprKind::kCast) {
      instruction.code = Opcode::kCast;
    } else if (e.kind == ExprKind::kBitcast) {
      instruction.code = Opcode::kBitcast;
    } else if (info(e.op).type_rule == ScalarClass::kSelect) {
      instruction.code = Opcode::kSelect;
    } else if (info(e.op).type_rule == ScalarClass::kCompare) {
      instruction.code = floats ? Opcode::kFloatCompare : Opcode::kIntegerCompare;
    } else {
      instruction.code = floats ? Opcode::kFloatOp : Opcode::kIntegerOp;
    }
    return instruction;
  }

  Instruction access(Opcode code, const BufferRef& buffer, const Exprs& index) {
    std::vector<std::int32_t> registers;
    for (const Expr& i : index) registers.push_back(value(i));
    Instruction instruction{.code = code, .dtype = buffer->dtype, .buffer = add_buffer(buffer)};
    instruction.first_index = static_cast<std::int32_t>(code_.indices.size());
    code_.indices.insert(code_.indices.end(), registers.begin(), registers.end());
    return instruction;
  }

  void statement(const Stmt& stmt) {
    if (stmt.kind == StmtKind::kBlock) {
      for (const StmtRef& child : stmt.children) statement(*child);
      return;
    }
    known_.clear();
    num_temporaries_ = 0;
    origin_ = static_cast<std::int32_t>(code_.origins.size());
    code_.origins.push_back({&stmt, loop_vars_});
    switch (stmt.kind) {
      case StmtKind::kFor:
        loop(stmt);
        break;
      case StmtKind::kStore: {
        const std::int32_t source = value(stmt.value);
        Instruction instruction = access(Opcode::kStore, stmt.buffer, stmt.index);
        instruction.a = source;
        emit(instruction);
        break;
      }
      case StmtKind::kLet: {
        const std::int32_t source = value(stmt.value);
        emit({.code = Opcode::kMove, .dst = variable(stmt.var), .a = source});
        break;
      }
      case StmtKind::kAlloc:
        add_buffer(stmt.buffer);
        if (stmt.buffer->space == Space::kLocal) {
          emit({.code = Opcode::kScratch, .dtype = stmt.buffer->dtype, .buffer = add_buffer(stmt.buffer)});
        }
        break;
      case StmtKind::kIf:
        condition(stmt);
        break;
      case StmtKind::kBarrier:
        emit({.code = Opcode::kBarrier});
        break;
      case StmtKind::kFail: {
        const std::int32_t test = value(stmt.value), position = value(stmt.index[0]), found = value(stmt.index[1]);
        emit({.code = Opcode::kFail, .a = test, .b = position, .c = found, .extra = stmt.code});
        break;
      }
      case StmtKind::kBlock:
        break;
    }
  }

  std::int32_t variable(const VarRef& v) {
    auto [it, is_new] = vars_.try_emplace(v.get(), 0);
    if (is_new) it->second = new_register();
    return it->second;
  }

  void condition(const Stmt& stmt) {
    const std::int32_t test = value(stmt.value);
    const std::int32_t skip_then = emit({.code = Opcode::kJumpUnless, .a = test});
    statement(*stmt.children[0]);
    if (stmt.children.size() > 1) {
      const std::int32_t skip_else = emit({.code = Opcode::kJump});
      land(skip_then);
      statement(*stmt.children[1]);
      land(skip_else);
    } else {
      land(skip_then);
    }
  }

  void loop(const Stmt& stmt) {
    std::int32_t first = value(stmt.begin), count = value(stmt.extent);
    const std::int32_t v = variable(stmt.var), origin = origin_;
    loop_vars_.emplace_back(stmt.var.get(), v);
    if (stmt.loop >= LoopKind::kBlockX) {
      const int dimension = grid_dimension(stmt.loop);
      grow_grid(stmt, dimension);
      const std::int32_t skip = emit({.code = Opcode::kGridBind, .dst = v, .a = first, .b = count, .extra = dimension});
      statement(*stmt.children[0]);
      land(skip);
    } else {
      const bool parallel = stmt.loop == LoopKind::kParallel;
      if (parallel) {
        first = integer_register(begin_);
        count = integer_register(std::max<std::int64_t>(0, end_ - begin_));
      }
      const std::int32_t left = new_register();
      emit({.code = Opcode::kMove, .dst = left, .a = count});
      const std::int32_t start = emit({.code = Opcode::kLoopBegin,
                                       .parallel = parallel,
                                       .dst = v,
                                       .a = first,
                                       .b = left,
                                       .extra = stmt.loop == LoopKind::kVector ? stmt.width : 0});
      statement(*stmt.children[0]);
      origin_ = origin;
      emit({.code = Opcode::kLoopNext, .parallel = parallel, .dst = v, .b = left, .target = start + 1});
      land(start);
    }
    loop_vars_.pop_back();
  }

  // The grid is as large as its largest loop; extents depend on dims alone.
  void grow_grid(const Stmt& stmt, int dimension) {
    Expr concrete = rewrite(stmt.extent, [&](const Expr& e) -> Expr {
      return e->kind == ExprKind::kDim ? integer(value_of(e->dim)) : nullptr;
    });
    std::optional<std::int64_t> extent = as_integer(concrete);
    if (!extent) {
      status_ =
          absl::InvalidArgumentError(absl::StrCat("kernel @", kernel_.name, ": ", headline(stmt),
                                                  ": expected an extent of dims, received ", to_string(stmt.extent)));
      return;
    }
    const bool first_use = !grid_used_[dimension];
    grid_used_[dimension] = true;
    code_.grid[dimension] = first_use ? *extent : std::max(code_.grid[dimension], *extent);
  }

  const Kernel& kernel_;
  std::int64_t begin_, end_;
  std::size_t num_symbols_ = 0, num_dims_ = 0;
  InterpretCode code_;
  absl::Status status_;
  bool grid_used_[InterpretCode::kGridDimensions] = {};
  std::int32_t origin_ = 0, num_temporaries_ = 0, max_temporaries_ = 0;
  std::vector<std::pair<const Var*, std::int32_t>> loop_vars_;
  absl::flat_hash_map<const ir::Symbol*, std::int64_t> dims_;
  absl::flat_hash_map<const Buffer*, std::int32_t> buffers_;
  absl::flat_hash_map<const Var*, std::int32_t> vars_;
  absl::flat_hash_map<const ExprNode*, std::int32_t> known_;
  absl::flat_hash_map<std::int64_t, std::int32_t> integers_;
  absl::flat_hash_map<std::uint64_t, std::int32_t> numbers_;
};

}  // namespace

absl::StatusOr<InterpretCode> compile_for_interpreter(const Kernel& kernel, std::span<const std::int64_t> dims,
                                                      std::int64_t begin, std::int64_t end) {
  return Compiler(kernel, dims, begin, end).run();
}

}  // namespace mica::loop
