// Text -> Kernel, the inverse of print.cc. Errors name the line, what was expected and what was received.
#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "compiler/loop/expr_syntax.h"
#include "compiler/loop/kernel.h"
#include "compiler/loop/syntax.h"

namespace mica::loop {
namespace {

constexpr int kMaxLoopNesting = 100;

class KernelParser {
 public:
  explicit KernelParser(std::string_view text)
      : tokens_(text),
        scope_{[this](std::string_view name) { return find<VarRef>(name); },
               [this](std::string_view name) { return find<BufferRef>(name); }} {}

  Kernel run() {
    Kernel kernel;
    tokens_.expect("kernel");
    tokens_.expect("@");
    kernel.name = tokens_.expect_name("the name of the kernel").text;
    params(kernel);
    if (tokens_.take("grain")) kernel.grain = tokens_.expect_integer("the grain");
    kernel.body = braces();
    if (tokens_.peek().kind != Token::kEnd) tokens_.fail("the end of the kernel");
    return kernel;
  }

 private:
  using Entry = std::pair<std::string, std::variant<VarRef, BufferRef>>;

  template <typename T>
  T find(std::string_view name) const {
    for (std::size_t i = names_.size(); i-- > 0;) {
      if (names_[i].first != name) continue;
      const T* thing = std::get_if<T>(&names_[i].second);
      return thing ? *thing : nullptr;
    }
    return nullptr;
  }

  // A new name; the same one twice in a scope would make the text ambiguous.
  std::string declare(std::string_view what) {
    Token token = tokens_.expect_name(what);
    auto taken = [&](const Entry& entry) { return entry.first == token.text; };
    if (std::any_of(names_.begin(), names_.end(), taken)) {
      throw SyntaxError{token.line, absl::StrCat("the name ", std::string(token.text), " is already in use here")};
    }
    return std::string(token.text);
  }

  DType dtype() {
    DType result = kFloat32;
    if (!DType::parse(tokens_.peek().text, &result)) tokens_.fail("a dtype like f32");
    tokens_.next();
    return result;
  }

  void type(Buffer& buffer) {
    tokens_.expect(":");
    buffer.dtype = dtype();
    const int line = tokens_.peek().line;
    absl::StatusOr<ir::Dims> dims = ir::parse_dims(tokens_.bracketed());
    if (!dims.ok()) throw SyntaxError{line, std::string(dims.status().message())};
    buffer.dims = *std::move(dims);
  }

  void params(Kernel& kernel) {
    constexpr std::pair<std::string_view, Access> kWords[] = {
        {"in", Access::kIn}, {"out", Access::kOut}, {"inout", Access::kInOut}};
    std::vector<Token> over;  // a number for none
    tokens_.expect("(");
    while (!tokens_.take(")")) {
      if (!kernel.params.empty()) tokens_.expect(",");
      auto access =
          std::find_if(std::begin(kWords), std::end(kWords), [&](const auto& word) { return tokens_.at(word.first); });
      if (access == std::end(kWords)) tokens_.fail("\"in\", \"out\" or \"inout\"");
      tokens_.next();
      Buffer buffer;
      buffer.access = access->second;
      buffer.name = declare("the name of a parameter");
      type(buffer);
      over.push_back(tokens_.take("over") ? tokens_.expect_name("the name of a parameter") : Token());
      kernel.params.push_back(std::make_shared<Buffer>(buffer));
      names_.emplace_back(buffer.name, kernel.params.back());
    }
    resolve_in_place(kernel, over);
  }

  static void resolve_in_place(Kernel& kernel, const std::vector<Token>& over) {
    for (std::size_t i = 0; i < over.size(); ++i) {
      if (over[i].kind == Token::kEnd) continue;
      auto same = [&](const BufferRef& param) { return param->name == over[i].text; };
      auto it = std::find_if(kernel.params.begin(), kernel.params.end(), same);
      if (it == kernel.params.end()) {
        throw SyntaxError{over[i].line, absl::StrCat("no parameter is named ", std::string(over[i].text))};
      }
      kernel.in_place.resize(kernel.params.size(), -1);
      kernel.in_place[i] = static_cast<int>(it - kernel.params.begin());
    }
  }

  Expr expr(std::optional<DType> wanted) { return resolve(parse_expr(tokens_), scope_, wanted); }

  StmtRef braces() {
    if (++depth_ > kMaxLoopNesting) tokens_.fail("loops nested less deeply");
    tokens_.expect("{");
    const std::size_t mark = names_.size();
    std::vector<StmtRef> children;
    while (!tokens_.take("}")) children.push_back(statement());
    names_.resize(mark);
    --depth_;
    return block(std::move(children));
  }

  StmtRef statement() {
    const Token token = tokens_.expect_name("a statement");
    auto loop = std::find_if(std::begin(kLoopWords), std::end(kLoopWords),
                             [&](const LoopWord& word) { return word.word == token.text; });
    if (loop != std::end(kLoopWords)) return loop_statement(loop->kind);
    if (token.text == "let") return let_statement();
    if (token.text == "local") return alloc_statement(Space::kLocal);
    if (token.text == "shared") return alloc_statement(Space::kShared);
    if (token.text == "if") return if_statement();
    if (token.text == "barrier") return barrier();
    if (token.text == "fail") return fail_statement();
    return store_statement(token);
  }

  StmtRef loop_statement(LoopKind kind) {
    int width = 1;
    if (kind == LoopKind::kVector) {
      tokens_.expect("<");
      width = static_cast<int>(tokens_.expect_integer("the vector's width"));
      tokens_.expect(">");
    }
    VarRef v = make_var(declare("the loop's variable"));
    tokens_.expect("in");
    Expr begin = expr(kInt64);
    if (!tokens_.at("..") && !tokens_.at("..+")) tokens_.fail("\"..\" or \"..+\"");
    if (tokens_.next().text == ".." && as_integer(begin) != 0) tokens_.fail("\"..+\" and the number of iterations");
    Expr extent = expr(kInt64);
    names_.emplace_back(v->name, v);
    StmtRef body = braces();
    names_.pop_back();
    auto result = std::make_shared<Stmt>(*loop_over(kind, v, std::move(extent), std::move(body), width));
    result->begin = std::move(begin);
    return result;
  }

  StmtRef let_statement() {
    std::string name = declare("the name of a let");
    tokens_.expect(":");
    VarRef v = make_var(std::move(name), dtype());
    tokens_.expect("=");
    Expr value = expr(v->dtype);
    names_.emplace_back(v->name, v);
    return let(v, std::move(value));
  }

  StmtRef alloc_statement(Space space) {
    Buffer buffer;
    buffer.space = space;
    buffer.access = Access::kInOut;
    buffer.name = declare("the name of a buffer");
    type(buffer);
    auto shared = std::make_shared<Buffer>(buffer);
    names_.emplace_back(buffer.name, shared);
    return alloc(shared);
  }

  StmtRef if_statement() {
    Expr condition = expr(kBool);
    StmtRef then = braces();
    return if_then(std::move(condition), std::move(then), tokens_.take("else") ? braces() : nullptr);
  }

  StmtRef fail_statement() {
    tokens_.expect("(");
    const int code = static_cast<int>(tokens_.expect_integer("the fail code"));
    tokens_.expect(",");
    Expr position = expr(kInt64);
    tokens_.expect(",");
    Expr value = expr(kInt64);
    tokens_.expect(")");
    tokens_.expect("if");
    return fail_if(expr(kBool), code, std::move(position), std::move(value));
  }

  StmtRef store_statement(const Token& name) {
    BufferRef buffer = find<BufferRef>(name.text);
    if (buffer == nullptr) {
      throw SyntaxError{name.line,
                        absl::StrCat("expected a statement or a buffer, received \"", std::string(name.text), "\"")};
    }
    tokens_.expect("[");
    Exprs index;
    while (!tokens_.take("]")) {
      if (!index.empty()) tokens_.expect(",");
      index.push_back(expr(kInt64));
    }
    tokens_.expect("=");
    return store(buffer, std::move(index), expr(buffer->dtype));
  }

  TokenStream tokens_;
  Scope scope_;
  std::vector<Entry> names_;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<Kernel> parse_kernel(std::string_view text) {
  try {
    return KernelParser(text).run();
  } catch (const SyntaxError& error) {
    return absl::InvalidArgumentError(absl::StrCat("line ", error.line, ": ", error.message));
  }
}

}  // namespace mica::loop
