// From a traced graph to numbers: compilation (found again by structure), operands, runs, updates.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/graph/backend.h"
#include "frontend/graph/trace.h"
#include "runtime/program.h"

namespace mica::internal {

// A traced graph with its operands: what predict, evaluate and a training step hold on to.
class Executable {
 public:
  explicit Executable(TracedGraph traced, const ExecuteOptions& options = {});
  // `inputs` in the order of Trace::input. Reads the Variables and binds their new values afterwards; returns the
  // outputs in the order of the graph; then calls the hooks of layers. An error leaves every Variable as it was.
  // Outputs of an earlier run are written again where nobody else holds them.
  std::vector<rt::Array> run(std::span<const rt::Array> inputs, std::vector<rt::Array> earlier = {}) const;
  const ir::Graph& graph() const { return *traced_.graph; }
  std::vector<std::string> output_names() const;

 private:
  class Loan;
  std::size_t num_shown() const;  // results that hooks look at
  TracedGraph traced_;
  std::shared_ptr<const Runnable> runnable_;
};

// The array of a concrete value: runs what is pending below it. Error for symbolic and traced values.
rt::Array compute(const ValueRef& node);
// The same for several at once, in one Program.
void compute_all(const std::vector<ValueRef>& nodes);

}  // namespace mica::internal
