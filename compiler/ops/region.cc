// Operations of the compiler itself: the request for a gradient, the group that becomes one step, the region that a
// gradient computes once more.
#include <algorithm>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "compiler/graph/location.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/autodiff.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

absl::StatusOr<Types> infer_gradient(const InferContext& c) {
  if (!c.operand(0).dtype.is_floating()) return expected("gradient: y of a floating type", c.operand(0).to_string());
  for (int i = 1; i < c.num_operands(); ++i) {
    if (!c.operand(i).dtype.is_floating()) return expected("gradient: xs of floating types", c.operand(i).to_string());
  }
  return Types(c.operands.begin() + 1, c.operands.end());
}

// What the symbols of a body stand for when the operands have other dims than its inputs: the reference calls it on
// concrete ones.
class SymbolBinding {
 public:
  void bind(const TensorType& inner, const TensorType& outer) {
    for (std::size_t axis = 0; axis < inner.dims.size() && axis < outer.dims.size(); ++axis) {
      std::vector<Dim::Term> terms = inner.dims[axis].terms();
      if (terms.size() != 1 || terms[0].factors.size() != 1) continue;
      std::optional<Dim> value = Dim::exact_div(outer.dims[axis], Dim(terms[0].coefficient));
      if (value) values_.emplace(terms[0].factors[0], *value);
    }
  }
  TensorType apply(TensorType type) const {
    for (Dim& dim : type.dims) {
      dim = dim.substitute([&](const Symbol& symbol) -> std::optional<Dim> {
        auto it = values_.find(&symbol);
        return it == values_.end() ? std::nullopt : std::optional<Dim>(it->second);
      });
    }
    return type;
  }

 private:
  std::unordered_map<const Symbol*, Dim> values_;
};

absl::StatusOr<Types> infer_fusion(const InferContext& c) {
  if (c.bodies.size() != 1) return expected("fusion: one body", absl::StrCat(c.bodies.size()));
  const Graph& body = *c.bodies[0];
  if (body.inputs().size() != c.operands.size())
    return expected(absl::StrCat("fusion: ", body.inputs().size(), " operands"), absl::StrCat(c.operands.size()));
  SymbolBinding binding;
  auto inner = [&](int i) { return body.inputs()[static_cast<std::size_t>(i)]->result_types()[0]; };
  for (int i = 0; i < c.num_operands(); ++i) {
    if (inner(i) != c.operand(i)) binding.bind(inner(i), c.operand(i));
  }
  for (int i = 0; i < c.num_operands(); ++i) {
    if (binding.apply(inner(i)) != c.operand(i))
      return expected("fusion: an operand of " + inner(i).to_string(), c.operand(i).to_string());
  }
  Types results;
  for (const Output& output : body.outputs()) results.push_back(binding.apply(output.value.type()));
  return results;
}

absl::Status reference_fusion(const RefContext& c) {
  std::vector<RefTensor> inputs;
  for (const RefTensor* operand : c.operands) inputs.push_back(*operand);
  absl::StatusOr<std::vector<RefTensor>> results = c.run_body(*c.bodies[0], inputs);
  if (!results.ok()) return results.status();
  c.results = *std::move(results);
  return absl::OkStatus();
}

// The body once more, then its gradient; what enters waits until the gradients of the results are there. Weights need
// not wait: what is made of them alone may be shared with the forward pass.
class CheckpointGradient {
 public:
  CheckpointGradient(Builder& b, Node& node) : b_(b), node_(node), graph_(node.body().name() + "_gradient") {}

  Values run(const Values& grads) {
    Values entering = body_inputs(), seeds = seeds_for(grads);
    Values outputs = graph_.inline_graph(node_.body(), entering);
    for (const auto& node : graph_.nodes()) node->set_loc(with_role(node->loc(), Role::kRecomputed));
    Values wanted;
    std::copy_if(entering.begin(), entering.end(), std::back_inserter(wanted), is_floating);
    Builder inside(graph_);
    absl::StatusOr<Values> gradients = differentiate(inside, outputs, seeds, wanted);
    if (!gradients.ok()) throw Error(std::string(gradients.status().message()));
    for (const Value& gradient : *gradients) {
      if (gradient) graph_.add_output(gradient, absl::StrCat("d", graph_.outputs().size()));
    }
    graph_.sort_and_sweep();
    return spread(*gradients, b_.graph().inline_graph(graph_, arguments(grads)));
  }

 private:
  static bool is_floating(const Value& value) { return value.dtype().is_floating(); }

  Values body_inputs() {
    Values inputs;
    for (const Value& operand : node_.operands())
      inputs.push_back(graph_.input(operand.type(), absl::StrCat("x", inputs.size())));
    return inputs;
  }

  Values seeds_for(const Values& grads) {
    Values seeds;
    for (const Value& grad : grads)
      seeds.push_back(grad ? graph_.input(grad.type(), absl::StrCat("dy", seeds.size())) : Value{});
    return seeds;
  }

  // What the inputs of the graph are in the graph around it.
  Values arguments(const Values& grads) {
    Values reached;
    std::copy_if(grads.begin(), grads.end(), std::back_inserter(reached), [](const Value& grad) { return !!grad; });
    Values all;
    for (const Value& operand : node_.operands()) {
      Values waits = {operand};
      waits.insert(waits.end(), reached.begin(), reached.end());
      all.push_back(operand.node->is("variable") ? operand : b_.graph().add("barrier", std::move(waits)));
    }
    all.insert(all.end(), reached.begin(), reached.end());
    return all;
  }

  // The gradients of the floating operands at the places of all operands.
  Values spread(const Values& inside, const Values& outside) const {
    Values all;
    std::size_t next = 0, next_outside = 0;
    for (const Value& operand : node_.operands()) {
      const bool has_gradient = is_floating(operand) && inside[next++];
      all.push_back(has_gradient ? outside[next_outside++] : Value{});
    }
    return all;
  }

  Builder& b_;
  Node& node_;
  Graph graph_;
};

}  // namespace

void add_region_ops(Registry& r) {
  r.add(Op("gradient")
            .doc("The gradients of the sum of y with respect to each of xs. Expanded by the pass autodiff.")
            .input("y", "float", "what is differentiated")
            .variadic_input("xs", "float", "values that y depends on; one that it does not depend on has gradient zero")
            .infer(infer_gradient)
            .internal());
  r.add(Op("fusion")
            .doc("A group of operations that becomes one step: a generated kernel, or a call of a library.")
            .variadic_input("operands", "any", "the inputs of the body")
            .attr("name", std::string(), "the name of the step")
            .attr("library", std::string(), "the library's call, empty for a generated kernel")
            .attr("split_by_tap", false, "a tapped value inside kept the library from taking more")
            .infer(infer_fusion)
            .reference(reference_fusion)
            .internal());
  r.add(Op("checkpoint")
            .doc("A region of the graph whose values are not kept for the gradient: that computes them once more, when "
                 "it gets there. Opened by the pass open-checkpoints.")
            .variadic_input("operands", "any", "the inputs of the body")
            .infer(infer_fusion)
            .reference(reference_fusion)
            .vjp([](Builder& b, Node& node, const Values& g) { return CheckpointGradient(b, node).run(g); })
            .internal());
  r.add(Op("barrier")
            .doc("x, not before the values after it exist. No rule sees through it, so that what is computed of it is "
                 "computed again, and then.")
            .input("x", "any")
            .variadic_input("after", "any", "what it waits for")
            .infer(same_as())
            .reference([](const RefContext& c) {
              c.results[0].data = c.operands[0]->data;
              return absl::OkStatus();
            })
            .vjp([](Builder&, Node& node, const Values& g) {
              Values gradients(static_cast<std::size_t>(node.num_operands()));
              gradients[0] = g[0];
              return gradients;
            })
            .internal());
}

}  // namespace mica::ir
