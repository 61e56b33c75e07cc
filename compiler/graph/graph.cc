#include "compiler/graph/graph.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

// The records of graph operands: they have no operands of their own and are known to the printer by their keyword.
const OpDef& operand_op(bool variable) {
  static const auto* input_def = new OpDef{.name = "input", .doc = "An operand of the graph.", .internal = true};
  static const auto* variable_def =
      new OpDef{.name = "variable", .doc = "The current value of a Variable.", .internal = true};
  return variable ? *variable_def : *input_def;
}

// Fills defaults in the record's order, so that equal nodes print equally; rejects names the record does not know.
absl::StatusOr<Attrs> complete_attrs(const OpDef& op, const Attrs& given) {
  Attrs complete;
  for (const AttrDef& def : op.attrs) {
    const Attr* value = given.find(def.name);
    if (!value && def.required)
      return absl::InvalidArgumentError(absl::StrCat(op.name, ": expected the attribute \"", def.name, "\""));
    if (value && value->index() != def.fallback.index()) {
      return absl::InvalidArgumentError(absl::StrCat(op.name, ": expected attribute \"", def.name, "\" to be ",
                                                     to_string(kind_of(def.fallback)), ", received ",
                                                     to_string(*value)));
    }
    if (value && !def.allowed.empty() &&
        std::find(def.allowed.begin(), def.allowed.end(), std::get<std::string>(*value)) == def.allowed.end()) {
      std::string allowed;
      for (const std::string& choice : def.allowed) absl::StrAppend(&allowed, allowed.empty() ? "" : ", ", choice);
      return absl::InvalidArgumentError(absl::StrCat(op.name, ": expected attribute \"", def.name, "\" to be one of ",
                                                     allowed, ", received ", to_string(*value)));
    }
    complete.set(def.name, value ? *value : def.fallback);
  }
  for (const auto& [name, value] : given.items()) {
    if (!complete.find(name))
      return absl::InvalidArgumentError(absl::StrCat(op.name, ": has no attribute \"", name, "\""));
  }
  return complete;
}

bool dtype_allowed(const std::string& allowed, DType dtype) {
  if (allowed == "float") return dtype.is_floating();
  if (allowed == "int") return dtype.is_integral();
  if (allowed == "bool") return dtype.is_bool();
  if (allowed == "number") return dtype.is_floating() || dtype.is_integral();
  return true;
}

const OperandDef* operand_def(const OpDef& op, std::size_t i) {
  if (i < op.operands.size()) return &op.operands[i];
  return !op.operands.empty() && op.operands.back().kind == OperandDef::kVariadic ? &op.operands.back() : nullptr;
}

absl::Status check_operands(const OpDef& op, const Values& operands) {
  std::size_t required = 0;
  for (const OperandDef& def : op.operands) required += def.kind == OperandDef::kRequired;
  if (operands.size() < required || (!operands.empty() && !operand_def(op, operands.size() - 1))) {
    return absl::InvalidArgumentError(absl::StrCat(op.name, ": expected ", required,
                                                   operands.size() < required ? " or more" : "", " operands, received ",
                                                   operands.size()));
  }
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const OperandDef& def = *operand_def(op, i);
    if (!operands[i]) return absl::InvalidArgumentError(absl::StrCat(op.name, ": operand ", def.name, " is absent"));
    if (!dtype_allowed(def.dtypes, operands[i].dtype())) {
      return absl::InvalidArgumentError(absl::StrCat(op.name, ": expected ", def.name, " of type ", def.dtypes,
                                                     ", received ", operands[i].type().to_string()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

const TensorType& Value::type() const { return node->result_types()[static_cast<std::size_t>(index)]; }

bool Node::is(std::string_view op_name) const { return op_->name == op_name; }

bool Node::has_uses() const {
  return std::any_of(uses_.begin(), uses_.end(), [](const std::vector<Use>& uses) { return !uses.empty(); });
}

void Node::set_operand(int i, Value value) {
  Value& slot = operands_[static_cast<std::size_t>(i)];
  if (slot == value) return;
  if (slot) {
    std::erase_if(slot.node->uses_[static_cast<std::size_t>(slot.index)],
                  [&](const Use& use) { return use.user == this && use.operand == i; });
  }
  slot = value;
  if (value) value.node->uses_[static_cast<std::size_t>(value.index)].push_back({this, i});
}

Graph::Graph(std::string name) : name_(std::move(name)) {}
Graph::~Graph() = default;

Node* Graph::append(const OpDef& op, Values operands, Attrs attrs, Types results,
                    std::vector<std::unique_ptr<Graph>> bodies) {
  nodes_.push_back(std::unique_ptr<Node>(new Node()));
  Node* node = nodes_.back().get();
  node->op_ = &op;
  node->graph_ = this;
  node->position_ = nodes_.size() - 1;
  node->attrs_ = std::move(attrs);
  node->results_ = std::move(results);
  node->uses_.resize(node->results_.size());
  node->bodies_ = std::move(bodies);
  node->loc_ = loc_;
  node->operands_.resize(operands.size());
  for (std::size_t i = 0; i < operands.size(); ++i) node->set_operand(static_cast<int>(i), operands[i]);
  return node;
}

Value Graph::input(TensorType type, std::string_view name) {
  Node* node = append(operand_op(false), {}, {}, {std::move(type)}, {});
  node->name_ = name;
  inputs_.push_back(node);
  return node->result();
}

Value Graph::variable(TensorType type, std::string_view path) {
  Node* node = append(operand_op(true), {}, {}, {std::move(type)}, {});
  node->name_ = path;
  variables_.push_back(node);
  return node->result();
}

namespace {

Types types_of(const Values& values) {
  Types types;
  for (const Value& value : values) types.push_back(value.type());
  return types;
}

struct Inferred {
  Attrs attrs;  // complete
  Types results;
};

absl::StatusOr<Inferred> infer(const OpDef& op, const Values& operands, const Attrs& attrs,
                               const std::vector<std::unique_ptr<Graph>>& bodies) {
  if (absl::Status status = check_operands(op, operands); !status.ok()) return status;
  absl::StatusOr<Attrs> complete = complete_attrs(op, attrs);
  if (!complete.ok()) return complete.status();
  absl::StatusOr<Types> results = op.infer(InferContext{op, *complete, types_of(operands), bodies});
  if (!results.ok()) {
    return absl::Status(results.status().code(), absl::StrCat(op.name, ": ", std::string(results.status().message())));
  }
  return Inferred{*std::move(complete), *std::move(results)};
}

// What the operation asks of sizes, as far as they are known.
absl::Status check_known_sizes(const OpDef& op, const Values& operands, const Attrs& attrs,
                               const std::vector<std::unique_ptr<Graph>>& bodies) {
  if (!op.bounds) return absl::OkStatus();
  for (const Bound& bound : op.bounds(InferContext{op, attrs, types_of(operands), bodies})) {
    if (!bound.slack.is_static() || bound.slack.value() >= 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(op.name, ": expected ", bound.expected, ", received ", bound.received.to_string()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Node*> Graph::try_add(const OpDef& op, Values operands, Attrs attrs,
                                     std::vector<std::unique_ptr<Graph>> bodies) {
  absl::StatusOr<Inferred> inferred = infer(op, operands, attrs, bodies);
  if (!inferred.ok()) return inferred.status();
  if (absl::Status fits = check_known_sizes(op, operands, inferred->attrs, bodies); !fits.ok()) return fits;
  return append(op, std::move(operands), std::move(inferred->attrs), std::move(inferred->results), std::move(bodies));
}

// Parts of a composite are not asked for sizes that are known: nothing is read where there is nothing.
Node* Graph::add(const OpDef& op, Values operands, Attrs attrs, std::vector<std::unique_ptr<Graph>> bodies) {
  absl::StatusOr<Inferred> inferred = infer(op, operands, attrs, bodies);
  MICA_CHECK(inferred.ok()) << inferred.status().message();
  return append(op, std::move(operands), std::move(inferred->attrs), std::move(inferred->results), std::move(bodies));
}

Value Graph::add(std::string_view op_name, Values operands, Attrs attrs) {
  Node* node = add(op(op_name), std::move(operands), std::move(attrs));
  MICA_CHECK(node->num_results() == 1) << op_name << " has " << node->num_results() << " results";
  return node->result();
}

void Graph::add_output(Value value, std::string_view name, bool tap) {
  outputs_.push_back({value, std::string(name), nullptr, tap});
}

void Graph::add_update(Value variable, Value new_value) {
  MICA_CHECK(variable.node->is("variable") && variable.node->graph_ == this) << "update of a value that is no variable";
  outputs_.push_back({new_value, {}, variable.node, false});
}

void Graph::replace_all_uses(Value from, Value to) {
  if (from == to) return;
  // All at once: one value may have as many uses as the graph has nodes.
  std::vector<Use> uses = std::exchange(from.node->uses_[static_cast<std::size_t>(from.index)], {});
  for (const Use& use : uses) {
    use.user->operands_[static_cast<std::size_t>(use.operand)] = to;
    to.node->uses_[static_cast<std::size_t>(to.index)].push_back(use);
  }
  for (Output& output : outputs_) {
    if (output.value == from) output.value = to;
  }
}

bool Graph::is_used(const Node& node) const {
  return node.has_uses() || std::any_of(outputs_.begin(), outputs_.end(),
                                        [&](const Output& o) { return o.value.node == &node || o.target == &node; });
}

std::vector<char> Graph::needed_nodes() const {
  std::vector<char> needed(nodes_.size(), false);
  std::vector<const Node*> work;
  auto want = [&](const Node* node) {
    if (std::exchange(needed[node->position_], true)) return;
    work.push_back(node);
  };
  for (const Output& output : outputs_) want(output.value.node);
  while (!work.empty()) {
    const Node* node = work.back();
    work.pop_back();
    for (const Value& operand : node->operands_) want(operand.node);
  }
  for (const Node* node : inputs_) needed[node->position_] = true;
  for (const Node* node : variables_) needed[node->position_] = true;
  return needed;
}

void Graph::forget_uses_by_others(const std::vector<char>& needed) {
  std::vector<char> read_by_others(nodes_.size(), false);
  for (const auto& node : nodes_) {
    if (needed[node->position_]) continue;
    for (const Value& operand : node->operands_) {
      if (operand) read_by_others[operand.node->position_] = true;
    }
  }
  for (const auto& node : nodes_) {
    if (!read_by_others[node->position_]) continue;
    for (std::vector<Use>& uses : node->uses_)
      std::erase_if(uses, [&](const Use& use) { return !needed[use.user->position_]; });
  }
}

// Depth first along the present order, without recursion: graphs may be 100,000 nodes deep.
std::vector<std::unique_ptr<Node>> Graph::take_in_order(const std::vector<char>& needed) {
  std::vector<std::unique_ptr<Node>> ordered;
  ordered.reserve(nodes_.size());
  enum State : char { kWaiting, kEntered, kPlaced };
  std::vector<State> state(nodes_.size(), kWaiting);
  std::vector<std::pair<std::size_t, std::size_t>> stack;  // (position, next operand)
  for (std::size_t root = 0; root < nodes_.size(); ++root) {
    if (state[root] != kWaiting || !needed[root]) continue;
    stack.push_back({root, 0});
    state[root] = kEntered;
    while (!stack.empty()) {
      auto& [at, next] = stack.back();
      const Values& operands = nodes_[at]->operands_;
      if (next < operands.size()) {
        const std::size_t operand = operands[next++].node->position_;
        if (state[operand] == kWaiting) {
          state[operand] = kEntered;
          stack.push_back({operand, 0});
        } else {
          MICA_CHECK(state[operand] == kPlaced) << "cycle through " << nodes_[operand]->op().name;
        }
        continue;
      }
      state[at] = kPlaced;
      ordered.push_back(std::move(nodes_[at]));
      stack.pop_back();
    }
  }
  return ordered;
}

int Graph::sort_and_sweep() {
  const std::size_t before = nodes_.size();
  const std::vector<char> needed = needed_nodes();
  forget_uses_by_others(needed);
  nodes_ = take_in_order(needed);  // the others go
  for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i]->position_ = i;
  return static_cast<int>(before - nodes_.size());
}

std::unique_ptr<Graph> Graph::clone() const {
  auto copy = std::make_unique<Graph>(name_);
  Values arguments;
  for (const Node* node : inputs_) arguments.push_back(copy->input(node->results_[0], node->name_));
  for (const Node* node : variables_) arguments.push_back(copy->variable(node->results_[0], node->name_));
  Values values = copy->inline_graph(*this, arguments);
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    Output output = outputs_[i];
    output.value = values[i];
    if (output.target) {
      auto it = std::find(variables_.begin(), variables_.end(), output.target);
      output.target = copy->variables_[static_cast<std::size_t>(it - variables_.begin())];
    }
    copy->outputs_.push_back(std::move(output));
  }
  copy->loc_ = loc_;
  return copy;
}

Values Graph::inline_graph(const Graph& other, const Values& arguments) {
  MICA_CHECK(arguments.size() == other.inputs_.size() + other.variables_.size())
      << other.name_ << " takes other operands";
  std::unordered_map<const Node*, Node*> copies;
  std::unordered_map<const Node*, Value> operands;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Node* node = i < other.inputs_.size() ? other.inputs_[i] : other.variables_[i - other.inputs_.size()];
    operands[node] = arguments[i];
  }
  auto copied = [&](Value value) {
    auto it = operands.find(value.node);
    return it != operands.end() ? it->second : Value{copies.at(value.node), value.index};
  };
  for (const std::unique_ptr<Node>& node : other.nodes_) {
    if (operands.count(node.get())) continue;
    Values inner;
    for (const Value& operand : node->operands_) inner.push_back(copied(operand));
    std::vector<std::unique_ptr<Graph>> bodies;
    for (const std::unique_ptr<Graph>& body : node->bodies_) bodies.push_back(body->clone());
    Node* copy = append(*node->op_, std::move(inner), node->attrs_, node->results_, std::move(bodies));
    if (!node->loc_.empty()) copy->loc_ = node->loc_;
    copies[node.get()] = copy;
  }
  Values results;
  for (const Output& output : other.outputs_) results.push_back(copied(output.value));
  return results;
}

std::string Graph::structural_key() const { return print(*this, {.locations = false, .names = false}); }

}  // namespace mica::ir
