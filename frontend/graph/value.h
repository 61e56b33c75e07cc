// The DAG that tensors are handles to. A ValueNode is one value, a Call is the event that makes values from others.
//
//   symbolic   result of a Call that depends on an Input
//   traced     stands for an ir::Value of the graph that a Trace is building
//   pending    result of an operation on concrete values that nobody has read yet
//   computed   an array
//   variable   the Variable itself; using it takes the value its cell holds (a snapshot)
//
// A value owns its Call and a Call owns its operands and its layer; a Call and a layer know what they made weakly.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/graph/graph.h"
#include "frontend/mica/tensor.h"
#include "runtime/array.h"

namespace mica {
class CustomLayer;
}

namespace mica::internal {

struct Call;
struct GradientGate;  // backward_hooks.h
using CallRef = std::shared_ptr<Call>;
using LayerRef = std::shared_ptr<CustomLayer>;
using CellRef = std::shared_ptr<VariableCell>;

enum class ValueKind { kSymbolic, kTraced, kPending, kComputed, kVariable };

// What an evaluation notes down at a node while it walks the graph: it knows its own entries by its number.
struct WalkMark {
  std::uint64_t walk = 0;
  std::uint32_t number = 0;
  bool operator==(const WalkMark&) const = default;
};

// How many calls use a value. A copy of a value is used by none.
class UseCount {
 public:
  UseCount() = default;
  UseCount(const UseCount&) : UseCount() {}
  UseCount& operator=(const UseCount&) = delete;
  void add(long n) { count_.fetch_add(n, std::memory_order_relaxed); }
  long get() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<long> count_{0};
};

struct ValueNode {
  ValueKind kind = ValueKind::kComputed;
  ir::TensorType type;
  Shape shape;  // of type: symbols are kAny
  std::string name;
  ValueRef mask;  // Keras' mask, or null

  CallRef producer;  // symbolic, pending
  int result = 0;
  rt::Array array;                        // computed
  bool literal = false;                   // a C++ number: a constant in a model, a run-time operand of lazy code
  bool draw = false;                      // the state of a random operation: each replay of a model draws another one
  std::optional<std::int64_t> draw_seed;  // of the operation's own
  double number = 0;                      // literal
  CellRef cell;                           // variable
  std::uint64_t trace_id = 0;             // traced: the Trace that it lives in
  ir::Value traced;
  // Which contents of which Variable this value was bound to, for Programs that keep what they made from a weight.
  std::uint64_t variable_id = 0, variable_version = 0;

  // Gradients flow through it; what computes it is kept as long as backward() may need it.
  bool requires_grad = false;
  std::weak_ptr<VariableCell> leaf;    // the Variable whose snapshot it is, where that requires gradients
  std::shared_ptr<GradientGate> gate;  // where gradients end that go on from another value; or null
  UseCount uses;
  WalkMark operand, wanted;   // its numbers among the operands and the results of the Program being made
  WalkMark used;              // how often the Program uses it
  WalkMark released;          // how many of its uses end with the evaluation
  std::uint64_t on_path = 0;  // the walk that found it to lead to what is differentiated
};

// The regions of an operation, shared by the calls that are recorded of it.
using Bodies = std::vector<std::shared_ptr<const ir::Graph>>;
std::vector<std::unique_ptr<ir::Graph>> clones_of(const Bodies& bodies);

// Tensors given by keyword, in the order of the call: attention_mask.
using Keywords = std::vector<std::pair<std::string, Tensor>>;

// How a layer is called.
struct CallArguments {
  Tensors tensors;
  Tensors states;  // initial_state
  Tensors masks;   // of `tensors`, undefined where there is none: given, or travelling with the tensor
  Keywords keywords;
  ir::Attrs options;  // plain values by keyword: use_causal_mask
  std::optional<bool> training = {};
};

struct OperationUse;  // operation.h
struct Region;        // region.h
struct Signature;     // signature.h
class PendingCalls;   // pending.h

struct Call : std::enable_shared_from_this<Call> {
  const ir::OpDef* op = nullptr;  // an operation of the compiler on `inputs`, or
  ir::Attrs attrs;                // of the operation; of a layer's call the options
  Bodies bodies;
  std::shared_ptr<const OperationUse> operation;  // one of keras.ops, which may take several of those, or
  LayerRef layer;  // a layer, whose inputs are the tensors, the states, masks, and tensors by keyword
  int num_tensors = 0, num_states = 0;
  std::vector<int> masked;            // the tensors whose masks are inputs
  std::vector<std::string> keywords;  // the names of the last inputs
  std::optional<bool> training = {};

  std::string name;  // of an operation: Keras' automatic name
  std::string loc;   // the layer path that was running
  std::vector<ValueRef> inputs;
  ir::Types result_types;
  std::vector<std::weak_ptr<ValueNode>> results;
  std::vector<std::weak_ptr<ValueNode>> copies;  // of pending results, with masks of their own
  std::shared_ptr<const Region> region;          // what gradients compute once more with it; null: nothing

  // Of lazy code. Operation, attributes and types are those of the signature.
  const Signature* signature = nullptr;
  bool requires_grad = false;  // a result of it leads to what may be differentiated
  bool consumed = false;       // backward() has used it: forgotten as soon as it is computed
  std::uint64_t sequence = 0;  // order of recording
  WalkMark visited;            // its number in the Program being made
  std::uint64_t shares = 0;    // the walk that found it to share work with the Program
  std::uint64_t on_path = 0, seen = 0;
  std::shared_ptr<PendingCalls> pending;  // the calls that have not run yet, in order; null when it has
  Call *earlier = nullptr, *later = nullptr;

  Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call();  // frees chains of any length without recursion
  void add_input(ValueRef value);
  const ir::Types& types() const;  // of the results
};

Shape shape_of(const ir::TensorType& type);
ir::TensorType type_of(const rt::Array& array);
ir::Types types_of(const Tensors& tensors);
// "f32[?,64]": what an error shows.
std::string describe(const ir::TensorType& type);
std::string describe(const Tensor& tensor);

ValueRef make_computed(rt::Array array, std::string_view name = {});
ValueRef make_traced(std::uint64_t trace_id, ir::Value value);
// The same value of a concrete node, with no way for gradients.
ValueRef detached(const ValueRef& value);
// A rank-0 number of `dtype`.
ValueRef make_literal(double value, DType dtype);
// The node of result `i`; the living one where somebody holds it.
ValueRef result_of(const CallRef& call, int i, ValueKind kind);
// All results of a new call, in order.
Tensors results_of(const CallRef& call, ValueKind kind);

// The node behind a handle; Error when the tensor is undefined.
const ValueRef& defined_node(const Tensor& tensor, std::string_view where = {});
const ir::TensorType& type_of(const Tensor& tensor);

}  // namespace mica::internal
