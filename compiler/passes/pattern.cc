#include "compiler/passes/pattern.h"

#include <cstdio>
#include <deque>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/dump.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

bool match_operands(const std::vector<Pattern>& patterns, const Node& node, bool swapped, Match& match) {
  if (static_cast<int>(patterns.size()) != node.num_operands()) return false;
  for (int i = 0; i < node.num_operands(); ++i) {
    int at = swapped ? node.num_operands() - 1 - i : i;
    if (!matches(patterns[static_cast<std::size_t>(i)], node.operand(at), match)) return false;
  }
  return true;
}

// Rules by the operation at their root, in the order of the table.
class RuleIndex {
 public:
  explicit RuleIndex(std::span<const Rule> rules) {
    for (const Rule& rule : rules) by_root_[rule.from.name].push_back(&rule);
  }
  template <class F>
  bool any_of(const std::string& op, F&& f) const {
    for (const std::string& key : {op, std::string()}) {
      auto it = by_root_.find(key);
      if (it == by_root_.end()) continue;
      for (const Rule* rule : it->second) {
        if (f(*rule)) return true;
      }
    }
    return false;
  }

 private:
  std::unordered_map<std::string, std::vector<const Rule*>> by_root_;
};

class Rewriter {
 public:
  Rewriter(Graph& graph, std::span<const Rule> rules) : graph_(graph), rules_(rules), trace_(trace_wanted("rewrite")) {
    for (const auto& node : graph.nodes()) push(node.get());
    for (const Output& output : graph.outputs()) kept_.insert(output.value);
    bound_ = 1000 + 16 * graph.nodes().size();
  }

  absl::StatusOr<int> run() {
    const std::size_t nodes = graph_.nodes().size();
    while (!work_.empty()) {
      Node* node = work_.front();
      work_.pop_front();
      queued_.erase(node);
      if (node->num_results() != 1 || !is_alive(*node)) continue;
      bool fired = rules_.any_of(node->op().name, [&](const Rule& rule) { return apply(rule, *node); });
      if (fired && ++fired_ > bound_)
        return absl::InternalError(absl::StrCat("rules feed each other without end, the last is ", last_));
    }
    if (graph_.nodes().size() != nodes || fired_ > 0) graph_.sort_and_sweep();
    return static_cast<int>(fired_);
  }

 private:
  void push(Node* node) {
    if (queued_.insert(node).second) work_.push_back(node);
  }
  bool is_alive(Node& node) const { return node.has_uses() || kept_.count(node.result()) > 0; }

  bool apply(const Rule& rule, Node& node) {
    Match match(graph_, node);
    Value old = node.result();
    if (!matches(rule.from, old, match)) return false;
    std::size_t before = graph_.nodes().size();
    graph_.set_loc(node.loc());
    Value replacement = rule.replace(match);
    if (!replacement || replacement == old || replacement.type() != old.type()) return false;
    last_ = rule.name;
    if (trace_) {
      std::fprintf(stderr, "%s: %s -> %s  # %s\n", last_.c_str(), node.op().name.c_str(),
                   replacement.node->op().name.c_str(), node.loc().c_str());
    }
    std::vector<Use> users = node.uses();
    graph_.replace_all_uses(old, replacement);
    if (kept_.erase(old)) kept_.insert(replacement);
    for (std::size_t i = before; i < graph_.nodes().size(); ++i) push(graph_.nodes()[i].get());
    for (const Use& use : users) push(use.user);
    return true;
  }

  Graph& graph_;
  RuleIndex rules_;
  bool trace_;
  std::deque<Node*> work_;
  std::unordered_set<const Node*> queued_;
  std::set<Value> kept_;  // outputs of the graph
  std::size_t fired_ = 0, bound_ = 0;
  std::string last_;
};

}  // namespace

Pattern any(std::string_view capture) { return {.kind = Pattern::Kind::kAny, .name = std::string(capture)}; }
Pattern splat(double number) { return {.kind = Pattern::Kind::kSplat, .name = {}, .number = number}; }
Pattern splat_as(std::string_view name) { return {.kind = Pattern::Kind::kSplat, .name = std::string(name)}; }
Pattern call(std::string_view op, std::vector<Pattern> operands) {
  return {.kind = Pattern::Kind::kCall, .name = std::string(op), .operands = std::move(operands)};
}
Pattern commuting(std::string_view op, Pattern a, Pattern b) {
  Pattern pattern = call(op, {std::move(a), std::move(b)});
  pattern.commutes = true;
  return pattern;
}
Pattern each(std::string_view op) { return {.kind = Pattern::Kind::kCall, .name = std::string(op), .variadic = true}; }

bool is_splat(Value value, double* number) {
  if (!value.node->is("constant")) return false;
  *number = value.node->attrs().number("value");
  return true;
}

Value Match::operator[](std::string_view capture) const {
  auto it = captures_.find(capture);
  MICA_CHECK(it != captures_.end()) << "the pattern has no capture " << capture;
  return it->second;
}

double Match::number(std::string_view capture) const {
  double number = 0;
  MICA_CHECK(is_splat((*this)[capture], &number)) << "capture " << capture << " is no constant";
  return number;
}

bool Match::bind(const std::string& capture, Value value) {
  return captures_.emplace(capture, value).first->second == value;
}

bool matches(const Pattern& pattern, Value value, Match& match) {
  double number = 0;
  switch (pattern.kind) {
    case Pattern::Kind::kAny:
      return match.bind(pattern.name, value);
    case Pattern::Kind::kSplat:
      if (!is_splat(value, &number)) return false;
      return pattern.name.empty() ? number == pattern.number : match.bind(pattern.name, value);
    case Pattern::Kind::kCall: {
      const Node& node = *value.node;
      if (!pattern.name.empty() && !node.is(pattern.name)) return false;
      if (pattern.variadic) return true;
      Match before = match;
      if (match_operands(pattern.operands, node, false, match)) return true;
      if (!pattern.commutes) return false;
      match.restore(before);
      return match_operands(pattern.operands, node, true, match);
    }
  }
  return false;
}

Replace to(std::string_view capture) {
  return [name = std::string(capture)](Match& match) { return match[name]; };
}

absl::StatusOr<int> apply_rules(Graph& graph, std::span<const Rule> rules) { return Rewriter(graph, rules).run(); }

}  // namespace mica::ir
