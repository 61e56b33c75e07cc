// compile(function): a function as Programs, one for each signature of its inputs.
#include <map>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/trace.h"
#include "frontend/mica/autograd.h"

namespace mica {

struct CompiledFunction::State {
  std::function<Tensors(const Tensors&)> function;
  internal::ExecuteOptions options;
  std::mutex mutex;  // of what follows
  std::map<std::string, std::shared_ptr<const internal::Executable>> programs;
};

namespace {

internal::ExecuteOptions execute_options(const CompileFunctionOptions& options) {
  internal::ExecuteOptions execute{.precision = std::string(options.precision)};
  if (!options.device.empty()) execute.device = Device(options.device);
  return execute;
}

std::string signature_of(const Tensors& inputs) {
  std::string signature = absl::StrCat(internal::default_device().name(), ";", internal::default_precision(), ";");
  for (const Tensor& input : inputs) absl::StrAppend(&signature, internal::type_of(input).to_string(), ";");
  return signature;
}

internal::TracedGraph traced(const std::function<Tensors(const Tensors&)>& function, const Tensors& inputs) {
  internal::Trace trace({.name = "function"});
  Tensors operands;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    operands.push_back(trace.input(internal::type_of(inputs[i]), absl::StrCat("x", i)));
  Tensors results = function(operands);
  for (std::size_t i = 0; i < results.size(); ++i) trace.output(results[i], absl::StrCat("result", i));
  return trace.finish();
}

}  // namespace

CompiledFunction::CompiledFunction(std::shared_ptr<State> state) : state_(std::move(state)) {}

Tensors CompiledFunction::apply(const Inputs& inputs) const {
  Tensors tensors = inputs.tensors();
  std::vector<internal::ValueRef> nodes;
  for (const Tensor& tensor : tensors) nodes.push_back(internal::defined_node(tensor, "compiled function"));
  if (internal::Trace::current()) return state_->function(tensors);
  std::shared_ptr<const internal::Executable> program;
  {
    std::lock_guard lock(state_->mutex);
    std::shared_ptr<const internal::Executable>& known = state_->programs[signature_of(tensors)];
    if (!known) known = std::make_shared<internal::Executable>(traced(state_->function, tensors), state_->options);
    program = known;
  }
  internal::compute_all(nodes);
  std::vector<rt::Array> arrays;
  for (const internal::ValueRef& node : nodes) arrays.push_back(internal::compute(node));
  Tensors results;
  for (rt::Array& array : program->run(arrays))
    results.push_back(Tensor::of(internal::make_computed(std::move(array))));
  return results;
}

Tensor CompiledFunction::operator()(const Inputs& inputs) const {
  Tensors results = apply(inputs);
  if (results.size() == 1) return results[0];
  throw Error({.where = "compiled function",
               .expected = "one result",
               .received = absl::StrCat(results.size(), " results"),
               .hint = "apply(inputs) gives them all."});
}

int CompiledFunction::compilations() const {
  std::lock_guard lock(state_->mutex);
  return static_cast<int>(state_->programs.size());
}

CompiledFunction compile(std::function<Tensors(const Tensors&)> f, CompileFunctionOptions options) {
  auto state = std::make_shared<CompiledFunction::State>();
  state->function = std::move(f);
  state->options = execute_options(options);
  return CompiledFunction(std::move(state));
}

CompiledFunction compile(std::function<Tensor(const Tensor&)> f, CompileFunctionOptions options) {
  auto of_list = [f = std::move(f)](const Tensors& inputs) {
    if (inputs.size() != 1) {
      throw Error({.where = "compiled function",
                   .expected = "one tensor",
                   .received = absl::StrCat(inputs.size()),
                   .hint = "A function of several takes const Tensors&."});
    }
    return Tensors{f(inputs[0])};
  };
  return compile(std::function<Tensors(const Tensors&)>(std::move(of_list)), options);
}

}  // namespace mica
