// Dim: one extent of a tensor, an integer or a polynomial with integer coefficients over named symbols ("N", "4*N",
// "N*T", "(T-3)/2+1").
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace mica::ir {

class Dim;

// A symbol is a name ("N") or a quotient rounded down of another dim by a positive constant, whose name is its text
// ("(T-3)/2"). Symbols are interned: equal names are the same pointer, so comparison is by pointer and order by name.
struct Symbol {
  std::string name;
  std::shared_ptr<const Dim> numerator;  // null for a plain name
  std::int64_t divisor = 1;
};

// What the symbols stand for when a Program is bound to concrete arrays. Quotients are derived from the plain names.
using SymbolValue = std::function<std::int64_t(const Symbol&)>;

class Dim {
 public:
  struct Term {
    std::int64_t coefficient = 0;
    std::vector<const Symbol*> factors;  // sorted by name; empty for the constant term
  };

  Dim(std::int64_t value = 0) : constant_(value) {}
  static Dim symbol(std::string_view name);
  static Dim floor_div(const Dim& numerator, std::int64_t divisor);
  static absl::StatusOr<Dim> parse(std::string_view text);

  bool is_static() const { return terms_ == nullptr; }
  std::int64_t value() const;  // static dims only
  bool is(std::int64_t value) const { return is_static() && constant_ == value; }
  std::vector<Term> terms() const;  // without zero coefficients
  void collect_symbols(
      std::vector<const Symbol*>& out) const;  // plain names this dim depends on, each once, through quotients
  std::int64_t evaluate(const SymbolValue& value) const;
  Dim substitute(const std::function<std::optional<Dim>(const Symbol&)>& replacement) const;
  std::string to_string() const;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  friend bool operator==(const Dim& a, const Dim& b);
  // The quotient when `a` is a multiple of `b` for every value of the symbols.
  static std::optional<Dim> exact_div(const Dim& a, const Dim& b);

 private:
  static Dim of_terms(std::vector<Term> terms);
  std::int64_t constant_;
  std::shared_ptr<const std::vector<Term>> terms_;  // null when static
};

using Dims = std::vector<Dim>;

Dim product(const Dims& dims);
bool all_static(const Dims& dims);
std::string to_string(const Dims& dims);  // "[N,28,28,1]"
absl::StatusOr<Dims> parse_dims(std::string_view text);

}  // namespace mica::ir
