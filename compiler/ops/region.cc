// Operations of the compiler itself: the request for a gradient, and the group that becomes one step.
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"

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
}

}  // namespace mica::ir
