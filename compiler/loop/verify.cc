// The rules of the Loop IR. A kernel that verifies can be interpreted and emitted.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "compiler/loop/kernel.h"
#include "compiler/loop/syntax.h"

namespace mica::loop {
namespace {

bool is_integer_only(ScalarOp op) { return op >= ScalarOp::k_bit_and; }
bool is_float_only(ScalarOp op) {
  const bool transcendental = op >= ScalarOp::k_sqrt && op <= ScalarOp::k_atan2 && op != ScalarOp::k_pow;
  return transcendental || op == ScalarOp::k_div || op == ScalarOp::k_is_nan || op == ScalarOp::k_is_inf;
}
bool is_bitwise(ScalarOp op) {
  return op == ScalarOp::k_bit_and || op == ScalarOp::k_bit_or || op == ScalarOp::k_bit_xor ||
         op == ScalarOp::k_bit_not;
}
bool is_block(LoopKind kind) { return kind >= LoopKind::kBlockX && kind <= LoopKind::kBlockZ; }
bool is_thread(LoopKind kind) { return kind >= LoopKind::kThreadX; }

class Verifier {
 public:
  explicit Verifier(const Kernel& kernel) : kernel_(kernel) {}

  absl::Status run() {
    if (kernel_.body == nullptr) return error("expected a body, received none");
    params();
    if (ok()) statement(*kernel_.body);
    return status_;
  }

 private:
  bool ok() const { return status_.ok(); }
  absl::Status error(const std::string& message) const {
    return absl::InvalidArgumentError(
        absl::StrCat("kernel @", kernel_.name, ": ", at_ ? headline(*at_) + ": " : "", message));
  }
  // Keeps the first message only.
  bool require(bool condition, const std::string& message) {
    if (!condition && ok()) status_ = error(message);
    return condition;
  }
  static std::string mismatch(std::string_view what, DType expected, DType received) {
    return absl::StrCat("expected ", std::string(what), " to be ", expected.short_name(), ", received ",
                        received.short_name());
  }

  void params() {
    for (const BufferRef& param : kernel_.params) {
      if (!require(param != nullptr, "a parameter is null")) return;
      require(param->space == Space::kParam, absl::StrCat("the parameter ", param->name, " is declared as scratch"));
      require(buffers_.insert(param.get()).second, absl::StrCat("the parameter ", param->name, " stands twice"));
    }
    require(kernel_.in_place.empty() || kernel_.in_place.size() == kernel_.params.size(),
            "expected in_place to be empty or to have an entry a parameter");
    for (std::size_t i = 0; i < kernel_.in_place.size() && ok(); ++i) in_place(i, kernel_.in_place[i]);
  }

  void in_place(std::size_t i, int over) {
    if (over < 0) return;
    if (!require(static_cast<std::size_t>(over) < kernel_.params.size(), "in_place names no parameter")) return;
    const Buffer &out = *kernel_.params[i], &in = *kernel_.params[static_cast<std::size_t>(over)];
    require(out.access == Access::kOut && in.access == Access::kIn,
            absl::StrCat("expected an output over an input, received ", out.name, " over ", in.name));
    require(out.dtype.bytes() == in.dtype.bytes(),
            absl::StrCat(out.name, " over ", in.name, ": the elements differ in size"));
  }

  void statement(const Stmt& stmt) {
    if (!ok()) return;
    const Stmt* outer = std::exchange(at_, stmt.kind == StmtKind::kBlock ? at_ : &stmt);
    switch (stmt.kind) {
      case StmtKind::kBlock:
        for (const StmtRef& child : stmt.children) statement(*child);
        break;
      case StmtKind::kFor:
        loop(stmt);
        break;
      case StmtKind::kStore:
        access(*stmt.buffer, stmt.index);
        require(stmt.buffer->space != Space::kParam || stmt.buffer->access != Access::kIn,
                absl::StrCat(stmt.buffer->name, " is an input"));
        typed(stmt.value, stmt.buffer->dtype, "the value");
        break;
      case StmtKind::kLet:
        typed(stmt.value, stmt.var->dtype, "the value");
        declare(stmt.var.get());
        break;
      case StmtKind::kAlloc:
        scratch(*stmt.buffer);
        break;
      case StmtKind::kIf:
        typed(stmt.value, kBool, "the condition");
        scoped([&] { statement(*stmt.children[0]); });
        if (stmt.children.size() > 1) scoped([&] { statement(*stmt.children[1]); });
        break;
      case StmtKind::kBarrier:
        require(std::any_of(loops_.begin(), loops_.end(), is_thread),
                "a barrier stands outside the threads of a block");
        require(!inside(LoopKind::kVector), "a barrier stands inside a vector loop");
        break;
      case StmtKind::kFail:
        typed(stmt.value, kBool, "the condition");
        typed(stmt.index[0], kInt64, "the position");
        typed(stmt.index[1], kInt64, "the value");
        break;
    }
    if (ok()) at_ = outer;
  }

  template <typename F>
  void scoped(const F& body) {
    const std::vector<const Var*> vars = vars_;
    const absl::flat_hash_set<const Buffer*> buffers = buffers_;
    body();
    vars_ = vars;
    buffers_ = buffers;
  }

  bool inside(LoopKind kind) const { return std::find(loops_.begin(), loops_.end(), kind) != loops_.end(); }

  void declare(const Var* v) {
    require(std::find(vars_.begin(), vars_.end(), v) == vars_.end(),
            absl::StrCat("the variable ", v->name, " is bound twice"));
    vars_.push_back(v);
  }

  void loop(const Stmt& stmt) {
    typed(stmt.begin, kInt64, "the begin");
    typed(stmt.extent, kInt64, "the extent");
    require(stmt.var->dtype == kInt64, mismatch("the variable", kInt64, stmt.var->dtype));
    loop_rules(stmt);
    if (!ok()) return;
    loops_.push_back(stmt.loop);
    scoped([&] {
      declare(stmt.var.get());
      statement(*stmt.children[0]);
    });
    loops_.pop_back();
  }

  void loop_rules(const Stmt& stmt) {
    const std::optional<std::int64_t> extent = as_integer(stmt.extent);
    switch (stmt.loop) {
      case LoopKind::kSerial:
        break;
      case LoopKind::kParallel:
        require(&stmt == kernel_.body.get(), "a parallel loop is the outermost statement");
        require(as_integer(stmt.begin) == 0, "a parallel loop begins at 0");
        require(extent || stmt.extent->kind == ExprKind::kDim, "the extent of a parallel loop is a dim");
        break;
      case LoopKind::kVector:
        require(stmt.width >= 1, absl::StrCat("expected a positive vector width, received ", stmt.width));
        require(!extent || *extent <= stmt.width,
                absl::StrCat("expected at most ", stmt.width, " iterations, received ", extent.value_or(0)));
        require(!inside(LoopKind::kVector), "a vector loop stands inside another");
        break;
      case LoopKind::kUnroll:
        require(extent.has_value(), absl::StrCat("expected a constant extent, received ", to_string(stmt.extent)));
        break;
      default:
        require(!inside(stmt.loop), "the same dimension of the grid is used twice");
        require(!inside(LoopKind::kParallel) && !inside(LoopKind::kVector), "a grid loop stands inside a CPU loop");
        if (is_block(stmt.loop)) {
          require(std::none_of(loops_.begin(), loops_.end(), is_thread), "a block loop stands inside a thread loop");
        } else {
          require(extent.has_value(), absl::StrCat("expected a constant extent, received ", to_string(stmt.extent)));
        }
    }
  }

  void scratch(const Buffer& buffer) {
    require(buffer.space != Space::kParam, "scratch is local or shared");
    require(ir::all_static(buffer.dims), "the dims of scratch are constants");
    require(buffers_.insert(&buffer).second, absl::StrCat(buffer.name, " is declared twice"));
  }

  void access(const Buffer& buffer, const Exprs& index) {
    require(buffers_.contains(&buffer), absl::StrCat("the buffer ", buffer.name, " is not in scope"));
    require(index.size() == buffer.dims.size(),
            absl::StrCat("expected ", buffer.dims.size(), " indices of ", buffer.name, ", received ", index.size()));
    for (const Expr& i : index) typed(i, kInt64, "an index");
  }

  void typed(const Expr& e, DType expected, std::string_view what) {
    if (!require(e != nullptr, absl::StrCat(std::string(what), " is absent"))) return;
    require(e->dtype == expected, mismatch(what, expected, e->dtype));
    visit(e, [&](const ExprNode& node) { expression(node); });
  }

  void expression(const ExprNode& node) {
    if (!ok()) return;
    switch (node.kind) {
      case ExprKind::kVar:
        require(std::find(vars_.begin(), vars_.end(), node.var.get()) != vars_.end(),
                absl::StrCat("the variable ", node.var->name, " is not in scope"));
        break;
      case ExprKind::kLoad:
        require(buffers_.contains(node.buffer.get()),
                absl::StrCat("the buffer ", node.buffer->name, " is not in scope"));
        require(node.args.size() == node.buffer->dims.size(),
                absl::StrCat("expected ", node.buffer->dims.size(), " indices of ", node.buffer->name, ", received ",
                             node.args.size()));
        for (const Expr& i : node.args) require(i->dtype == kInt64, mismatch("an index", kInt64, i->dtype));
        break;
      case ExprKind::kOp:
        operation(node);
        break;
      case ExprKind::kReduce:
      case ExprKind::kRead:
        require(false, "reductions and reads of operands stand in definitions only");
        break;
      default:
        break;
    }
  }

  void operation(const ExprNode& node) {
    if (info(node.op).type_rule == ScalarClass::kSelect) return;
    const DType dtype = node.args[0]->dtype;
    const std::string name = info(node.op).name;
    auto meaningless = [&] { return absl::StrCat(name, " has no meaning on ", dtype.short_name()); };
    if (dtype.is_floating()) require(!is_integer_only(node.op), meaningless());
    if (!dtype.is_floating()) require(!is_float_only(node.op), meaningless());
    if (dtype.is_bool())
      require(is_bitwise(node.op) || info(node.op).type_rule == ScalarClass::kCompare || node.op == ScalarOp::k_max ||
                  node.op == ScalarOp::k_min,
              meaningless());
    if (node.op == ScalarOp::k_mul_high) require(dtype == kUInt32, meaningless());
  }

  const Kernel& kernel_;
  const Stmt* at_ = nullptr;
  absl::Status status_;
  std::vector<LoopKind> loops_;
  std::vector<const Var*> vars_;
  absl::flat_hash_set<const Buffer*> buffers_;
};

}  // namespace

absl::Status verify(const Kernel& kernel) { return Verifier(kernel).run(); }

}  // namespace mica::loop
