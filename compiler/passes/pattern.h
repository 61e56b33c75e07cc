// Rewrite rules as data: a pattern over operations, a replacement, and two texts that prove the rule, an example and a
// near miss.
//
//   {"double-negation", call("negative", {call("negative", {any("x")})}), to("x"), R"(…)", R"(…)"}
//
// A capture that stands twice in a pattern must bind the same value both times. A replacement whose type differs from
// the value it replaces does not apply: rules need not check that broadcasting or promotion made the result another
// type.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/graph/graph.h"
#include "compiler/ops/builder.h"

namespace mica::ir {

class Pattern {
 public:
  enum class Kind { kAny, kSplat, kCall };
  Kind kind = Kind::kAny;
  std::string name;       // of the capture (kAny, kSplat) or of the operation (kCall; empty: every operation)
  double number = 0;      // kSplat without a capture
  bool commutes = false;  // kCall: the two operands in either order
  bool variadic = false;  // kCall: operands are not looked at
  std::vector<Pattern> operands = {};
};

Pattern any(std::string_view capture);
Pattern splat(double number);             // a constant of this number, of every shape
Pattern splat_as(std::string_view name);  // a constant, captured
Pattern call(std::string_view op, std::vector<Pattern> operands);
Pattern commuting(std::string_view op, Pattern a, Pattern b);
Pattern each(std::string_view op);  // a node of the operation, whatever its operands; "" for every node

// What a rule sees when its pattern has matched.
class Match {
 public:
  Match(Graph& graph, Node& root) : b(graph), root_(root) {}
  Builder b;
  Node& root() const { return root_; }
  Value operator[](std::string_view capture) const;
  double number(std::string_view capture) const;  // of a captured constant
  // Binds, or compares with what is bound.
  bool bind(const std::string& capture, Value value);
  void restore(const Match& earlier) { captures_ = earlier.captures_; }

 private:
  Node& root_;
  std::map<std::string, Value, std::less<>> captures_;
};
bool matches(const Pattern& pattern, Value value, Match& match);

// The replacement of the root's only result; an empty Value when the rule does not apply after all.
using Replace = std::function<Value(Match&)>;
Replace to(std::string_view capture);

struct Rule {
  std::string_view name;
  Pattern from;
  Replace replace;
  std::string_view example, near_miss;  // graphs as text: the rule fires on the first and not on the second
};

// Applies the rules until none fires and returns how often one did. Bounded: rules that feed each other are reported by
// name as an error. MICA_TRACE=rewrite prints each application.
absl::StatusOr<int> apply_rules(Graph& graph, std::span<const Rule> rules);

// The number of a `constant` node.
bool is_splat(Value value, double* number);

}  // namespace mica::ir
