// The untyped tree between Loop IR text and expressions, and its tokens. Literals get their dtype when the tree is
// resolved, because it depends on what stands around them.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/loop/expr.h"

namespace mica::loop {

// Thrown inside the parser and turned into a Status by parse_kernel.
struct SyntaxError {
  int line;
  std::string message;
};

struct Token {
  enum Kind { kName, kNumber, kSymbol, kEnd } kind = kEnd;
  std::string_view text;
  std::size_t begin = 0;  // offset in the source
  int line = 1;
};

// Cuts the text into tokens; comments (// and #) are dropped. The last token is kEnd.
std::vector<Token> tokenize(std::string_view text);

class TokenStream {
 public:
  explicit TokenStream(std::string_view text) : text_(text), tokens_(tokenize(text)) {}

  const Token& peek() const { return tokens_[at_]; }
  Token next();
  bool at(std::string_view text) const { return peek().kind != Token::kEnd && peek().text == text; }
  bool take(std::string_view text);
  void expect(std::string_view text);
  Token expect_name(std::string_view what);
  std::int64_t expect_integer(std::string_view what);
  // The source from the bracket here to its partner, which is consumed.
  std::string_view bracketed();
  [[noreturn]] void fail(std::string_view expected) const;

 private:
  std::string_view text_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

struct Syntax {
  enum Kind { kLiteral, kName, kCall, kIndex, kPrefix, kInfix } kind = kLiteral;
  std::string text;  // the literal, the name, the operator
  std::vector<Syntax> args;
  int line = 1;
};
Syntax parse_expr(TokenStream& tokens);

// What names mean where the expression stands.
struct Scope {
  std::function<VarRef(std::string_view)> variable;                       // null: no such variable
  std::function<std::shared_ptr<const Buffer>(std::string_view)> buffer;  // null: no such buffer
};
// `wanted` is the dtype that the place asks for, if it does.
Expr resolve(const Syntax& syntax, const Scope& scope, std::optional<DType> wanted);

}  // namespace mica::loop
