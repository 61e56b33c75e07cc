// Graph IR: a typed, acyclic, single-block SSA graph of pure operations. State leaves through updates.
//
//   graph @mlp(%x: f32[N,784]) {
//     %w = variable "dense/kernel" : f32[784,64]
//     %0 = matmul(%x, %w) : f32[N,64]                 # dense
//     %1 = relu(%0) : f32[N,64]                       # dense
//     return %1 as "features"
//   }
//
// Nodes stand in topological order: operands before users. A graph owns its nodes; a Value is a plain pair that lives
// as long as they do.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compiler/graph/attrs.h"
#include "compiler/graph/type.h"

namespace mica::ir {

struct OpDef;
class Graph;
class Node;

struct Value {
  Node* node = nullptr;
  int index = 0;
  explicit operator bool() const { return node != nullptr; }
  const TensorType& type() const;
  const Dims& dims() const { return type().dims; }
  DType dtype() const { return type().dtype; }
  int rank() const { return type().rank(); }
  friend bool operator==(const Value&, const Value&) = default;
  friend auto operator<=>(const Value&, const Value&) = default;  // by address: for sets, never for order of output
};
using Values = std::vector<Value>;

struct Use {
  Node* user;
  int operand;
};

class Node {
 public:
  const OpDef& op() const { return *op_; }
  bool is(std::string_view op_name) const;
  const Attrs& attrs() const { return attrs_; }
  const Values& operands() const { return operands_; }
  Value operand(int i) const { return operands_[static_cast<std::size_t>(i)]; }
  int num_operands() const { return static_cast<int>(operands_.size()); }
  const Types& result_types() const { return results_; }
  int num_results() const { return static_cast<int>(results_.size()); }
  Value result(int i = 0) { return {this, i}; }
  const std::vector<Use>& uses(int result = 0) const { return uses_[static_cast<std::size_t>(result)]; }
  bool has_uses() const;
  // Regions: the body of `scan` and `fusion`. Its inputs are the node's operands as the operation's record says.
  const std::vector<std::unique_ptr<Graph>>& bodies() const { return bodies_; }
  Graph& body(int i = 0) const { return *bodies_[static_cast<std::size_t>(i)]; }
  // The path of the layer that made it, "encoder/conv1"; kept by every pass, down to the profile line.
  const std::string& loc() const { return loc_; }
  Graph& graph() const { return *graph_; }
  // Its place in graph().nodes(), for tables by number. Changes when the graph is sorted.
  std::size_t position() const { return position_; }
  const std::string& name_hint() const { return name_; }  // of inputs and variables: the name in the text

  void set_loc(std::string_view loc) { loc_ = loc; }
  void set_attr(std::string_view name, Attr value) { attrs_.set(name, std::move(value)); }
  void set_operand(int i, Value value);
  void set_result_type(int i, TensorType type) { results_[static_cast<std::size_t>(i)] = std::move(type); }

 private:
  friend class Graph;
  Node() = default;
  const OpDef* op_ = nullptr;
  Graph* graph_ = nullptr;
  std::size_t position_ = 0;
  Attrs attrs_;
  Values operands_;
  Types results_;
  std::vector<std::vector<Use>> uses_;
  std::vector<std::unique_ptr<Graph>> bodies_;
  std::string loc_, name_;
};

// What a graph hands out. An update is a new value of the variable that `target` reads.
struct Output {
  Value value;
  std::string name;        // results: the key of the result; unique
  Node* target = nullptr;  // updates: a `variable` node of this graph
  bool tap = false;  // an intermediate that was asked for: never changes how the rest is fused, where a store suffices
};

class Graph {
 public:
  explicit Graph(std::string name = "main");
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

  // Operands of the graph, in order of definition: caller's arrays, and Variables by path. Names are unique.
  Value input(TensorType type, std::string_view name);
  Value variable(TensorType type, std::string_view path);
  const std::vector<Node*>& inputs() const { return inputs_; }
  const std::vector<Node*>& variables() const { return variables_; }

  // Appends a node: fills default attributes, infers result types, checks the record's rules. The text of a failure
  // names the operation, what it expected and received; `loc` and the user's layer are the caller's to add.
  absl::StatusOr<Node*> try_add(const OpDef& op, Values operands, Attrs attrs = {},
                                std::vector<std::unique_ptr<Graph>> bodies = {});
  // The same for passes, whose mistakes are bugs: throws InternalError.
  Node* add(const OpDef& op, Values operands, Attrs attrs = {}, std::vector<std::unique_ptr<Graph>> bodies = {});
  Value add(std::string_view op_name, Values operands, Attrs attrs = {});  // one result
  // New nodes take this location until it is changed: passes set it to the node they replace.
  void set_loc(std::string_view loc) { loc_ = loc; }
  const std::string& loc() const { return loc_; }

  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  const std::vector<Output>& outputs() const { return outputs_; }
  std::vector<Output>& mutable_outputs() { return outputs_; }
  void add_output(Value value, std::string_view name, bool tap = false);
  void add_update(Value variable, Value new_value);

  // Every use of `from`, outputs included, becomes a use of `to`.
  void replace_all_uses(Value from, Value to);
  // True when an output or an operand of a node refers to it.
  bool is_used(const Node& node) const;
  // Restores topological order after appended nodes replaced earlier ones (stable), and removes nodes without uses.
  // Inputs and variables of the graph stay. Returns how many nodes went.
  int sort_and_sweep();
  std::unique_ptr<Graph> clone() const;
  // Copies `other`'s nodes into this graph, its inputs and variables replaced by `arguments` (inputs first, then
  // variables). Returns the values of its outputs.
  Values inline_graph(const Graph& other, const Values& arguments);
  // The text of the graph without names and locations: equal for graphs that compile to the same Program.
  std::string structural_key() const;

 private:
  friend class Node;
  Node* append(const OpDef& op, Values operands, Attrs attrs, Types results,
               std::vector<std::unique_ptr<Graph>> bodies);
  // By position: true for what outputs need, and for the operands of the graph.
  std::vector<char> needed_nodes() const;
  void forget_uses_by_others(const std::vector<char>& needed);
  std::vector<std::unique_ptr<Node>> take_in_order(const std::vector<char>& needed);
  std::string name_, loc_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Node*> inputs_, variables_;
  std::vector<Output> outputs_;
};

// Text (text.cc) and its inverse (parse.cc). `print(parse(print(g))) == print(g)`.
struct PrintOptions {
  bool locations = true;
  bool names = true;  // false: %0, %1 … for inputs and variables too, and no paths: the structural key
};
std::string print(const Graph& graph, const PrintOptions& options = {});
absl::StatusOr<std::unique_ptr<Graph>> parse_graph(std::string_view text);

// Structural rules (order, types, uses, unique names) and each record's own.
absl::Status verify(const Graph& graph);

}  // namespace mica::ir
