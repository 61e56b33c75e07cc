// Kernel and expressions -> text. parse.cc reads it back exactly.
//
// A literal stands bare where its place asks for a dtype (a store, an index, the other operand of an operator);
// elsewhere digits alone are i64, digits with a point or exponent f32, and the rest is wrapped: u32(7).
#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "compiler/loop/kernel.h"
#include "compiler/loop/syntax.h"

namespace mica::loop {
namespace {

using Context = std::optional<DType>;

bool is_reserved(std::string_view name) {
  auto same = [&](std::string_view word) { return word == name; };
  return std::any_of(std::begin(kStatementWords), std::end(kStatementWords), same) ||
         std::any_of(std::begin(kLoopWords), std::end(kLoopWords), [&](const LoopWord& w) { return same(w.word); });
}

// Letters, digits and _ only, not starting with a digit, no word of the language.
std::string identifier(const std::string& name) {
  std::string result;
  for (char c : name) result += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  if (result.empty() || std::isdigit(static_cast<unsigned char>(result[0]))) result = "_" + result;
  return is_reserved(result) ? result + "_" : result;
}

// Names of variables and buffers, unique among those in scope and the symbols.
class Names {
 public:
  void reserve(const std::string& name) { used_.insert(name); }
  std::string add(const void* thing, const std::string& wish) {
    std::string name = identifier(wish);
    for (int i = 1; used_.contains(name); ++i) name = absl::StrCat(identifier(wish), "_", i);
    used_.insert(name);
    names_[thing] = name;
    order_.push_back(thing);
    return name;
  }
  std::string of(const void* thing, const std::string& fallback) const {
    auto it = names_.find(thing);
    return it == names_.end() ? fallback : it->second;
  }
  std::size_t mark() const { return order_.size(); }
  void leave(std::size_t mark) {  // forgets what was added since
    for (; order_.size() > mark; order_.pop_back()) {
      used_.erase(names_[order_.back()]);
      names_.erase(order_.back());
    }
  }

 private:
  absl::flat_hash_map<const void*, std::string> names_;
  absl::flat_hash_set<std::string> used_;
  std::vector<const void*> order_;
};

std::string digits(const ExprNode& e) {
  if (e.dtype == kUInt64) return absl::StrCat(static_cast<std::uint64_t>(e.integer));
  if (!e.dtype.is_floating()) return absl::StrCat(e.integer);
  char text[40];
  std::to_chars_result end = e.dtype == kFloat64
                                 ? std::to_chars(text, text + sizeof(text), e.number)
                                 : std::to_chars(text, text + sizeof(text), static_cast<float>(e.number));
  return std::string(text, end.ptr);
}

class ExprPrinter {
 public:
  explicit ExprPrinter(const Names& names) : names_(names) {}

  std::string print(const ExprNode& e, Context context, int level = 0) const {
    switch (e.kind) {
      case ExprKind::kConst:
        return literal(e, context, level);
      case ExprKind::kVar:
        return names_.of(e.var.get(), e.var->name);
      case ExprKind::kDim:
        return dim_text(e.dim, level);
      case ExprKind::kLoad:
        return absl::StrCat(names_.of(e.buffer.get(), e.buffer->name), indices(e.args));
      case ExprKind::kRead:
        return absl::StrCat("$", e.slot, indices(e.args));
      case ExprKind::kOp:
        return operation(e, context, level);
      case ExprKind::kCast:
        return absl::StrCat(e.dtype.short_name(), "(", print(*e.args[0], {}), ")");
      case ExprKind::kBitcast:
        return absl::StrCat(std::string(kBitcastPrefix), e.dtype.short_name(), "(", print(*e.args[0], {}), ")");
      case ExprKind::kReduce:
        return reduction(e);
    }
    return "?";
  }

  std::string indices(const Exprs& index) const {
    std::string text = "[";
    for (std::size_t i = 0; i < index.size(); ++i) absl::StrAppend(&text, i ? ", " : "", print(*index[i], kInt64));
    return text + "]";
  }

 private:
  static std::string parenthesized(std::string text, bool needed) { return needed ? "(" + text + ")" : text; }

  static std::string literal(const ExprNode& e, Context context, int level) {
    if (e.dtype.is_bool()) return e.integer ? "true" : "false";
    std::string text = digits(e);
    const bool bare = context || e.dtype == kInt64 || e.dtype == kFloat32;
    if (!bare) return absl::StrCat(e.dtype.short_name(), "(", text, ")");
    if (!context && e.dtype == kFloat32 && text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
    return parenthesized(text, text.front() == '-' && level > kUnaryLevel);
  }

  static std::string dim_text(const ir::Dim& d, int level) {
    std::vector<ir::Dim::Term> terms = d.terms();
    int own = kPrimaryLevel;
    if (terms.size() > 1 || terms[0].coefficient < 0) {
      own = kAdditiveLevel;
    } else if (terms[0].coefficient != 1 || terms[0].factors.size() > 1) {
      own = kMultiplicativeLevel;
    }
    return parenthesized(d.to_string(), own < level);
  }

  // What operand i of an operation may take for granted; parse.cc resolves in the same order.
  static Context operand_context(const ExprNode& e, std::size_t i, Context context) {
    const ScalarClass rule = info(e.op).type_rule;
    const std::size_t first = rule == ScalarClass::kSelect ? 1 : 0;
    if (i < first) return kBool;
    if (i > first) return e.args[first]->dtype;
    return rule == ScalarClass::kCompare ? Context() : context;
  }

  std::string operation(const ExprNode& e, Context context, int level) const {
    for (const Infix& infix : kInfixes) {
      if (infix.op == e.op && matches(infix.operands, e.args[0]->dtype)) return binary(e, infix, context, level);
    }
    for (const Prefix& prefix : kPrefixes) {
      if (prefix.op != e.op || !matches(prefix.operands, e.dtype)) continue;
      return parenthesized(prefix.symbol + print(*e.args[0], context, kPrimaryLevel), level > kUnaryLevel);
    }
    std::string text = absl::StrCat(info(e.op).name, "(");
    for (std::size_t i = 0; i < e.args.size(); ++i) {
      absl::StrAppend(&text, i ? ", " : "", print(*e.args[i], operand_context(e, i, context)));
    }
    return text + ")";
  }

  std::string binary(const ExprNode& e, const Infix& infix, Context context, int level) const {
    const bool compares = infix.level == kComparisonLevel;
    std::string symbol(infix.symbol);
    std::string left = print(*e.args[0], operand_context(e, 0, context), infix.level + (compares ? 1 : 0));
    std::string right = print(*e.args[1], operand_context(e, 1, context), infix.level + 1);
    if (e.op == ScalarOp::k_add && e.dtype == kInt64 && e.args[1]->kind == ExprKind::kConst && right[0] == '-') {
      symbol = "-";
      right.erase(0, 1);
    }
    const bool tight = symbol == "*" || symbol == "/";
    return parenthesized(absl::StrCat(left, tight ? "" : " ", symbol, tight ? "" : " ", right), infix.level < level);
  }

  std::string reduction(const ExprNode& e) const {
    std::string text = absl::StrCat(loop::to_string(e.reducer), "(");
    for (std::size_t i = 0; i < e.vars.size(); ++i) {
      absl::StrAppend(&text, i ? ", " : "", e.vars[i]->name, " in 0..", e.extents[i].to_string());
    }
    return absl::StrCat(text, ": ", print(*e.args[0], {}), ")");
  }

  const Names& names_;
};

std::string type_text(const Buffer& buffer) {
  return absl::StrCat(": ", buffer.dtype.short_name(), ir::to_string(buffer.dims));
}

// One statement's own words, without its children. `names` knows what is in scope.
std::string first_line(const Stmt& stmt, const Names& names) {
  const ExprPrinter expr(names);
  auto name = [&](const auto& thing) { return names.of(thing.get(), thing->name); };
  switch (stmt.kind) {
    case StmtKind::kBlock:
      return "{";
    case StmtKind::kFor: {
      std::string word(to_string(stmt.loop));
      if (stmt.loop == LoopKind::kVector) absl::StrAppend(&word, "<", stmt.width, ">");
      const bool from_zero = as_integer(stmt.begin) == 0;
      return absl::StrCat(word, " ", name(stmt.var), " in ", expr.print(*stmt.begin, kInt64, kAdditiveLevel),
                          from_zero ? ".." : "..+", expr.print(*stmt.extent, kInt64, kAdditiveLevel), " {");
    }
    case StmtKind::kStore:
      return absl::StrCat(name(stmt.buffer), expr.indices(stmt.index), " = ",
                          expr.print(*stmt.value, stmt.buffer->dtype));
    case StmtKind::kLet:
      return absl::StrCat("let ", name(stmt.var), ": ", stmt.var->dtype.short_name(), " = ",
                          expr.print(*stmt.value, stmt.var->dtype));
    case StmtKind::kAlloc:
      return absl::StrCat(stmt.buffer->space == Space::kShared ? "shared " : "local ", name(stmt.buffer),
                          type_text(*stmt.buffer));
    case StmtKind::kIf:
      return absl::StrCat("if ", expr.print(*stmt.value, kBool), " {");
    case StmtKind::kBarrier:
      return "barrier";
    case StmtKind::kFail:
      return absl::StrCat("fail(", stmt.code, ", ", expr.print(*stmt.index[0], kInt64), ", ",
                          expr.print(*stmt.index[1], kInt64), ") if ", expr.print(*stmt.value, kBool));
  }
  return "?";
}

class KernelPrinter {
 public:
  std::string run(const Kernel& kernel) {
    for (const ir::Symbol* symbol : kernel.symbols()) names_.reserve(symbol->name);
    header(kernel);
    statement(*kernel.body, 1);
    line("}", 0);
    return std::move(text_) + closings() + "\n";
  }

 private:
  void header(const Kernel& kernel) {
    absl::StrAppend(&text_, "kernel @", identifier(kernel.name), "(");
    for (const BufferRef& param : kernel.params) names_.add(param.get(), param->name);
    for (std::size_t i = 0; i < kernel.params.size(); ++i) {
      constexpr const char* kAccess[] = {"in ", "out ", "inout "};
      const Buffer& param = *kernel.params[i];
      absl::StrAppend(&text_, i ? ", " : "", kAccess[static_cast<int>(param.access)], names_.of(&param, ""),
                      type_text(param));
      if (i < kernel.in_place.size() && kernel.in_place[i] >= 0) {
        const auto over = static_cast<std::size_t>(kernel.in_place[i]);
        absl::StrAppend(&text_, " over ", names_.of(kernel.params[over].get(), ""));
      }
    }
    absl::StrAppend(&text_, ")");
    if (kernel.grain) absl::StrAppend(&text_, " grain ", kernel.grain);
    absl::StrAppend(&text_, " {\n");
  }

  // Closing braces gather on one line, indented as the outermost of them.
  std::string closings() {
    std::string text;
    if (closing_ > 0) text.assign(static_cast<std::size_t>(2 * closing_depth_), ' ');
    for (int i = 0; i < closing_; ++i) absl::StrAppend(&text, i ? " }" : "}");
    closing_ = 0;
    return text;
  }
  void line(const std::string& words, int depth) {
    if (words == "}") {
      ++closing_;
      closing_depth_ = depth;
      return;
    }
    if (std::string closed = closings(); !closed.empty()) absl::StrAppend(&text_, closed, "\n");
    absl::StrAppend(&text_, std::string(static_cast<std::size_t>(2 * depth), ' '), words, "\n");
  }

  void statement(const Stmt& stmt, int depth) {
    if (stmt.kind == StmtKind::kBlock) {
      for (const StmtRef& child : stmt.children) statement(*child, depth);
      return;
    }
    const std::size_t scope = names_.mark();
    // A loop's variable is not in scope in its own bounds, nor a let's in its own value; declaring first is harmless
    // because neither occurs there, and the line shows the name that the scope will use.
    if (stmt.kind == StmtKind::kFor || stmt.kind == StmtKind::kLet) names_.add(stmt.var.get(), stmt.var->name);
    if (stmt.kind == StmtKind::kAlloc) names_.add(stmt.buffer.get(), stmt.buffer->name);
    line(first_line(stmt, names_), depth);
    if (stmt.kind != StmtKind::kFor && stmt.kind != StmtKind::kIf) return;
    const std::size_t inside = names_.mark();
    statement(*stmt.children[0], depth + 1);
    names_.leave(inside);
    if (stmt.children.size() > 1) {
      if (std::string closed = closings(); !closed.empty()) absl::StrAppend(&text_, closed, "\n");
      line("} else {", depth);
      statement(*stmt.children[1], depth + 1);
    }
    names_.leave(scope);
    line("}", depth);
  }

  Names names_;
  std::string text_;
  int closing_ = 0, closing_depth_ = 0;
};

}  // namespace

std::string to_string(const Expr& e) { return ExprPrinter(Names()).print(*e, {}); }

std::string headline(const Stmt& stmt) { return first_line(stmt, Names()); }

std::string print(const Kernel& kernel) { return KernelPrinter().run(kernel); }

}  // namespace mica::loop
