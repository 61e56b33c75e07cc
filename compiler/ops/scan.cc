// scan: a loop over the leading axis whose body is a graph. Its gradient is a scan the other way over saved states.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/autodiff.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

// The parts of a list of operands (or of the body's inputs): states, then xs, then captured values.
template <class T>
struct ScanParts {
  std::vector<T> states, xs, captured;
  ScanParts(const Attrs& attrs, const std::vector<T>& all) {
    auto first_x = all.begin() + attrs.integer("num_states"), first_captured = first_x + attrs.integer("num_xs");
    states.assign(all.begin(), first_x);
    xs.assign(first_x, first_captured);
    captured.assign(first_captured, all.end());
  }
};

TensorType stacked(const Dim& steps, TensorType type) {
  type.dims.insert(type.dims.begin(), steps);
  return type;
}

absl::StatusOr<Types> infer_scan(const InferContext& c) {
  std::int64_t num_states = c.attrs.integer("num_states"), num_xs = c.attrs.integer("num_xs");
  if (c.bodies.size() != 1 || num_states < 0 || num_xs < 1 || num_states + num_xs > c.num_operands()) {
    return expected("a body, and operands for its states and at least one x",
                    absl::StrCat(c.num_operands(), " operands"));
  }
  const Graph& body = *c.bodies[0];
  const std::size_t states = static_cast<std::size_t>(num_states);
  if (body.inputs().size() != c.operands.size() || body.outputs().size() < states) {
    return expected("a body of as many inputs as operands that gives every state anew",
                    absl::StrCat(body.inputs().size(), " inputs and ", body.outputs().size(), " outputs"));
  }
  ScanParts<TensorType> operands(c.attrs, c.operands);
  if (operands.xs[0].rank() == 0) return expected("xs with a leading axis of steps", operands.xs[0].to_string());
  Dim steps = operands.xs[0].dim(0);
  for (std::size_t i = 0; i < c.operands.size(); ++i) {
    TensorType inner = body.inputs()[i]->result_types()[0];
    bool is_x = i >= states && i < states + operands.xs.size();
    TensorType outer = is_x ? stacked(steps, inner) : inner;
    if (outer != c.operands[i])
      return expected("operand " + outer.to_string() + " for the body", c.operands[i].to_string());
  }
  Types results;
  for (std::size_t i = 0; i < body.outputs().size(); ++i) {
    const TensorType& inner = body.outputs()[i].value.type();
    if (i < states && inner != c.operands[i]) {
      return expected("a new state of type " + c.operands[i].to_string(), inner.to_string());
    }
    results.push_back(i < states ? inner : stacked(steps, inner));
  }
  return results;
}

RefTensor row_of(const RefTensor& all, std::int64_t step) {
  RefTensor row{all.dtype, {all.dims.begin() + 1, all.dims.end()}, {}};
  row.data.assign(all.data.begin() + step * row.numel(), all.data.begin() + (step + 1) * row.numel());
  return row;
}

absl::Status reference_scan(const RefContext& c) {
  const std::size_t states = static_cast<std::size_t>(c.attrs.integer("num_states"));
  const std::size_t xs = static_cast<std::size_t>(c.attrs.integer("num_xs"));
  std::vector<RefTensor> inputs;
  for (const RefTensor* operand : c.operands) inputs.push_back(*operand);
  const std::int64_t steps = c.operands[states]->dims[0];
  for (std::int64_t i = 0; i < steps; ++i) {
    std::int64_t step = c.attrs.flag("reverse") ? steps - 1 - i : i;
    for (std::size_t x = states; x < states + xs; ++x) inputs[x] = row_of(*c.operands[x], step);
    absl::StatusOr<std::vector<RefTensor>> outputs = c.run_body(*c.bodies[0], inputs);
    if (!outputs.ok()) return outputs.status();
    for (std::size_t s = 0; s < states; ++s) inputs[s] = (*outputs)[s];
    for (std::size_t y = states; y < outputs->size(); ++y) {
      const std::vector<double>& row = (*outputs)[y].data;
      std::copy(row.begin(), row.end(), c.results[y].data.begin() + step * static_cast<std::int64_t>(row.size()));
    }
  }
  for (std::size_t s = 0; s < states; ++s) c.results[s].data = inputs[s].data;
  return absl::OkStatus();
}

// The gradient. A step needs the state it began with, so the scan is replaced by one that also gives those; then
//
//   scan reverse (d states, d captured = 0; x, state, d y; captured):
//     (d states, d x, d captured') = gradient of the body at (state, x, captured) seeded with (d states, d y)
//     d captured += d captured'
class ScanGradient {
 public:
  ScanGradient(Builder& b, Node& node) : b_(b), node_(node), operands_(node.attrs(), node.operands()) {}

  Values run(const Values& grads) {
    save_steps();
    make_body();
    Values inputs;
    for (std::size_t i = 0; i < num_states(); ++i)
      inputs.push_back(or_zero(grads[i], node_.result(static_cast<int>(i)).type()));
    for (Value c : differentiable(operands_.captured)) inputs.push_back(b_.full_like(0, c));
    inputs.insert(inputs.end(), operands_.xs.begin(), operands_.xs.end());
    inputs.insert(inputs.end(), saved_.begin(), saved_.end());
    for (std::size_t i = num_states(); i < grads.size(); ++i) {
      inputs.push_back(or_zero(grads[i], node_.result(static_cast<int>(i)).type()));
    }
    std::size_t carried = num_states() + differentiable(operands_.captured).size();
    Attrs attrs = {{"num_states", static_cast<std::int64_t>(carried)},
                   {"num_xs", static_cast<std::int64_t>(inputs.size() - carried)},
                   {"reverse", !node_.attrs().flag("reverse")}};
    inputs.insert(inputs.end(), operands_.captured.begin(), operands_.captured.end());
    std::vector<std::unique_ptr<Graph>> bodies;
    bodies.push_back(std::move(body_));
    Node* reverse = b_.graph().add(node_.op(), inputs, attrs, std::move(bodies));
    return gradients_of_operands(*reverse);
  }

 private:
  std::size_t num_states() const { return operands_.states.size(); }
  static Values differentiable(const Values& values) {
    Values floats;
    std::copy_if(values.begin(), values.end(), std::back_inserter(floats),
                 [](Value v) { return v.dtype().is_floating(); });
    return floats;
  }
  Value or_zero(Value gradient, const TensorType& type) {
    return gradient ? b_.broadcast_to(gradient, type.dims) : b_.constant(0, type.dtype, type.dims);
  }

  // Once more forward, with what the gradient reads of each step: the states before it, and products, which cost more
  // to compute again than to keep.
  void save_steps() {
    forward_ = node_.body().clone();
    for (const auto& node : forward_->nodes()) {
      if (node->op().fusion == FusionClass::kContraction && node->num_results() == 1)
        products_.push_back(node->result());
    }
    for (std::size_t i = 0; i < products_.size(); ++i) forward_->add_output(products_[i], absl::StrCat("product", i));
    std::unique_ptr<Graph> body = forward_->clone();
    for (std::size_t i = 0; i < num_states(); ++i)
      body->add_output(body->inputs()[i]->result(), absl::StrCat("state", i));
    std::vector<std::unique_ptr<Graph>> bodies;
    bodies.push_back(std::move(body));
    Node* saving = b_.graph().add(node_.op(), node_.operands(), node_.attrs(), std::move(bodies));
    for (int i = 0; i < node_.num_results(); ++i) b_.graph().replace_all_uses(node_.result(i), saving->result(i));
    for (int i = node_.num_results(); i < saving->num_results(); ++i) saved_.push_back(saving->result(i));
  }

  void make_body() {
    const Graph& forward = *forward_;
    body_ = std::make_unique<Graph>(forward.name() + "_gradient");
    auto input = [&](const TensorType& type, const char* name, std::size_t i) {
      return body_->input(type, absl::StrCat(name, i));
    };
    std::vector<TensorType> inner;
    for (const Node* node : forward.inputs()) inner.push_back(node->result_types()[0]);
    ScanParts<TensorType> parts(node_.attrs(), inner);
    Values seeds, sums, states, xs, captured, kept;
    for (std::size_t i = 0; i < parts.states.size(); ++i) seeds.push_back(input(parts.states[i], "dstate", i));
    for (std::size_t i = 0; i < parts.captured.size(); ++i) {
      if (parts.captured[i].dtype.is_floating()) sums.push_back(input(parts.captured[i], "dcaptured", i));
    }
    for (std::size_t i = 0; i < parts.xs.size(); ++i) xs.push_back(input(parts.xs[i], "x", i));
    for (std::size_t i = 0; i < products_.size(); ++i) kept.push_back(input(products_[i].type(), "product", i));
    for (std::size_t i = 0; i < parts.states.size(); ++i) states.push_back(input(parts.states[i], "state", i));
    const std::size_t num_outputs = static_cast<std::size_t>(node_.num_results());
    for (std::size_t i = num_states(); i < num_outputs; ++i) {
      seeds.push_back(input(forward.outputs()[i].value.type(), "dy", i));
    }
    for (std::size_t i = 0; i < parts.captured.size(); ++i) captured.push_back(input(parts.captured[i], "captured", i));

    Values arguments = states;
    arguments.insert(arguments.end(), xs.begin(), xs.end());
    arguments.insert(arguments.end(), captured.begin(), captured.end());
    Values outputs = body_->inline_graph(forward, arguments);
    const Values products(outputs.begin() + static_cast<std::ptrdiff_t>(num_outputs), outputs.end());
    outputs.resize(num_outputs);
    Builder inside(*body_);
    Values targets = states;
    for (const Values& part : {differentiable(captured), differentiable(xs)})
      targets.insert(targets.end(), part.begin(), part.end());
    absl::StatusOr<Values> gradients = differentiate(inside, outputs, seeds, targets);
    MICA_CHECK(gradients.ok()) << "the body of a scan: " << gradients.status().message();
    for (std::size_t i = 0; i < targets.size(); ++i) {
      Value g = (*gradients)[i] ? (*gradients)[i] : inside.full_like(0, targets[i]);
      bool is_sum = i >= states.size() && i < states.size() + sums.size();
      body_->add_output(is_sum ? sums[i - states.size()] + g : g, absl::StrCat("d", i));
    }
    for (std::size_t i = 0; i < products.size(); ++i) body_->replace_all_uses(products[i], kept[i]);
    body_->sort_and_sweep();
  }

  // Results of the reverse scan stand as: states, floating captured values, floating xs.
  Values gradients_of_operands(Node& reverse) {
    int next = 0;
    Values states, captured, xs;
    for (std::size_t i = 0; i < operands_.states.size(); ++i) states.push_back(reverse.result(next++));
    for (Value c : operands_.captured) captured.push_back(c.dtype().is_floating() ? reverse.result(next++) : Value{});
    for (Value x : operands_.xs) xs.push_back(x.dtype().is_floating() ? reverse.result(next++) : Value{});
    Values all = states;
    all.insert(all.end(), xs.begin(), xs.end());
    all.insert(all.end(), captured.begin(), captured.end());
    return all;
  }

  Builder& b_;
  Node& node_;
  ScanParts<Value> operands_;
  std::unique_ptr<Graph> forward_;  // the body, its products among its outputs
  Values products_;                 // of forward_
  Values saved_;                    // what save_steps() keeps: products, states
  std::unique_ptr<Graph> body_;
};

// A body once a step.
Op over_steps(std::string_view name) {
  Op op(name);
  op.variadic_input("operands", "any", "initial states, xs with a leading axis of steps, captured values")
      .required_attr("num_states", std::int64_t{0}, "how many operands are states")
      .required_attr("num_xs", std::int64_t{1}, "how many are xs")
      .attr("reverse", false, "whether the last step comes first; y stays at its step")
      .infer(infer_scan)
      .reference(reference_scan);
  return op;
}

}  // namespace

void add_scan_ops(Registry& r) {
  r.add(over_steps("scan")
            .doc("Runs its body once a step: (states, x of the step, captured values) to (new states, y of the step). "
                 "Results: the last states, then every y stacked along a new leading axis.")
            .mirrors("keras.ops.scan")
            .vjp([](Builder& b, Node& node, const Values& g) { return ScanGradient(b, node).run(g); })
            .fixture("keras:lstm"));
  r.add(over_steps("loop")
            .doc("A scan that no template takes: the steps of its body run once for each row of xs.")
            .internal());
}

}  // namespace mica::ir
