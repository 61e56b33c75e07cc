// Kernel::structural_key: the kernel as text in which names are numbers. Values are numbered by their own text, so that
// the key does not depend on how much the expressions share, and stays short when they share much.
#include <bit>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "compiler/loop/kernel.h"

namespace mica::loop {
namespace {

class KeyWriter {
 public:
  explicit KeyWriter(const Kernel& kernel) : kernel_(kernel), symbols_(kernel.symbols()) {}

  std::string run() {
    for (std::size_t i = 0; i < kernel_.params.size(); ++i) {
      const int in_place = i < kernel_.in_place.size() ? kernel_.in_place[i] : -1;
      declare(*kernel_.params[i]);
      absl::StrAppend(&key_, ":", static_cast<int>(kernel_.params[i]->access), ":", in_place, ";");
    }
    statement(*kernel_.body);
    return std::move(key_);
  }

 private:
  std::string text(const ir::Dim& d) const {
    return d
        .substitute([&](const ir::Symbol& symbol) -> std::optional<ir::Dim> {
          for (std::size_t i = 0; i < symbols_.size(); ++i) {
            if (symbols_[i] == &symbol) return ir::Dim::symbol(absl::StrCat("s", i));
          }
          return std::nullopt;
        })
        .to_string();
  }

  template <typename T>
  static int number_of(absl::flat_hash_map<const T*, int>& numbers, const T* thing) {
    return numbers.try_emplace(thing, static_cast<int>(numbers.size())).first->second;
  }

  void declare(const Buffer& buffer) {
    absl::StrAppend(&key_, "b", number_of(buffers_, &buffer), ":", buffer.dtype.short_name(), ":",
                    static_cast<int>(buffer.space), "[");
    for (const ir::Dim& d : buffer.dims) absl::StrAppend(&key_, text(d), ",");
    absl::StrAppend(&key_, "]");
  }

  // Writes the values that `e` needs and are new, then gives its number.
  int value(const Expr& e) {
    if (auto it = known_.find(e.get()); it != known_.end()) return it->second;
    std::string line = absl::StrCat(static_cast<int>(e->kind), e->dtype.short_name());
    switch (e->kind) {
      case ExprKind::kConst:
        absl::StrAppend(&line, " ", e->integer, " ", absl::Hex(std::bit_cast<std::uint64_t>(e->number)));
        break;
      case ExprKind::kVar:
        absl::StrAppend(&line, "v", number_of(vars_, e->var.get()));
        break;
      case ExprKind::kDim:
        absl::StrAppend(&line, text(e->dim));
        break;
      case ExprKind::kLoad:
        absl::StrAppend(&line, "b", number_of(buffers_, e->buffer.get()));
        break;
      case ExprKind::kOp:
        absl::StrAppend(&line, info(e->op).name);
        break;
      case ExprKind::kReduce:
        absl::StrAppend(&line, to_string(e->reducer));
        for (std::size_t i = 0; i < e->vars.size(); ++i) {
          absl::StrAppend(&line, " v", number_of(vars_, e->vars[i].get()), "<", text(e->extents[i]));
        }
        break;
      case ExprKind::kRead:
        absl::StrAppend(&line, "r", e->slot);
        break;
      case ExprKind::kCast:
      case ExprKind::kBitcast:
        break;
    }
    for (const Expr& arg : e->args) absl::StrAppend(&line, " ", value(arg));
    auto [it, is_new] = numbers_.try_emplace(line, static_cast<int>(numbers_.size()));
    if (is_new) absl::StrAppend(&key_, line, ";");
    return known_[e.get()] = it->second;
  }

  void statement(const Stmt& stmt) {
    if (stmt.kind == StmtKind::kAlloc) declare(*stmt.buffer);
    std::string line = absl::StrCat("S", static_cast<int>(stmt.kind));
    if (stmt.kind == StmtKind::kFor) {
      absl::StrAppend(&line, ":", static_cast<int>(stmt.loop), ":", stmt.width);
    }
    if (stmt.kind == StmtKind::kFail) absl::StrAppend(&line, ":", stmt.code);
    if (stmt.var) absl::StrAppend(&line, " v", number_of(vars_, stmt.var.get()), stmt.var->dtype.short_name());
    if (stmt.buffer) absl::StrAppend(&line, " b", number_of(buffers_, stmt.buffer.get()));
    for (const Expr& e : {stmt.begin, stmt.extent, stmt.value}) {
      if (e) absl::StrAppend(&line, " ", value(e));
    }
    for (const Expr& e : stmt.index) absl::StrAppend(&line, " ", value(e));
    absl::StrAppend(&key_, line, "{");
    for (const StmtRef& child : stmt.children) statement(*child);
    absl::StrAppend(&key_, "}");
  }

  const Kernel& kernel_;
  std::vector<const ir::Symbol*> symbols_;
  std::string key_;
  absl::flat_hash_map<const ExprNode*, int> known_;
  absl::flat_hash_map<std::string, int> numbers_;
  absl::flat_hash_map<const Var*, int> vars_;
  absl::flat_hash_map<const Buffer*, int> buffers_;
};

}  // namespace

std::string Kernel::structural_key() const { return KeyWriter(*this).run(); }

}  // namespace mica::loop
