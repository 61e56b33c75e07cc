// Trace: a graph under construction. While one lives, every operation on its tensors appends a node to its ir::Graph.
//
// A model's forward pass, a training step and the shape inference of a layer are built alike:
//
//   Trace trace({.training = true});                     // current for this thread until finish() or destruction
//   Tensor x = trace.input(type, "x");                   // what the caller passes at each run, in this order
//   Tensor rate = trace.input({kFloat32, {}}, "lr");
//   Tensor y = invoke(layer, {x});                       // layers, operators and functions of tensors record
//   themselves Tensor loss = …;                                     // of y and the targets, plus trace.losses()
//   Tensors grads = trace.gradients(loss, weights);      // one `gradient` node
//   weight.assign(weight - rate * grad);                 // inside a trace: an update of the Variable, at the end of a
//   run trace.output(loss, "loss"); Executable step(trace.finish(), …);                  // execute.h: compiles, binds,
//   runs, writes the updates back
//
// Variables that are used become `variable` nodes, numbered by first use; reading one after an assign sees the new
// value. Concrete arrays that are met become captured operands, never constants; C++ numbers become constants.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/graph/hooks.h"
#include "frontend/graph/region.h"
#include "frontend/graph/value.h"
#include "frontend/graph/variable.h"

namespace mica::internal {

// A finished trace: the graph and where its operands come from. Its variables are `variables`, its updates go to
// `updated`.
struct TracedGraph {
  std::unique_ptr<ir::Graph> graph;
  int num_inputs = 0;
  // One for each input of the graph. Empty: the next one of the caller's; else read before every run: an array the
  // trace met, or a counter of random numbers.
  std::vector<std::function<rt::Array()>> operands;
  std::vector<CellRef> variables;
  std::vector<CellRef> updated;
  std::vector<HookedCall> hooked;  // what they look at are the last results
};

struct TraceOptions {
  std::string name = "main";
  bool training = false;
  bool taps = false;                    // record the result of every layer call that `tap` names
  std::vector<std::string> tap_layers;  // keys as in Model::trace; empty: all
  bool hooks = false;                   // layers with forward hooks show them their values after the run
};

class Trace {
 public:
  explicit Trace(TraceOptions options = {});
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  // The innermost trace of this thread, or null.
  static Trace* current();
  bool training() const { return options_.training; }
  std::uint64_t id() const { return id_; }

  Tensor input(const ir::TensorType& type, std::string_view name);
  void output(const Tensor& value, std::string_view name);
  // A call of a layer has ended: its results become tap outputs when they were asked for.
  void tap(std::string_view key, const Tensors& results);
  // A layer was called: its hooks will see what it took and gave.
  void show_to_hooks(const LayerRef& layer, const Tensors& inputs, const Tensors& outputs);
  void update(const CellRef& variable, const Tensor& value);

  // Operations: `operands` are already values of this trace's graph.
  Tensors add(const ir::OpDef& op, const Tensors& operands, ir::Attrs attrs,
              std::vector<std::unique_ptr<ir::Graph>> bodies = {});
  // The value that stands for `tensor` in this graph. Error for a symbolic tensor and for one of another trace.
  ir::Value lift(const Tensor& tensor);
  Tensor wrap(ir::Value value) const { return Tensor::of(make_traced(id_, value)); }
  // d loss / d each; a tensor of zeros where there is no path. `wrt` are Variables or values of this trace.
  Tensors gradients(const Tensor& loss, const Tensors& wrt);

  // The operand of random operations, drawn again at every run: random.h's next_random_state(seed).
  Tensor random_state(std::optional<std::int64_t> seed = {});

  void add_loss(const Tensor& loss) { losses_.push_back(loss); }
  const Tensors& losses() const { return losses_; }  // add_loss and activity regularizers, in call order

  ir::Graph& graph() { return *graph_; }
  // Ends the trace.
  TracedGraph finish();

 private:
  ir::Value capture(const ir::TensorType& type, std::function<rt::Array()> read);
  ir::Value variable(const CellRef& cell);
  void leave();

  TraceOptions options_;
  std::uint64_t id_;
  Trace* outer_;
  bool active_ = true;
  std::unique_ptr<ir::Graph> graph_;
  int num_inputs_ = 0;
  std::vector<std::function<rt::Array()>> operands_;
  std::vector<ValueRef> kept_;  // captured nodes stay alive: they are keys below
  std::unordered_map<const ValueNode*, ir::Value> lifted_;
  std::unordered_map<const VariableCell*, ir::Value> variable_nodes_, variable_values_;
  std::vector<CellRef> variables_, updated_;
  Tensors losses_;
  std::vector<HookedCall> hooked_;
  Tensors shown_;  // to the hooks
  RegionNodes regions_;
};

// While it lives, operations on this thread belong to no trace: initialisers run on concrete values.
class TraceSuspension {
 public:
  TraceSuspension();
  ~TraceSuspension();
  TraceSuspension(const TraceSuspension&) = delete;
  TraceSuspension& operator=(const TraceSuspension&) = delete;

 private:
  Trace* suspended_;
};

// The user's error for the failed inference of an operation: `where` is the layer that is running, else the operation.
[[noreturn]] void throw_op_error(const ir::OpDef& op, std::string_view message);
// A traced tensor was used after its trace.
[[noreturn]] void throw_stale(std::string_view where);

}  // namespace mica::internal
