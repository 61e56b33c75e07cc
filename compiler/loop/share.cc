// name_shared_values: common subexpressions become lets.
#include <bit>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "compiler/loop/access.h"
#include "compiler/loop/rebuild.h"
#include "compiler/loop/simplify.h"

namespace mica::loop {
namespace {

// Structurally equal expressions become the same node.
class HashCons {
 public:
  Expr canonical(const Expr& e) {
    if (auto it = known_.find(e); it != known_.end()) return it->second;
    Expr same = map_operands(e, [this](const Expr& operand) { return canonical(operand); });
    return known_[e] = table_.try_emplace(key(*same), same).first->second;
  }

 private:
  using Key = std::vector<std::uint64_t>;

  Key key(const ExprNode& e) {
    Key words = {static_cast<std::uint64_t>(e.kind) << 16 | static_cast<std::uint64_t>(e.dtype.kind()) << 8 |
                     static_cast<std::uint64_t>(e.op),
                 static_cast<std::uint64_t>(e.integer), std::bit_cast<std::uint64_t>(e.number), address(e.var.get()),
                 address(e.buffer.get())};
    if (e.kind == ExprKind::kDim) words.push_back(dims_.try_emplace(e.dim.to_string(), dims_.size()).first->second);
    for (const Expr& arg : e.args) words.push_back(address(arg.get()));
    return words;
  }
  static std::uint64_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

  absl::flat_hash_map<Expr, Expr> known_;
  absl::flat_hash_map<Key, Expr> table_;
  absl::flat_hash_map<std::string, std::uint64_t> dims_;
};

bool is_straight(const Stmt& stmt) {
  return stmt.kind == StmtKind::kStore || stmt.kind == StmtKind::kLet || stmt.kind == StmtKind::kFail;
}

// Names the shared values of one run of statements without control flow.
class RunNamer {
 public:
  explicit RunNamer(int& counter) : counter_(counter) {}

  std::vector<StmtRef> run(const std::vector<StmtRef>& statements) {
    std::vector<StmtRef> canonical;
    for (const StmtRef& stmt : statements) {
      canonical.push_back(map_exprs(stmt, [&](const Expr& e) { return cons_.canonical(e); }));
      if (stmt->kind == StmtKind::kStore) written_.insert(stmt->buffer.get());
    }
    for (const StmtRef& stmt : canonical) visit_exprs(*stmt, [&](const Expr& e) { count(e); });
    for (const StmtRef& stmt : canonical) {
      StmtRef named =
          map_exprs(stmt, [&](const Expr& e) { return stmt->kind == StmtKind::kLet ? inside(e) : name(e); });
      if (stmt->kind == StmtKind::kLet) names_.try_emplace(stmt->value, var(stmt->var));
      out_.push_back(std::move(named));
    }
    return std::move(out_);
  }

 private:
  void count(const Expr& e) {
    if (++uses_[e] > 1) return;
    for (const Expr& arg : e->args) count(arg);
  }

  bool reads_written(const Expr& e) {
    if (e->kind == ExprKind::kLoad && written_.contains(e->buffer.get())) return true;
    if (auto it = reads_written_.find(e); it != reads_written_.end()) return it->second;
    bool result = false;
    for (const Expr& arg : e->args) result |= reads_written(arg);
    return reads_written_[e] = result;
  }

  bool deserves_name(const Expr& e) {
    return uses_[e] > 1 && !e->args.empty() && !(e->dtype == kInt64) && !reads_written(e);
  }

  // `e` over the names given so far; new names are let before the present statement.
  Expr name(const Expr& e) {
    if (auto it = names_.find(e); it != names_.end()) return it->second;
    Expr result = inside(e);
    if (deserves_name(e)) {
      VarRef v = make_var(absl::StrCat("t", counter_++), e->dtype);
      out_.push_back(let(v, result));
      result = var(v);
    }
    return names_[e] = result;
  }

  Expr inside(const Expr& e) {
    return map_operands(e, [this](const Expr& operand) { return name(operand); });
  }

  int& counter_;
  HashCons cons_;
  absl::flat_hash_set<const Buffer*> written_;
  absl::flat_hash_map<Expr, int> uses_;
  absl::flat_hash_map<Expr, bool> reads_written_;
  absl::flat_hash_map<Expr, Expr> names_;
  std::vector<StmtRef> out_;
};

StmtRef name_in(const StmtRef& stmt, int& counter) {
  const std::vector<StmtRef> children = stmt->kind == StmtKind::kBlock ? stmt->children : std::vector<StmtRef>{stmt};
  std::vector<StmtRef> out, run;
  auto flush = [&] {
    std::vector<StmtRef> named = RunNamer(counter).run(run);
    out.insert(out.end(), named.begin(), named.end());
    run.clear();
  };
  for (const StmtRef& child : children) {
    if (is_straight(*child)) {
      run.push_back(child);
      continue;
    }
    flush();
    auto copy = std::make_shared<Stmt>(*child);
    for (StmtRef& inner : copy->children) inner = name_in(inner, counter);
    out.push_back(std::move(copy));
  }
  flush();
  return block(std::move(out));
}

}  // namespace

Kernel name_shared_values(const Kernel& kernel) {
  Kernel result = kernel;
  int counter = 0;
  result.body = name_in(kernel.body, counter);
  return result;
}

}  // namespace mica::loop
