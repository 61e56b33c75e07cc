// What graphs are compiled to: Programs of the CPU, or the double reference under Device("reference").
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "compiler/graph/graph.h"
#include "frontend/mica/tensor.h"
#include "runtime/program.h"

namespace mica::internal {

class Runnable {
 public:
  virtual ~Runnable() = default;
  // Arrays of `result` from an earlier run may be written again where nobody else holds them.
  virtual void run(std::span<const rt::Array> inputs, std::span<rt::VariableValue> variables,
                   rt::RunResult& result) const = 0;
};

struct ExecuteOptions {
  std::optional<Device> device = {};  // empty: the process's default
  std::string precision = {};         // empty: the process's default
};

// Compiles `graph`, or returns what an equal graph was compiled to.
std::shared_ptr<const Runnable> compile_graph(const ir::Graph& graph, const ExecuteOptions& options = {});

Device default_device();
const std::string& default_precision();

}  // namespace mica::internal
