#include "frontend/graph/trace.h"

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/closure.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/function_scope.h"
#include "frontend/graph/random.h"
#include "runtime/error.h"

namespace mica::internal {
namespace {

thread_local Trace* current_trace = nullptr;

std::string place(std::string_view otherwise) {
  const std::string& place = current_place();
  return place.empty() ? std::string(otherwise) : place;
}

}  // namespace

void throw_op_error(const ir::OpDef& op, std::string_view message) {
  const std::string prefix = op.name + ": ";
  if (message.starts_with(prefix)) message.remove_prefix(prefix.size());
  std::string where = place(op.name);
  const std::string& function = FunctionScope::current();
  const std::string& operation = function.empty() || function == where ? op.name : function;
  std::string hint = where == operation ? "" : absl::StrCat("The operation is ", operation, ".");
  constexpr std::string_view kExpected = "expected ", kReceived = ", received ";
  std::size_t split = message.rfind(kReceived);
  if (message.starts_with(kExpected) && split != std::string_view::npos) {
    throw Error({.where = std::move(where),
                 .expected = std::string(message.substr(kExpected.size(), split - kExpected.size())),
                 .received = std::string(message.substr(split + kReceived.size())),
                 .hint = std::move(hint)});
  }
  throw Error({.where = std::move(where),
               .expected = "operands that fit",
               .received = std::string(message),
               .hint = std::move(hint)});
}

void throw_stale(std::string_view where) {
  throw Error({.where = place(where),
               .expected = "a tensor of this call",
               .received = "one of a call that is over",
               .hint = "A layer's call must not keep tensors for later; keep state in a Variable."});
}

Trace::Trace(TraceOptions options) : options_(std::move(options)), outer_(current_trace) {
  static std::atomic<std::uint64_t> next_id{1};
  id_ = next_id++;
  graph_ = std::make_unique<ir::Graph>(options_.name);
  current_trace = this;
}

Trace::~Trace() { leave(); }

void Trace::leave() {
  if (active_) current_trace = outer_;
  active_ = false;
}

Trace* Trace::current() { return current_trace; }

TraceSuspension::TraceSuspension() : suspended_(current_trace) { current_trace = nullptr; }
TraceSuspension::~TraceSuspension() { current_trace = suspended_; }

Tensor Trace::input(const ir::TensorType& type, std::string_view name) {
  ++num_inputs_;
  operands_.emplace_back();
  return wrap(graph_->input(type, name));
}

ir::Value Trace::capture(const ir::TensorType& type, std::function<rt::Array()> read) {
  ir::Value value =
      graph_->input(type, absl::StrCat("captured", operands_.size() - static_cast<std::size_t>(num_inputs_)));
  operands_.push_back(std::move(read));
  return value;
}

ir::Value Trace::variable(const CellRef& cell) {
  if (auto it = variable_values_.find(cell.get()); it != variable_values_.end()) return it->second;
  // Names in the text are unique; two Variables of one path are told apart by a number.
  std::string path = cell->path;
  auto taken = [&](const CellRef& other) { return other->path == cell->path; };
  if (auto same = std::count_if(variables_.begin(), variables_.end(), taken)) absl::StrAppend(&path, "#", same);
  ir::Value value = graph_->variable(cell->type, path);
  variables_.push_back(cell);
  variable_nodes_[cell.get()] = value;
  variable_values_[cell.get()] = value;
  return value;
}

ir::Value Trace::lift(const Tensor& tensor) {
  const ValueRef& node = defined_node(tensor, current_place());
  switch (node->kind) {
    case ValueKind::kTraced:
      if (node->trace_id == id_) return node->traced;
      if (Closure* closure = Closure::of(*this)) return closure->capture(tensor);
      throw_stale("trace");
    case ValueKind::kVariable: {
      if (Closure* closure = Closure::of(*this)) return closure->capture(tensor);
      ir::Value value = variable(node->cell);
      if (node->type.dtype == value.dtype()) return value;
      return graph_->add("cast", {value}, {{"dtype", node->type.dtype}});
    }
    case ValueKind::kSymbolic:
      throw Error({.where = place("trace"),
                   .expected = "tensors that were passed to the call",
                   .received = absl::StrCat("the symbolic tensor ", node->name, " ", describe(node->type)),
                   .hint = "Pass it as an input of the layer."});
    case ValueKind::kPending:
    case ValueKind::kComputed:
      break;
  }
  if (node->literal) {
    return graph_->add("constant", {}, {{"value", node->number}, {"dtype", node->type.dtype}, {"shape", ir::Dims{}}});
  }
  if (Closure* closure = Closure::of(*this)) return closure->capture(tensor);
  auto [it, is_new] = lifted_.try_emplace(node.get());
  if (is_new) {
    it->second = capture(node->type, [node] { return compute(node); });
    kept_.push_back(node);
  }
  return it->second;
}

Tensors Trace::add(const ir::OpDef& op, const Tensors& operands, ir::Attrs attrs,
                   std::vector<std::unique_ptr<ir::Graph>> bodies) {
  graph_->set_loc(current_place());
  const std::size_t first = graph_->nodes().size();
  ir::Values values;
  for (const Tensor& operand : operands) values.push_back(lift(operand));
  absl::StatusOr<ir::Node*> node = graph_->try_add(op, std::move(values), std::move(attrs), std::move(bodies));
  if (!node.ok()) throw_op_error(op, std::string(node.status().message()));
  if (const RegionRef& region = RegionScope::current()) regions_.add(region, *graph_, first);
  Tensors results;
  for (int i = 0; i < (*node)->num_results(); ++i) results.push_back(wrap((*node)->result(i)));
  return results;
}

void Trace::output(const Tensor& value, std::string_view name) {
  ir::Value lifted = lift(value);
  graph_->add_output(lifted, name);
}

void Trace::tap(std::string_view key, const Tensors& results) {
  if (!options_.taps) return;
  const std::vector<std::string>& wanted = options_.tap_layers;
  for (std::size_t i = 0; i < results.size(); ++i) {
    std::string name = results.size() == 1 ? std::string(key) : absl::StrCat(std::string(key), "#", i);
    bool asked = wanted.empty() || std::find(wanted.begin(), wanted.end(), name) != wanted.end() ||
                 std::find(wanted.begin(), wanted.end(), key) != wanted.end();
    // Operations that compute masks bear no names of their own: the first of a name has the key.
    const std::vector<ir::Output>& outputs = graph_->outputs();
    bool taken = std::any_of(outputs.begin(), outputs.end(), [&](const ir::Output& o) { return o.name == name; });
    if (asked && !taken) graph_->add_output(lift(results[i]), name, /*tap=*/true);
  }
}

void Trace::show_to_hooks(const LayerRef& layer, const Tensors& inputs, const Tensors& outputs) {
  if (!options_.hooks || !has_forward_hooks(*layer)) return;
  HookedCall call{layer, hooks_see_inputs(*layer) ? inputs.size() : 0, outputs.size()};
  if (call.num_inputs > 0) shown_.insert(shown_.end(), inputs.begin(), inputs.end());
  shown_.insert(shown_.end(), outputs.begin(), outputs.end());
  hooked_.push_back(std::move(call));
}

void Trace::update(const CellRef& cell, const Tensor& value) {
  if (Closure::of(*this)) throw_effect_in_body(absl::StrCat("an assignment to ", cell->path));
  variable(cell);  // the node that the update names
  Tensor converted = cast(value, cell->type.dtype);
  ir::Value lifted = lift(converted);
  if (lifted.dims() != cell->type.dims) {
    throw Error({.where = cell->path,
                 .expected = absl::StrCat("a value of shape ", shape_of(cell->type).to_string()),
                 .received = describe(lifted.type()),
                 .hint = "A Variable keeps its shape."});
  }
  if (std::find(updated_.begin(), updated_.end(), cell) == updated_.end()) updated_.push_back(cell);
  variable_values_[cell.get()] = lifted;
}

Tensors Trace::gradients(const Tensor& loss, const Tensors& wrt) {
  Tensors operands{loss};
  operands.insert(operands.end(), wrt.begin(), wrt.end());
  return add(ir::op("gradient"), operands, {});
}

Tensor Trace::random_state(std::optional<std::int64_t> seed) {
  if (Closure* closure = Closure::of(*this)) {  // drawn outside: one draw for all steps
    return wrap(
        closure->capture(outer_ ? outer_->random_state(seed) : Tensor::of(make_computed(next_random_state(seed)))));
  }
  return wrap(capture({kInt64, {ir::Dim(2)}}, [seed] { return next_random_state(seed); }));
}

TracedGraph Trace::finish() {
  for (std::size_t i = 0; i < shown_.size(); ++i)
    graph_->add_output(lift(shown_[i]), absl::StrCat("shown to hooks ", i), /*tap=*/true);
  leave();
  for (const CellRef& cell : updated_) {
    graph_->add_update(variable_nodes_.at(cell.get()), variable_values_.at(cell.get()));
  }
  regions_.outline(*graph_);
  return {std::move(graph_),     num_inputs_,         std::move(operands_),
          std::move(variables_), std::move(updated_), std::move(hooked_)};
}

}  // namespace mica::internal
