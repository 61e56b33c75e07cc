// Attributes of a node: a short ordered list of named values whose names and defaults come from the operation's record.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/graph/dim.h"
#include "runtime/dtype.h"

namespace mica::ir {

using Ints = std::vector<std::int64_t>;
using Doubles = std::vector<double>;
using Strings = std::vector<std::string>;
// The order of the alternatives is the order of AttrKind.
using Attr = std::variant<bool, std::int64_t, double, std::string, DType, Ints, Doubles, Strings, Dims>;
enum class AttrKind { kBool, kInt, kDouble, kString, kDType, kInts, kDoubles, kStrings, kDims };

inline AttrKind kind_of(const Attr& attr) { return static_cast<AttrKind>(attr.index()); }
const char* to_string(AttrKind kind);
// The text of one value: true, 3, 0.5, "same", f32, [1,2], [0.5,1.0], ["bias","relu"], [N,4]. Doubles read back to the
// same bits.
std::string to_string(const Attr& attr);
absl::StatusOr<Attr> parse_attr(AttrKind kind, std::string_view text);

class Attrs {
 public:
  Attrs() = default;
  Attrs(std::initializer_list<std::pair<std::string, Attr>> items) : items_(items) {}
  const Attr* find(std::string_view name) const;
  void set(std::string_view name, Attr value);
  void erase(std::string_view name);
  template <class T>
  const T& get(std::string_view name) const;  // MICA_CHECKs presence and kind: the builder has filled defaults
  bool flag(std::string_view name) const { return get<bool>(name); }
  std::int64_t integer(std::string_view name) const { return get<std::int64_t>(name); }
  double number(std::string_view name) const { return get<double>(name); }
  const std::string& text(std::string_view name) const { return get<std::string>(name); }
  const Ints& ints(std::string_view name) const { return get<Ints>(name); }
  const std::vector<std::pair<std::string, Attr>>& items() const { return items_; }
  friend bool operator==(const Attrs&, const Attrs&) = default;

 private:
  const Attr& require(std::string_view name) const;
  std::vector<std::pair<std::string, Attr>> items_;
};

namespace internal {
[[noreturn]] void wrong_attr_kind(std::string_view name, const Attr& attr);
}
template <class T>
const T& Attrs::get(std::string_view name) const {
  const Attr& attr = require(name);
  if (const T* value = std::get_if<T>(&attr)) return *value;
  internal::wrong_attr_kind(name, attr);
}

}  // namespace mica::ir
