// Running a model's calls again, on arguments of any kind.
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_graph.h"
#include "frontend/graph/operation.h"
#include "frontend/graph/random.h"
#include "frontend/graph/region.h"
#include "frontend/graph/scope.h"
#include "frontend/graph/trace.h"

namespace mica::internal {
namespace {

// The values of a DAG under new arguments, by the call that made them.
class Environment {
 public:
  void set(const ValueNode& symbol, Tensor value) {
    values_[{symbol.producer.get(), symbol.result}] = std::move(value);
  }
  void set(const Call& call, const Tensors& results) {
    for (std::size_t i = 0; i < results.size(); ++i) values_[{&call, static_cast<int>(i)}] = results[i];
  }
  Tensor get(const ValueRef& value) const {
    if (value->kind == ValueKind::kSymbolic) return values_.at({value->producer.get(), value->result});
    return value->draw ? random_state(value->draw_seed) : Tensor::of(value);
  }

 private:
  std::map<std::pair<const Call*, int>, Tensor> values_;
};

// Which symbols of the recorded shapes stand for which dims of the arguments.
class Renaming {
 public:
  void bind(const ir::Dims& recorded, const ir::Dims& actual) {
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      std::vector<ir::Dim::Term> terms = recorded[i].terms();
      if (recorded[i].is_static() || terms.size() != 1) continue;
      if (terms[0].coefficient != 1 || terms[0].factors.size() != 1) continue;
      dims_.try_emplace(terms[0].factors[0], actual[i]);
    }
  }
  ir::Attrs operator()(const ir::Attrs& recorded) const {
    ir::Attrs renamed = recorded;
    for (const auto& [name, attr] : recorded.items()) {
      if (const auto* dims = std::get_if<ir::Dims>(&attr)) renamed.set(name, rename(*dims));
    }
    return renamed;
  }

 private:
  ir::Dims rename(ir::Dims dims) const {
    for (ir::Dim& dim : dims) {
      dim = dim.substitute([&](const ir::Symbol& symbol) -> std::optional<ir::Dim> {
        auto it = dims_.find(&symbol);
        return it == dims_.end() ? std::nullopt : std::optional(it->second);
      });
    }
    return dims;
  }
  std::map<const ir::Symbol*, ir::Dim> dims_;
};

std::string key_of(std::string_view step) {
  const std::string& path = LayerScope::current_path();
  return path.empty() ? std::string(step) : absl::StrCat(path, "/", std::string(step));
}

// The regions of the calls, anew: each replay has its own.
class Regions {
 public:
  RegionRef of(const Call& call) {
    if (!call.region) return nullptr;
    RegionRef& region = regions_[call.region.get()];
    if (!region) region = std::make_shared<const Region>();
    return region;
  }

 private:
  std::map<const Region*, RegionRef> regions_;
};

[[noreturn]] void throw_wrong_input(std::string_view model, std::string_view input, const ir::TensorType& expected,
                                    const Tensor& received) {
  throw Error({.where = std::string(model),
               .expected = absl::StrCat("the input \"", std::string(input), "\" to be ", describe(expected)),
               .received = describe(received),
               .hint = "The shape of an Input leaves out the batch, which is the first axis of the data."});
}

// Keras repairs a rank that is off by a trailing axis of 1.
Tensor fit_rank(const Tensor& argument, const ir::TensorType& wanted) {
  const ir::Dims& dims = dims_of(argument);
  if (dims.size() + 1 == wanted.dims.size() && wanted.dims.back().is(1)) {
    ir::Dims longer = dims;
    longer.push_back(ir::Dim(1));
    return reshape_dims(argument, std::move(longer));
  }
  if (dims.size() == wanted.dims.size() + 1 && dims.back().is(1)) {
    return reshape_dims(argument, ir::Dims(dims.begin(), dims.end() - 1));
  }
  return argument;
}

}  // namespace

Tensors fit_arguments(const ModelGraph& graph, const Tensors& arguments, std::string_view model) {
  Tensors fitted;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const ir::TensorType& wanted = graph.inputs[i]->type;
    Tensor argument = fit_rank(arguments[i], wanted);
    const ir::Dims& dims = dims_of(argument);
    bool fits = dims.size() == wanted.dims.size();
    for (std::size_t axis = 0; fits && axis < dims.size(); ++axis) {
      bool open = !wanted.dims[axis].is_static() || !dims[axis].is_static();
      fits = open || dims[axis] == wanted.dims[axis];
    }
    if (!fits) throw_wrong_input(model, graph.input_names[i], wanted, arguments[i]);
    fitted.push_back(cast(argument, wanted.dtype));
  }
  return fitted;
}

namespace {

Tensors replay_calls(const ModelGraph& graph, const Tensors& arguments, const CallSeen& seen,
                     const LayerFor& layer_for) {
  Environment environment;
  Renaming rename;
  Regions regions;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    environment.set(*graph.inputs[i], arguments[i]);
    rename.bind(graph.inputs[i]->type.dims, dims_of(arguments[i]));
  }
  for (std::size_t i = 0; i < graph.calls.size(); ++i) {
    const Call& call = *graph.calls[i];
    Tensors inputs;
    for (const ValueRef& input : call.inputs) inputs.push_back(environment.get(input));
    RegionScope region(regions.of(call));
    Tensors results = call.op          ? apply_all(*call.op, inputs, rename(call.attrs), call.bodies)
                      : call.operation ? repeat_operation(call, inputs)
                                       : invoke(layer_for ? layer_for(Layer::of(call.layer)).impl() : call.layer,
                                                arguments_of(call, inputs), graph.steps[i]);
    if (Trace* trace = Trace::current()) trace->tap(key_of(graph.steps[i]), results);
    if (seen) seen(i, results);
    environment.set(call, results);
  }
  Tensors outputs;
  for (const ValueRef& output : graph.outputs) outputs.push_back(environment.get(output));
  return outputs;
}

// What stands for the operation of a model's graph bears its name.
void take_name(const Call& call, const Tensors& results) {
  for (const Tensor& result : results) {
    if (call.layer || !result.is_symbolic()) continue;
    result.node()->name = result.node()->producer->name = call.name;
  }
}

}  // namespace

Tensors replay(const ModelGraph& graph, const Tensors& arguments) { return replay_calls(graph, arguments, {}, {}); }

Tensors replay(const ModelGraph& graph, const Tensors& arguments, const CallSeen& seen) {
  return replay_calls(graph, arguments, seen, {});
}

Tensors replay_with(const ModelGraph& graph, const Tensors& arguments, const LayerFor& layer_for) {
  auto keep_name = [&](std::size_t i, const Tensors& results) { take_name(*graph.calls[i], results); };
  return replay_calls(graph, arguments, keep_name, layer_for);
}

}  // namespace mica::internal
