#include "compiler/graph/dim.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

const Symbol* intern(std::string name, std::shared_ptr<const Dim> numerator, std::int64_t divisor) {
  static std::mutex mutex;
  static auto* table =
      new std::map<std::string, std::unique_ptr<Symbol>, std::less<>>();  // lives as long as the process
  std::lock_guard lock(mutex);
  auto it = table->find(name);
  if (it == table->end()) {
    auto symbol = std::make_unique<Symbol>(Symbol{name, std::move(numerator), divisor});
    it = table->emplace(std::move(name), std::move(symbol)).first;
  }
  return it->second.get();
}

bool factors_less(const std::vector<const Symbol*>& a, const std::vector<const Symbol*>& b) {
  if (a.size() != b.size()) return a.size() > b.size();  // products first, the constant last
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return a[i]->name < b[i]->name;
  }
  return false;
}

std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
  std::int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

// Recursive descent over: sum := term (('+'|'-') term)*; term := factor (('*' factor) | ('/' integer))*; factor :=
// integer | name | '(' sum ')' | '-' factor.
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {}
  absl::StatusOr<Dim> parse() {
    Dim dim = sum();
    skip();
    if (failed_ || at_ != text_.size())
      return absl::InvalidArgumentError(absl::StrCat("not a dim: \"", std::string(text_), "\""));
    return dim;
  }

 private:
  void skip() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Dim sum() {
    Dim result = term();
    while (!failed_) {
      if (take('+')) {
        result = result + term();
      } else if (take('-')) {
        result = result - term();
      } else {
        break;
      }
    }
    return result;
  }
  Dim term() {
    Dim result = factor();
    while (!failed_) {
      if (take('*')) {
        result = result * factor();
      } else if (take('/')) {
        Dim divisor = factor();
        if (!divisor.is_static() || divisor.value() <= 0) {
          failed_ = true;
        } else {
          result = Dim::floor_div(result, divisor.value());
        }
      } else {
        break;
      }
    }
    return result;
  }
  Dim factor() {
    if (++depth_ > 64) failed_ = true;
    if (failed_) return Dim();
    Dim result = primary();
    --depth_;
    return result;
  }
  Dim primary() {
    if (take('-')) return Dim(0) - factor();
    if (take('(')) {
      Dim inner = sum();
      if (!take(')')) failed_ = true;
      return inner;
    }
    skip();
    std::size_t start = at_;
    if (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
      std::int64_t value = 0;
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text_[at_] - '0', &value))
          failed_ = true;
        ++at_;
      }
      return Dim(value);
    }
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_')) ++at_;
    if (at_ == start) {
      failed_ = true;
      return Dim();
    }
    return Dim::symbol(text_.substr(start, at_ - start));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
};

}  // namespace

Dim Dim::of_terms(std::vector<Term> terms) {
  std::sort(terms.begin(), terms.end(),
            [](const Term& a, const Term& b) { return factors_less(a.factors, b.factors); });
  std::vector<Term> merged;
  for (Term& term : terms) {
    if (!merged.empty() && merged.back().factors == term.factors) {
      merged.back().coefficient += term.coefficient;
    } else {
      merged.push_back(std::move(term));
    }
    if (merged.back().coefficient == 0) merged.pop_back();
  }
  if (merged.empty()) return Dim(0);
  if (merged.size() == 1 && merged[0].factors.empty()) return Dim(merged[0].coefficient);
  Dim dim;
  dim.terms_ = std::make_shared<const std::vector<Term>>(std::move(merged));
  return dim;
}

Dim Dim::symbol(std::string_view name) { return of_terms({{1, {intern(std::string(name), nullptr, 1)}}}); }

Dim Dim::floor_div(const Dim& a, std::int64_t divisor) {
  MICA_CHECK(divisor > 0) << "quotient of a dim by " << divisor;
  if (divisor == 1) return a;
  if (a.is_static()) return Dim(floor_quotient(a.constant_, divisor));
  // Pull multiples of the divisor out, so that (2*N+1)/2 is N and texts stay short.
  Dim whole(0), rest(0);
  for (const Term& term : *a.terms_) {
    std::int64_t q = floor_quotient(term.coefficient, divisor);
    if (term.factors.empty() || term.coefficient % divisor == 0) {
      whole = whole + of_terms({{q, term.factors}});
      rest = rest + of_terms({{term.coefficient - q * divisor, term.factors}});
    } else {
      rest = rest + of_terms({term});
    }
  }
  if (rest.is_static()) return whole + floor_quotient(rest.constant_, divisor);
  std::string text = rest.to_string();
  if (rest.terms_->size() > 1 || rest.terms_->front().coefficient != 1 || rest.terms_->front().factors.size() != 1) {
    text = "(" + text + ")";
  }
  return whole +
         of_terms(
             {{1, {intern(absl::StrCat("(", text, "/", divisor, ")"), std::make_shared<const Dim>(rest), divisor)}}});
}

absl::StatusOr<Dim> Dim::parse(std::string_view text) { return DimParser(text).parse(); }

std::int64_t Dim::value() const {
  MICA_CHECK(is_static()) << "value of the symbolic dim " << to_string();
  return constant_;
}

std::vector<Dim::Term> Dim::terms() const {
  if (terms_) return *terms_;
  return constant_ == 0 ? std::vector<Term>{} : std::vector<Term>{{constant_, {}}};
}

void Dim::collect_symbols(std::vector<const Symbol*>& out) const {
  for (const Term& term : terms()) {
    for (const Symbol* symbol : term.factors) {
      if (symbol->numerator) {
        symbol->numerator->collect_symbols(out);
      } else if (std::find(out.begin(), out.end(), symbol) == out.end()) {
        out.push_back(symbol);
      }
    }
  }
}

std::int64_t Dim::evaluate(const SymbolValue& value) const {
  if (is_static()) return constant_;
  std::int64_t sum = 0;
  for (const Term& term : *terms_) {
    std::int64_t product = term.coefficient;
    for (const Symbol* symbol : term.factors) {
      product *=
          symbol->numerator ? floor_quotient(symbol->numerator->evaluate(value), symbol->divisor) : value(*symbol);
    }
    sum += product;
  }
  return sum;
}

Dim Dim::substitute(const std::function<std::optional<Dim>(const Symbol&)>& replacement) const {
  if (is_static()) return *this;
  Dim sum(0);
  for (const Term& term : *terms_) {
    Dim product(term.coefficient);
    for (const Symbol* symbol : term.factors) {
      std::optional<Dim> other = replacement(*symbol);
      if (!other && symbol->numerator) other = floor_div(symbol->numerator->substitute(replacement), symbol->divisor);
      product = product * (other ? *other : of_terms({{1, {symbol}}}));
    }
    sum = sum + product;
  }
  return sum;
}

std::string Dim::to_string() const {
  if (is_static()) return absl::StrCat(constant_);
  std::string text;
  for (const Term& term : *terms_) {
    std::int64_t c = term.coefficient;
    absl::StrAppend(&text, c < 0 ? "-" : text.empty() ? "" : "+");
    std::int64_t magnitude = c < 0 ? -c : c;
    if (term.factors.empty()) {
      absl::StrAppend(&text, magnitude);
      continue;
    }
    if (magnitude != 1) absl::StrAppend(&text, magnitude, "*");
    for (std::size_t i = 0; i < term.factors.size(); ++i) absl::StrAppend(&text, i ? "*" : "", term.factors[i]->name);
  }
  return text;
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_static() && b.is_static()) return Dim(a.constant_ + b.constant_);
  std::vector<Dim::Term> terms = a.terms();
  for (Dim::Term& term : b.terms()) terms.push_back(std::move(term));
  return Dim::of_terms(std::move(terms));
}

Dim operator-(const Dim& a, const Dim& b) { return a + Dim(-1) * b; }

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_static() && b.is_static()) return Dim(a.constant_ * b.constant_);
  std::vector<Dim::Term> terms;
  for (const Dim::Term& x : a.terms()) {
    for (const Dim::Term& y : b.terms()) {
      Dim::Term term{x.coefficient * y.coefficient, x.factors};
      term.factors.insert(term.factors.end(), y.factors.begin(), y.factors.end());
      std::sort(term.factors.begin(), term.factors.end(),
                [](const Symbol* p, const Symbol* q) { return p->name < q->name; });
      terms.push_back(std::move(term));
    }
  }
  return Dim::of_terms(std::move(terms));
}

bool operator==(const Dim& a, const Dim& b) {
  if (a.is_static() || b.is_static()) return a.is_static() && b.is_static() && a.constant_ == b.constant_;
  if (a.terms_ == b.terms_) return true;
  return std::equal(
      a.terms_->begin(), a.terms_->end(), b.terms_->begin(), b.terms_->end(),
      [](const Dim::Term& x, const Dim::Term& y) { return x.coefficient == y.coefficient && x.factors == y.factors; });
}

std::optional<Dim> Dim::exact_div(const Dim& a, const Dim& b) {
  if (a.is(0)) return b.is(0) ? std::nullopt : std::optional<Dim>(Dim(0));
  std::vector<Term> divisor = b.terms();
  if (divisor.empty()) return std::nullopt;
  if (a == b) return Dim(1);
  // Polynomial long division by the leading term; exact or nothing.
  Dim rest = a, quotient(0);
  for (int step = 0; step < 16 && !rest.is(0); ++step) {
    Term lead = rest.terms().front();
    if (lead.coefficient % divisor[0].coefficient != 0) return std::nullopt;
    Term q{lead.coefficient / divisor[0].coefficient, lead.factors};
    for (const Symbol* symbol : divisor[0].factors) {
      auto it = std::find(q.factors.begin(), q.factors.end(), symbol);
      if (it == q.factors.end()) return std::nullopt;
      q.factors.erase(it);
    }
    Dim part = of_terms({q});
    quotient = quotient + part;
    rest = rest - part * b;
  }
  return rest.is(0) ? std::optional<Dim>(quotient) : std::nullopt;
}

Dim product(const Dims& dims) {
  Dim result(1);
  for (const Dim& dim : dims) result = result * dim;
  return result;
}

bool all_static(const Dims& dims) {
  return std::all_of(dims.begin(), dims.end(), [](const Dim& dim) { return dim.is_static(); });
}

std::string to_string(const Dims& dims) {
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) absl::StrAppend(&text, i ? "," : "", dims[i].to_string());
  return text + "]";
}

absl::StatusOr<Dims> parse_dims(std::string_view text) {
  auto bad = [&] {
    return absl::InvalidArgumentError(absl::StrCat("not a list of dims: \"", std::string(text), "\""));
  };
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return bad();
  text = text.substr(1, text.size() - 2);
  Dims dims;
  while (!text.empty()) {
    std::size_t comma = text.find(',');
    absl::StatusOr<Dim> dim = Dim::parse(text.substr(0, comma));
    if (!dim.ok()) return dim.status();
    dims.push_back(*std::move(dim));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) return bad();
  }
  return dims;
}

}  // namespace mica::ir
