#include "compiler/reference.h"

#include <algorithm>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "compiler/graph/location.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/ref_element.h"
#include "runtime/error.h"

namespace mica::ir {
namespace {

using Tensors = std::vector<RefTensor>;
using Bindings = std::unordered_map<const Symbol*, std::int64_t>;

absl::Status bind_dims(const TensorType& type, const RefTensor& tensor, std::string_view name, Bindings& bindings) {
  auto mismatch = [&] {
    return absl::InvalidArgumentError(absl::StrCat(std::string(name), ": expected ", type.to_string(), ", received ",
                                                   tensor.dtype.short_name(), to_string(Attr(tensor.dims))));
  };
  if (tensor.dtype != type.dtype || tensor.dims.size() != type.dims.size()) return mismatch();
  for (std::size_t i = 0; i < type.dims.size(); ++i) {
    std::vector<Dim::Term> terms = type.dims[i].terms();
    bool plain = terms.size() == 1 && terms[0].coefficient == 1 && terms[0].factors.size() == 1;
    if (plain && !terms[0].factors[0]->numerator) bindings.emplace(terms[0].factors[0], tensor.dims[i]);
  }
  return absl::OkStatus();
}

Types types_of(const std::vector<const RefTensor*>& operands) {
  Types types;
  for (const RefTensor* operand : operands) {
    types.push_back({operand->dtype, Dims(operand->dims.begin(), operand->dims.end())});
  }
  return types;
}

absl::StatusOr<Tensors> evaluate_inside(const Graph& graph, std::span<const RefTensor> inputs);

absl::StatusOr<Tensors> evaluate_decomposition(const OpDef& op, const Attrs& attrs,
                                               const std::vector<const RefTensor*>& operands) {
  Graph graph(op.name);
  Types types = types_of(operands);
  Values inputs;
  Tensors tensors;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    inputs.push_back(graph.input(types[i], absl::StrCat("x", i)));
    tensors.push_back(*operands[i]);
  }
  const absl::StatusOr<Node*> node = graph.try_add(op, inputs, attrs);
  if (!node.ok()) return node.status();
  Builder builder(graph);
  Values results = op.decompose(builder, **node);
  for (std::size_t i = 0; i < results.size(); ++i) graph.add_output(results[i], absl::StrCat("y", i));
  graph.sort_and_sweep();  // away with the composite itself
  return evaluate_inside(graph, tensors);
}

// Sizes are concrete here: slacks are numbers.
absl::Status check_bounds(const OpDef& op, const Attrs& attrs, const std::vector<const RefTensor*>& operands,
                          const std::vector<std::unique_ptr<Graph>>& bodies) {
  if (!op.bounds) return absl::OkStatus();
  const Types types = types_of(operands);
  for (const Bound& bound : op.bounds({op, attrs, types, bodies})) {
    if (bound.slack.value() < 0) return expected(bound.expected, bound.received.to_string());
  }
  return absl::OkStatus();
}

// What compiled code says through its error word.
absl::Status check_indices(const Node& node, const std::vector<const RefTensor*>& operands) {
  const std::string wanted = expected_indices(node);
  if (wanted.empty()) return absl::OkStatus();
  const Ints& dims = operands[0]->dims;
  const auto size =
      static_cast<double>(dims[static_cast<std::size_t>(axis_of(node.attrs(), static_cast<int>(dims.size())))]);
  const std::vector<double>& indices = operands[1]->data;
  const auto outside = std::find_if(indices.begin(), indices.end(), [&](double i) { return i < 0 || i >= size; });
  if (outside == indices.end()) return absl::OkStatus();
  return expected(wanted, absl::StrCat(*outside, " at position ", outside - indices.begin()));
}

// One operation on concrete operands, attributes and result types.
absl::StatusOr<Tensors> evaluate_typed(const OpDef& op, const Attrs& attrs,
                                       const std::vector<const RefTensor*>& operands, const Types& types,
                                       const std::vector<std::unique_ptr<Graph>>& bodies, const RegionFn& run_body) {
  if (absl::Status fits = check_bounds(op, attrs, operands, bodies); !fits.ok()) return fits;
  if (!op.reference && !op.scalar && op.decompose) return evaluate_decomposition(op, attrs, operands);
  Tensors results;
  for (const TensorType& type : types) {
    RefTensor result{type.dtype, {}, {}};
    for (const Dim& dim : type.dims) result.dims.push_back(dim.value());
    result.data.resize(static_cast<std::size_t>(result.numel()));
    results.push_back(std::move(result));
  }
  RefContext context{attrs, operands, results, bodies, run_body};
  absl::Status done = absl::UnimplementedError(absl::StrCat(op.name, " has no reference: a pass replaces it"));
  if (op.reference) {
    done = op.reference(context);
  } else if (op.scalar) {
    done = evaluate_scalar_op(*op.scalar, context);
  }
  if (!done.ok()) return done;
  return results;
}

class Interpreter {
 public:
  // `names_nodes`: whether errors name the layer or the operation; inside of one they do not.
  explicit Interpreter(Bindings bindings, bool names_nodes = true)
      : bindings_(std::move(bindings)), names_nodes_(names_nodes) {}

  absl::StatusOr<Tensors> run(const Graph& graph, std::span<const RefTensor> inputs,
                              std::span<const RefTensor> variables);

 private:
  absl::Status evaluate_node(const Node& node);
  absl::StatusOr<Tensors> results_of(const Node& node, const std::vector<const RefTensor*>& operands);
  std::int64_t value_of(const Dim& dim) const;
  Attrs concrete(const Attrs& attrs) const;
  Dims concrete(const Dims& dims) const;

  Bindings bindings_;
  bool names_nodes_;
  std::unordered_map<const Node*, Tensors> values_;
};

std::int64_t Interpreter::value_of(const Dim& dim) const {
  return dim.evaluate([&](const Symbol& symbol) {
    auto it = bindings_.find(&symbol);
    MICA_CHECK(it != bindings_.end()) << "the symbol " << symbol.name << " is in no operand's shape";
    return it->second;
  });
}

Dims Interpreter::concrete(const Dims& dims) const {
  Dims numbers;
  for (const Dim& dim : dims) numbers.push_back(value_of(dim));
  return numbers;
}

Attrs Interpreter::concrete(const Attrs& attrs) const {
  Attrs result = attrs;
  for (const auto& [name, value] : attrs.items()) {
    if (const Dims* dims = std::get_if<Dims>(&value)) {
      result.set(name, concrete(*dims));
    }
  }
  return result;
}

absl::StatusOr<Tensors> Interpreter::run(const Graph& graph, std::span<const RefTensor> inputs,
                                         std::span<const RefTensor> variables) {
  if (inputs.size() != graph.inputs().size() || variables.size() != graph.variables().size()) {
    return absl::InvalidArgumentError(absl::StrCat(graph.name(), ": expected ", graph.inputs().size(), " inputs and ",
                                                   graph.variables().size(), " variables, received ", inputs.size(),
                                                   " and ", variables.size()));
  }
  auto take = [&](const std::vector<Node*>& nodes, std::span<const RefTensor> tensors) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      absl::Status bound = bind_dims(nodes[i]->result_types()[0], tensors[i], nodes[i]->name_hint(), bindings_);
      if (!bound.ok()) return bound;
      values_[nodes[i]] = {tensors[i]};
    }
    return absl::OkStatus();
  };
  if (absl::Status taken = take(graph.inputs(), inputs); !taken.ok()) return taken;
  if (absl::Status taken = take(graph.variables(), variables); !taken.ok()) return taken;
  for (const auto& node : graph.nodes()) {
    if (values_.count(node.get())) continue;
    if (absl::Status done = evaluate_node(*node); !done.ok()) return done;
  }
  Tensors outputs;
  for (const Output& output : graph.outputs()) {
    outputs.push_back(values_.at(output.value.node)[static_cast<std::size_t>(output.value.index)]);
  }
  return outputs;
}

absl::Status Interpreter::evaluate_node(const Node& node) {
  std::vector<const RefTensor*> operands;
  for (const Value& value : node.operands()) {
    operands.push_back(&values_.at(value.node)[static_cast<std::size_t>(value.index)]);
  }
  absl::StatusOr<Tensors> results = results_of(node, operands);
  if (results.ok()) {
    values_[&node] = *std::move(results);
    return absl::OkStatus();
  }
  if (!names_nodes_ || !absl::IsInvalidArgument(results.status())) return results.status();
  const std::string_view layer = layer_of(node.loc());
  return absl::InvalidArgumentError(
      absl::StrCat(layer.empty() ? node.op().name : std::string(layer), ": ", std::string(results.status().message())));
}

absl::StatusOr<Tensors> Interpreter::results_of(const Node& node, const std::vector<const RefTensor*>& operands) {
  RegionFn region = [this](const Graph& body, std::span<const RefTensor> inputs) {
    return Interpreter(bindings_, names_nodes_).run(body, inputs, {});
  };
  // As compiled code does: with the sizes that are open in the graph.
  for (const Bound& bound : bounds_of(node)) {
    if (value_of(bound.slack) < 0) return expected(bound.expected, absl::StrCat(value_of(bound.received)));
  }
  Types types = node.result_types();
  for (TensorType& type : types) type.dims = concrete(type.dims);
  absl::StatusOr<Tensors> results =
      evaluate_typed(node.op(), concrete(node.attrs()), operands, types, node.bodies(), region);
  if (!results.ok()) return results;
  if (absl::Status inside = check_indices(node, operands); !inside.ok()) return inside;
  return results;
}

absl::StatusOr<Tensors> evaluate_inside(const Graph& graph, std::span<const RefTensor> inputs) {
  return Interpreter({}, /*names_nodes=*/false).run(graph, inputs, {});
}

}  // namespace

absl::StatusOr<Tensors> evaluate_op(const OpDef& op, const Attrs& attrs,
                                    const std::vector<const RefTensor*>& operands) {
  std::vector<std::unique_ptr<Graph>> no_bodies;
  Types types = types_of(operands);
  absl::StatusOr<Types> results = op.infer({op, attrs, types, no_bodies});
  if (!results.ok()) return results.status();
  return evaluate_typed(op, attrs, operands, *results, no_bodies, {});
}

absl::StatusOr<Tensors> evaluate(const Graph& graph, std::span<const RefTensor> inputs,
                                 std::span<const RefTensor> variables) {
  return Interpreter({}).run(graph, inputs, variables);
}

}  // namespace mica::ir
