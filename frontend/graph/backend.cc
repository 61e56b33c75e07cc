#include "frontend/graph/backend.h"

#include <map>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "compiler/compile.h"
#include "compiler/reference.h"
#include "frontend/graph/compiled_runnable.h"
#include "frontend/mica/model.h"
#include "runtime/error.h"
#include "runtime/parallel.h"

namespace mica {
namespace internal {
namespace {

struct Defaults {
  Device device = "cpu";
  std::string precision = "strict";
};
Defaults& defaults() {
  static auto* all = new Defaults();
  return *all;
}

ir::RefTensor to_reference(const rt::Array& array) {
  ir::RefTensor tensor{array.dtype(), array.dims(), std::vector<double>(static_cast<std::size_t>(array.numel()))};
  for (std::size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = array.at(static_cast<std::int64_t>(i));
  return tensor;
}

rt::Array from_reference(const ir::RefTensor& tensor) {
  rt::Array array = rt::Array::uninitialized(tensor.dtype, tensor.dims);
  for (std::size_t i = 0; i < tensor.data.size(); ++i) array.set(static_cast<std::int64_t>(i), tensor.data[i]);
  return array;
}

class ReferenceRunnable : public Runnable {
 public:
  explicit ReferenceRunnable(const ir::Graph& graph) : graph_(graph.clone()) {}

  void run(std::span<const rt::Array> inputs, std::span<rt::VariableValue> variables,
           rt::RunResult& result) const override {
    std::vector<ir::RefTensor> operands, weights;
    for (const rt::Array& input : inputs) operands.push_back(to_reference(input));
    for (const rt::VariableValue& variable : variables) weights.push_back(to_reference(variable.array));
    auto values = ir::evaluate(*graph_, operands, weights);
    if (!values.ok()) throw Error(std::string(values.status().message()));
    result = {};
    for (std::size_t i = 0; i < values->size(); ++i) {
      (graph_->outputs()[i].target ? result.updates : result.results).push_back(from_reference((*values)[i]));
    }
  }

 private:
  std::unique_ptr<ir::Graph> graph_;
};

std::shared_ptr<const Runnable> compile_new(const ir::Graph& graph, const Device& device,
                                            const std::string& precision) {
  if (device.is_reference()) return std::make_shared<ReferenceRunnable>(graph);
  if (!device.is_cpu() || precision != "strict") {
    throw Error({.where = graph.name(),
                 .expected = "the device cpu and precision strict",
                 .received = absl::StrCat(device.name(), " and ", precision),
                 .hint = "Other devices and precisions are not part of this build."});
  }
  return make_compiled(graph);
}

}  // namespace

std::shared_ptr<const Runnable> compile_graph(const ir::Graph& graph, const ExecuteOptions& options) {
  Device device = options.device.value_or(defaults().device);
  const std::string& precision = options.precision.empty() ? defaults().precision : options.precision;
  static std::mutex mutex;
  static auto* known = new std::map<std::string, std::shared_ptr<const Runnable>>();
  std::string key = absl::StrCat(device.name(), ";", precision, ";", graph.structural_key());
  {
    std::lock_guard lock(mutex);
    if (auto it = known->find(key); it != known->end()) return it->second;
  }
  std::shared_ptr<const Runnable> made = compile_new(graph, device, precision);
  std::lock_guard lock(mutex);
  return known->emplace(std::move(key), std::move(made)).first->second;
}

Device default_device() { return defaults().device; }
const std::string& default_precision() { return defaults().precision; }

}  // namespace internal

void set_default_device(const Device& device) { internal::defaults().device = device; }

void set_precision(std::string_view precision) {
  for (std::string_view known : {"strict", "high", "bf16", "int8"}) {
    if (precision != known) continue;
    internal::defaults().precision = precision;
    return;
  }
  throw Error({.where = "set_precision",
               .expected = "strict, high, bf16 or int8",
               .received = absl::StrCat("\"", std::string(precision), "\""),
               .hint = {}});
}

void set_num_threads(int threads) { rt::set_num_threads(threads); }

}  // namespace mica
