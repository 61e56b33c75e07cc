#include "frontend/graph/autograd.h"

#include <algorithm>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/backward_hooks.h"
#include "frontend/graph/pending.h"
#include "frontend/graph/trace.h"
#include "frontend/graph/variable.h"
#include "frontend/graph/walk.h"

namespace mica {
namespace internal {
namespace {

void check_scalar(const Tensor& output, const char* where) {
  const ir::TensorType& type = type_of(output);
  if (type.dims.empty() && type.dtype.is_floating()) return;
  bool single = type.dtype.is_floating() && output.shape().is_static() && output.numel() == 1;
  if (single) return;
  throw Error({.where = where,
               .expected = "a scalar to differentiate",
               .received = describe(type),
               .hint = "Sum it, or give backward(gradient) the gradient of each element."});
}

void check_remembered(const ValueNode& value, const char* where) {
  if (!is_forgotten(value)) return;
  throw Error({.where = where,
               .expected = "a graph that no backward() has used",
               .received = absl::StrCat("one whose value ", describe(value.type), " was used and computed since"),
               .hint = "backward({.retain_graph = true}) keeps the graph."});
}

void check_differentiable(const Tensor& output, const char* where) {
  const ValueRef& node = output.node();
  check_remembered(*node, where);
  if (node->requires_grad) return;
  throw Error({.where = where,
               .expected = "a value that depends on a tensor with requires_grad",
               .received = absl::StrCat("one that does not, ", describe(node->type)),
               .hint = "Under no_grad, and by detach(), values are made that do not."});
}

// Where gradients end that flow through some calls, each in order of first use.
struct Ends {
  std::vector<ValueRef> leaves;  // snapshots of Variables
  std::vector<ValueRef> gated;   // copies that hold a gate
};

Ends ends_of(const ValueRef& output, const std::vector<CallRef>& calls) {
  Ends ends;
  std::unordered_set<const ValueNode*> met;
  auto meet = [&](const ValueRef& value) {
    check_remembered(*value, "backward");
    if (!value->requires_grad || (value->leaf.expired() && !value->gate) || !met.insert(value.get()).second) return;
    (value->gate ? ends.gated : ends.leaves).push_back(value);
  };
  meet(output);
  for (const CallRef& call : calls) {
    for (const ValueRef& input : call->inputs) meet(input);
  }
  return ends;
}

// The sum of the snapshots' gradients, a Variable at a time: it may have changed between two uses.
void accumulate(const std::vector<ValueRef>& leaves, const Tensors& gradients) {
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    CellRef cell = leaves[i]->leaf.lock();
    if (!cell) continue;
    Tensor before = cell->grad();
    cell->set_grad(before.defined() ? before + gradients[i] : gradients[i]);
  }
}

// The gradients that have arrived at gates: those behind the first `count`, of the copies in order.
void arrive(GateQueue& gates, const Ends& ends, const Tensors& gradients, std::size_t count) {
  for (std::size_t i = 0; i < ends.gated.size(); ++i) gates.arrive(ends.gated[i], gradients[count + i]);
}

// From an output to the leaves and gates before it.
void differentiate_to_gates(const Tensor& output, const BackwardOptions& options, GateQueue& gates) {
  const ValueRef& node = output.node();
  std::vector<CallRef> calls = calls_below(node);
  const Ends ends = ends_of(node, calls);
  std::vector<ValueRef> sources = ends.leaves;
  sources.insert(sources.end(), ends.gated.begin(), ends.gated.end());
  if (sources.empty()) return;
  Tensors gradients = gradients_of(output, sources);
  if (!options.retain_graph && !options.create_graph) {
    for (const CallRef& call : calls) call->consumed = true;
  }
  accumulate(ends.leaves, gradients);
  arrive(gates, ends, gradients, ends.leaves.size());
}

void differentiate_backward(const Tensor& output, const BackwardOptions& options) {
  check_differentiable(output, "backward");
  auto lock = lock_walks();
  GradMode mode(options.create_graph);
  GateQueue gates(options.create_graph);
  for (Tensor end = output; end.defined(); end = gates.next()) differentiate_to_gates(end, options, gates);
}

}  // namespace

bool any_requires_grad(const Tensors& tensors) {
  return std::any_of(tensors.begin(), tensors.end(), [](const Tensor& tensor) { return tensor.requires_grad(); });
}

GradMode::GradMode(bool enabled) : enabled_before_(set_grad_enabled(enabled)) {}
GradMode::~GradMode() { set_grad_enabled(enabled_before_); }

Tensors gradients_of(const Tensor& output, const std::vector<ValueRef>& sources) {
  Tensors operands{output};
  for (const ValueRef& source : sources) operands.push_back(Tensor::of(source));
  return apply_all(ir::op("gradient"), std::move(operands));
}

namespace {

[[noreturn]] void throw_unused(const Tensor& input) {
  throw Error({.where = "grad",
               .expected = "inputs that lead to the output",
               .received = absl::StrCat("one that it does not depend on, ", describe(input)),
               .hint = "A tensor needs requires_grad_() before it is used."});
}

// Inputs as sources: a Variable stands for every snapshot of it that the output uses. An input that does not lead to
// the output has none.
struct Sources {
  std::vector<ValueRef> values;
  std::vector<std::size_t> input;  // of each value the input that it stands for
};

bool leads_to(const ValueRef& source, const ValueRef& output) {
  return source == output || !calls_between(output, std::span(&source, 1)).empty();
}

Sources sources_of(const Tensor& output, const Tensors& inputs, const std::vector<ValueRef>& leaves) {
  Sources sources;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ValueRef& node = defined_node(inputs[i], "grad");
    if (node->kind != ValueKind::kVariable) {
      if (!leads_to(node, output.node())) continue;
      sources.values.push_back(node);
      sources.input.push_back(i);
      continue;
    }
    for (const ValueRef& leaf : leaves) {
      if (leaf->leaf.lock() != node->cell) continue;
      sources.values.push_back(leaf);
      sources.input.push_back(i);
    }
  }
  return sources;
}

// The gradients of a concrete output; undefined for inputs that do not lead to it.
Tensors concrete_gradients(const Tensor& output, const Tensors& inputs) {
  auto lock = lock_walks();
  Tensors gradients;
  gradients.resize(inputs.size());
  GateQueue gates(/*create_graph=*/true);
  for (Tensor end = output; end.defined(); end = gates.next()) {
    const Ends ends = ends_of(end.node(), calls_below(end.node()));
    Sources sources = sources_of(end, inputs, ends.leaves);
    const std::size_t count = sources.values.size();
    sources.values.insert(sources.values.end(), ends.gated.begin(), ends.gated.end());
    Tensors parts = sources.values.empty() ? Tensors() : gradients_of(end, sources.values);
    for (std::size_t i = 0; i < count; ++i) {
      Tensor& gradient = gradients[sources.input[i]];
      gradient = gradient.defined() ? gradient + parts[i] : parts[i];
    }
    arrive(gates, ends, parts, count);
  }
  return gradients;
}

bool is_traced(const Tensor& tensor) { return tensor.node()->kind == ValueKind::kTraced; }

}  // namespace
}  // namespace internal

using internal::defined_node;
using internal::ValueKind;

bool Tensor::requires_grad() const {
  const internal::ValueRef& node = defined_node(*this);
  return node->kind == ValueKind::kVariable ? node->cell->requires_grad() : node->requires_grad;
}

Tensor& Tensor::requires_grad_(bool on) {
  const internal::ValueRef& node = defined_node(*this, "requires_grad_");
  if (node->kind == ValueKind::kVariable) {
    node->cell->set_requires_grad(on);
  } else if (on != node->requires_grad) {
    if (!on || !node->type.dtype.is_floating() || is_symbolic()) {
      throw Error({.where = "requires_grad_",
                   .expected = on ? "a concrete tensor of floats" : "a leaf",
                   .received = internal::describe(*this),
                   .hint = on ? "" : "detach() gives the value without its history."});
    }
    node_ = Variable(*this).node();
  }
  return *this;
}

void Tensor::backward(BackwardOptions options) const {
  defined_node(*this, "backward");
  internal::check_scalar(*this, "backward");
  internal::differentiate_backward(*this, options);
}

void Tensor::backward(const Tensor& gradient, BackwardOptions options) const {
  defined_node(*this, "backward");
  if (defined_node(gradient, "backward")->shape != shape()) {
    throw Error({.where = "backward",
                 .expected = absl::StrCat("a gradient of shape ", shape().to_string()),
                 .received = internal::describe(gradient),
                 .hint = {}});
  }
  internal::check_differentiable(*this, "backward");
  internal::GradMode mode(true);
  internal::differentiate_backward((*this * gradient.detach()).sum(), options);
}

Tensor Tensor::grad() const {
  const internal::ValueRef& node = defined_node(*this, "grad");
  return node->kind == ValueKind::kVariable ? node->cell->grad() : Tensor();
}

void Tensor::zero_grad() {
  const internal::ValueRef& node = defined_node(*this, "zero_grad");
  if (node->kind == ValueKind::kVariable) node->cell->set_grad({});
}

Tensor Tensor::detach() const {
  const internal::ValueRef& node = defined_node(*this, "detach");
  if (node->kind == ValueKind::kTraced || node->kind == ValueKind::kSymbolic || internal::Trace::current())
    return internal::apply("stop_gradient", {*this});
  return of(internal::detached(internal::current_value(node)));
}

Tensors grad(const Tensor& output, const Tensors& inputs) {
  defined_node(output, "grad");
  internal::check_scalar(output, "grad");
  if (internal::is_traced(output)) return internal::Trace::current()->gradients(output, inputs);
  internal::check_differentiable(output, "grad");
  Tensors gradients = internal::concrete_gradients(output, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!gradients[i].defined()) internal::throw_unused(inputs[i]);
  }
  return gradients;
}

Tensor grad(const Tensor& output, const Tensor& input) { return grad(output, Tensors{input})[0]; }

NoGradGuard::NoGradGuard() : enabled_before_(internal::set_grad_enabled(false)) {}
NoGradGuard::~NoGradGuard() { internal::set_grad_enabled(enabled_before_); }

void no_grad(const std::function<void()>& body) {
  NoGradGuard guard;
  body();
}

namespace {

// The parameters as values that gradients flow to: those that have no way for them become sources of their own.
Tensors as_leaves(const Tensors& parameters) {
  Tensors leaves;
  for (const Tensor& parameter : parameters) {
    if (defined_node(parameter, "value_and_grad")->kind == ValueKind::kTraced || parameter.requires_grad()) {
      leaves.push_back(parameter);
      continue;
    }
    internal::ValueRef leaf = internal::detached(internal::current_value(parameter.node()));
    leaf->requires_grad = leaf->type.dtype.is_floating();
    leaves.push_back(Tensor::of(std::move(leaf)));
  }
  return leaves;
}

// Whether the value depends on something with requires_grad that is none of the leaves.
bool depends_on_others(const std::vector<internal::CallRef>& calls, const Tensors& leaves) {
  auto is_other = [&](const internal::ValueRef& value) {
    if (!value->requires_grad || (value->producer && value->producer->requires_grad)) return false;
    return std::none_of(leaves.begin(), leaves.end(), [&](const Tensor& leaf) { return leaf.node() == value; });
  };
  return std::any_of(calls.begin(), calls.end(), [&](const internal::CallRef& call) {
    return std::any_of(call->inputs.begin(), call->inputs.end(), is_other);
  });
}

ValueAndGrad differentiated(const Tensor& value, const Tensors& leaves, const Tensors& parameters) {
  internal::check_scalar(value, "value_and_grad");
  if (internal::is_traced(value)) return {value, internal::Trace::current()->gradients(value, leaves)};
  Tensors gradients;
  gradients.resize(leaves.size());
  if (value.requires_grad()) {
    auto lock = internal::lock_walks();
    std::vector<internal::CallRef> calls = internal::calls_below(value.node());
    bool connected = depends_on_others(calls, leaves) || internal::any_requires_grad(parameters);
    internal::GradMode mode(connected);
    gradients = internal::concrete_gradients(value, leaves);
    if (!connected) {  // nothing that the caller holds can be differentiated through this function
      for (const internal::CallRef& call : calls) call->consumed = true;
      value.node()->requires_grad = false;
    }
  }
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    if (!gradients[i].defined()) gradients[i] = zeros_like(leaves[i]);
  }
  return {value, gradients};
}

}  // namespace

std::function<ValueAndGrad(const Tensors&, const Tensors&)> value_and_grad(
    std::function<Tensor(const Tensors&, const Tensors&)> f) {
  return [f = std::move(f)](const Tensors& parameters, const Tensors& rest) {
    internal::GradMode mode(true);
    Tensors leaves = as_leaves(parameters);
    return differentiated(f(leaves, rest), leaves, parameters);
  };
}

std::function<ValueAndGrad(const Tensors&)> value_and_grad(std::function<Tensor(const Tensors&)> f) {
  return [f = std::move(f)](const Tensors& parameters) {
    internal::GradMode mode(true);
    Tensors leaves = as_leaves(parameters);
    return differentiated(f(leaves), leaves, parameters);
  };
}

}  // namespace mica
