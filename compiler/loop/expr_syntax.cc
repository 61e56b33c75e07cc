#include "compiler/loop/expr_syntax.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>

#include "absl/strings/str_cat.h"
#include "compiler/loop/kernel.h"
#include "compiler/loop/syntax.h"

namespace mica::loop {
namespace {

constexpr int kMaxNesting = 200;

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }
bool is_name_part(char c) { return is_name_start(c) || is_digit(c); }

// Length of the number at the start of `text`: digits, a fraction (but not a range "0..4"), an exponent.
std::size_t number_length(std::string_view text) {
  std::size_t n = 0;
  auto digits = [&] {
    while (n < text.size() && is_digit(text[n])) ++n;
  };
  digits();
  if (n + 1 < text.size() && text[n] == '.' && is_digit(text[n + 1])) {
    ++n;
    digits();
  }
  if (n < text.size() && text[n] == 'e') {
    std::size_t exponent = n + 1 < text.size() && (text[n + 1] == '+' || text[n + 1] == '-') ? n + 2 : n + 1;
    if (exponent < text.size() && is_digit(text[exponent])) {
      n = exponent;
      digits();
    }
  }
  return n;
}

std::size_t symbol_length(std::string_view text) {
  constexpr std::string_view kLong[] = {"..+", "..", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||"};
  for (std::string_view symbol : kLong) {
    if (text.substr(0, symbol.size()) == symbol) return symbol.size();
  }
  return 1;
}

}  // namespace

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  int line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (std::isspace(static_cast<unsigned char>(c))) {
      ++i;
      continue;
    }
    if (c == '#' || text.substr(i, 2) == "//") {
      i = std::min(text.find('\n', i), text.size());
      continue;
    }
    Token token{Token::kSymbol, {}, i, line};
    std::size_t length = 0;
    if (is_name_start(c)) {
      token.kind = Token::kName;
      while (i + length < text.size() && is_name_part(text[i + length])) ++length;
    } else if (is_digit(c)) {
      token.kind = Token::kNumber;
      length = number_length(text.substr(i));
    } else {
      length = symbol_length(text.substr(i));
    }
    token.text = text.substr(i, length);
    tokens.push_back(token);
    i += length;
  }
  tokens.push_back({Token::kEnd, "the end of the text", text.size(), line});
  return tokens;
}

Token TokenStream::next() {
  Token token = tokens_[at_];
  if (token.kind != Token::kEnd) ++at_;
  return token;
}

bool TokenStream::take(std::string_view text) {
  if (!at(text)) return false;
  next();
  return true;
}

void TokenStream::expect(std::string_view text) {
  if (!take(text)) fail(absl::StrCat("\"", std::string(text), "\""));
}

Token TokenStream::expect_name(std::string_view what) {
  if (peek().kind != Token::kName) fail(what);
  return next();
}

std::int64_t TokenStream::expect_integer(std::string_view what) {
  std::string_view text = peek().text;
  std::int64_t value = 0;
  std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (peek().kind != Token::kNumber || read.ec != std::errc() || read.ptr != text.data() + text.size()) fail(what);
  next();
  return value;
}

std::string_view TokenStream::bracketed() {
  if (!at("[")) fail("\"[\"");
  const std::size_t begin = peek().begin;
  while (!at("]")) {
    if (peek().kind == Token::kEnd) fail("\"]\"");
    next();
  }
  return text_.substr(begin, next().begin + 1 - begin);
}

void TokenStream::fail(std::string_view expected) const {
  throw SyntaxError{peek().line,
                    absl::StrCat("expected ", std::string(expected), ", received ",
                                 peek().kind == Token::kEnd ? std::string(peek().text)
                                                            : absl::StrCat("\"", std::string(peek().text), "\""))};
}

namespace {

class ExprParser {
 public:
  explicit ExprParser(TokenStream& tokens) : tokens_(tokens) {}

  // Operators of at least `level`, by precedence climbing.
  Syntax infix(int level) {
    Syntax left = prefix();
    while (const Infix* found = infix_here(level)) {
      Token token = tokens_.next();
      Syntax right = infix(found->level + 1);
      left = {Syntax::kInfix, std::string(token.text), {std::move(left), std::move(right)}, token.line};
    }
    return left;
  }

 private:
  const Infix* infix_here(int level) const {
    auto found = std::find_if(std::begin(kInfixes), std::end(kInfixes), [&](const Infix& infix) {
      return tokens_.peek().kind == Token::kSymbol && infix.symbol == tokens_.peek().text;
    });
    return found != std::end(kInfixes) && found->level >= level ? found : nullptr;
  }

  Syntax prefix() {
    if (++depth_ > kMaxNesting) tokens_.fail("an expression nested less deeply");
    Syntax result;
    const Token token = tokens_.peek();
    const bool is_prefix = token.kind == Token::kSymbol &&
                           std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                                       [&](const Prefix& p) { return token.text == std::string_view(&p.symbol, 1); });
    if (is_prefix) {
      tokens_.next();
      result = {Syntax::kPrefix, std::string(token.text), {prefix()}, token.line};
    } else {
      result = primary();
    }
    --depth_;
    return result;
  }

  Syntax primary() {
    if (tokens_.take("(")) {
      Syntax inner = infix(0);
      tokens_.expect(")");
      return inner;
    }
    const Token token = tokens_.peek();
    if (token.kind == Token::kNumber) {
      tokens_.next();
      return {Syntax::kLiteral, std::string(token.text), {}, token.line};
    }
    tokens_.expect_name("an expression");
    Syntax result{Syntax::kName, std::string(token.text), {}, token.line};
    if (tokens_.take("(")) {
      result.kind = Syntax::kCall;
      result.args = list(")");
    } else if (tokens_.take("[")) {
      result.kind = Syntax::kIndex;
      result.args = list("]");
    }
    return result;
  }

  std::vector<Syntax> list(std::string_view close) {
    std::vector<Syntax> items;
    if (tokens_.take(close)) return items;
    do {
      items.push_back(infix(0));
    } while (tokens_.take(","));
    tokens_.expect(close);
    return items;
  }

  TokenStream& tokens_;
  int depth_ = 0;
};

class Resolver {
 public:
  explicit Resolver(const Scope& scope) : scope_(scope) {}

  Expr run(const Syntax& s, std::optional<DType> wanted) {
    Expr result = typed(s, wanted);
    if (wanted && !(result->dtype == *wanted)) {
      fail(s, absl::StrCat("expected ", wanted->short_name(), ", received ", result->dtype.short_name(), ": ",
                           to_string(result)));
    }
    return result;
  }

 private:
  [[noreturn]] static void fail(const Syntax& s, std::string message) { throw SyntaxError{s.line, std::move(message)}; }

  Expr typed(const Syntax& s, std::optional<DType> wanted) {
    switch (s.kind) {
      case Syntax::kLiteral:
        return literal(s, s.text, wanted);
      case Syntax::kName:
        return name(s, wanted);
      case Syntax::kCall:
        return call(s, wanted);
      case Syntax::kIndex:
        return indexed(s);
      case Syntax::kPrefix:
        return prefix(s, wanted);
      case Syntax::kInfix:
        return infix(s, wanted);
    }
    return nullptr;
  }

  template <typename T>
  static T number(const Syntax& s, const std::string& text, DType dtype) {
    T value{};
    std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) {
      fail(s, absl::StrCat("expected a number of ", dtype.short_name(), ", received \"", text, "\""));
    }
    return value;
  }

  static Expr literal(const Syntax& s, const std::string& text, std::optional<DType> wanted) {
    const bool fraction = text.find_first_of(".e") != std::string::npos;
    const DType dtype = wanted.value_or(fraction ? kFloat32 : kInt64);
    if (dtype == kFloat64) return constant(number<double>(s, text, dtype), dtype);
    if (dtype.is_floating()) return constant(number<float>(s, text, dtype), dtype);
    if (dtype == kUInt64) return integer(static_cast<std::int64_t>(number<std::uint64_t>(s, text, dtype)), dtype);
    return integer(number<std::int64_t>(s, text, dtype), dtype);
  }

  Expr name(const Syntax& s, std::optional<DType> wanted) {
    if (s.text == "true" || s.text == "false") return integer(s.text == "true", kBool);
    if (s.text == "inf") return constant(std::numeric_limits<double>::infinity(), wanted.value_or(kFloat32));
    if (s.text == "nan") return constant(std::numeric_limits<double>::quiet_NaN(), wanted.value_or(kFloat32));
    if (VarRef v = scope_.variable(s.text)) return var(v);
    if (scope_.buffer(s.text)) fail(s, absl::StrCat("the buffer ", s.text, " needs an index: ", s.text, "[…]"));
    return dim(ir::Dim::symbol(s.text));
  }

  Expr indexed(const Syntax& s) {
    std::shared_ptr<const Buffer> buffer = scope_.buffer(s.text);
    if (buffer == nullptr) fail(s, absl::StrCat("no buffer is named ", s.text));
    Exprs index;
    for (const Syntax& arg : s.args) index.push_back(run(arg, kInt64));
    return load(buffer, std::move(index));
  }

  Expr call(const Syntax& s, std::optional<DType> wanted) {
    DType dtype = kFloat32;
    const bool bits = s.text.substr(0, kBitcastPrefix.size()) == kBitcastPrefix;
    if (DType::parse(bits ? s.text.substr(kBitcastPrefix.size()) : s.text, &dtype)) return conversion(s, bits, dtype);
    std::optional<ScalarOp> found = find_scalar_op(s.text);
    if (!found) fail(s, absl::StrCat("no operation is named ", s.text));
    const ScalarOpInfo& facts = info(*found);
    if (static_cast<int>(s.args.size()) != facts.arity) {
      fail(s, absl::StrCat(s.text, " takes ", facts.arity, " operands, received ", s.args.size()));
    }
    Exprs operands;
    std::size_t first = 0;
    if (facts.type_rule == ScalarClass::kSelect) {
      operands.push_back(run(s.args[0], kBool));
      first = 1;
    }
    if (facts.type_rule == ScalarClass::kCompare) wanted.reset();
    for (std::size_t i = first; i < s.args.size(); ++i) {
      operands.push_back(run(s.args[i], i == first ? wanted : operands[first]->dtype));
    }
    return op(*found, std::move(operands));
  }

  Expr conversion(const Syntax& s, bool bits, DType dtype) {
    if (s.args.size() != 1) fail(s, absl::StrCat(s.text, " takes one operand, received ", s.args.size()));
    if (!bits && is_literal(s.args[0])) return run(s.args[0], dtype);
    Expr x = run(s.args[0], std::nullopt);
    if (!bits) return cast(x, dtype);
    if (x->dtype.bytes() != dtype.bytes()) {
      fail(s, absl::StrCat(s.text, " of a ", x->dtype.short_name(), ": the widths differ"));
    }
    return bitcast(x, dtype);
  }

  static bool is_literal(const Syntax& s) {
    if (s.kind == Syntax::kPrefix && s.text == "-") return is_literal(s.args[0]);
    return s.kind == Syntax::kLiteral || s.text == "inf" || s.text == "nan";
  }

  Expr prefix(const Syntax& s, std::optional<DType> wanted) {
    const Syntax& arg = s.args[0];
    if (s.text == "-" && arg.kind == Syntax::kLiteral) return literal(s, "-" + arg.text, wanted);
    Expr x = run(arg, wanted);
    for (const Prefix& prefix : kPrefixes) {
      if (s.text == std::string_view(&prefix.symbol, 1) && matches(prefix.operands, x->dtype))
        return op(prefix.op, {x});
    }
    fail(s, absl::StrCat(s.text, " has no meaning on ", x->dtype.short_name()));
  }

  Expr infix(const Syntax& s, std::optional<DType> wanted) {
    const bool compares = std::any_of(std::begin(kInfixes), std::end(kInfixes), [&](const Infix& infix) {
      return infix.symbol == s.text && infix.level == kComparisonLevel;
    });
    Expr a = run(s.args[0], compares ? std::nullopt : wanted);
    Expr b = run(s.args[1], a->dtype);
    for (const Infix& infix : kInfixes) {
      if (infix.symbol == s.text && matches(infix.operands, a->dtype)) return op(infix.op, {a, b});
    }
    fail(s, absl::StrCat(s.text, " has no meaning on ", a->dtype.short_name()));
  }

  const Scope& scope_;
};

}  // namespace

Syntax parse_expr(TokenStream& tokens) { return ExprParser(tokens).infix(0); }

Expr resolve(const Syntax& syntax, const Scope& scope, std::optional<DType> wanted) {
  return Resolver(scope).run(syntax, wanted);
}

}  // namespace mica::loop
