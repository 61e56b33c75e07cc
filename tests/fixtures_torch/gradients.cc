#include "tests/fixtures_torch/gradients.h"

#include <stdexcept>

#include "compiler/ops/builder.h"
#include "compiler/passes/autodiff.h"
#include "frontend/graph/trace.h"

namespace mica::torch_fixtures {

Tensors gradients_in_trace(const Tensors& ys, const Tensors& seeds, const Tensors& xs) {
  internal::Trace& trace = *internal::Trace::current();
  auto lifted = [&](const Tensors& tensors) {
    ir::Values values;
    for (const Tensor& tensor : tensors) values.push_back(trace.lift(tensor));
    return values;
  };
  ir::Builder builder(trace.graph());
  ir::Values inputs = lifted(xs);
  absl::StatusOr<ir::Values> gradients = ir::differentiate(builder, lifted(ys), lifted(seeds), inputs);
  if (!gradients.ok()) throw std::runtime_error(std::string(gradients.status().message()));
  Tensors results;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ir::Value gradient = (*gradients)[i];
    results.push_back(trace.wrap(gradient ? gradient : builder.full_like(0, inputs[i])));
  }
  return results;
}

}  // namespace mica::torch_fixtures
