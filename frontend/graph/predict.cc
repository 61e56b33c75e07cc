// Running a model on arrays: data, batches, taps.
#include <algorithm>
#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/run_model.h"
#include "frontend/graph/scope.h"

namespace mica {
namespace internal {
namespace {

// Open dims get the symbols N (the batch), T0, T1 …: names of the model's inputs must not make equal models differ.
class SymbolNames {
 public:
  ir::TensorType rename(const ir::TensorType& type) {
    ir::TensorType renamed{type.dtype, {}};
    for (const ir::Dim& dim : type.dims) renamed.dims.push_back(dim.is_static() ? dim : rename(dim));
    return renamed;
  }

 private:
  ir::Dim rename(const ir::Dim& dim) {
    return dim.substitute([&](const ir::Symbol& symbol) -> std::optional<ir::Dim> {
      if (symbol.numerator) return std::nullopt;
      if (symbol.name == "N") return std::nullopt;
      auto [it, is_new] = names_.try_emplace(symbol.name);
      if (is_new) it->second = ir::Dim::symbol(absl::StrCat("T", names_.size() - 1));
      return it->second;
    });
  }
  std::map<std::string, ir::Dim> names_;
};

void check_rows(const CustomLayer& model, ModelData& data) {
  for (std::size_t i = 0; i < data.arrays.size(); ++i) {
    const std::vector<std::int64_t>& dims = data.arrays[i].dims();
    if (dims.empty()) {
      throw Error({.where = state_of(model).name,
                   .expected = absl::StrCat("a batch for \"", data.names[i], "\""),
                   .received = "a scalar",
                   .hint = "The first axis of the data is the batch."});
    }
    if (i == 0) data.batch = dims[0];
    if (dims[0] == data.batch) continue;
    throw Error({.where = state_of(model).name,
                 .expected = absl::StrCat("inputs of one length, ", data.batch, " rows as in \"", data.names[0], "\""),
                 .received = absl::StrCat(dims[0], " rows in \"", data.names[i], "\""),
                 .hint = {}});
  }
}

std::string key_of_types(const ir::Types& types) {
  std::string key;
  for (const ir::TensorType& type : types) absl::StrAppend(&key, type.to_string(), ";");
  return key;
}

// Result rows of all batches, one after the other.
class Collector {
 public:
  Collector(const Executable& program, std::int64_t rows, std::int64_t batch_rows)
      : program_(program), rows_(rows), batch_rows_(batch_rows) {}
  void add(std::vector<rt::Array> results, std::int64_t begin) {
    if (batch_rows_ >= rows_) {
      whole_ = std::move(results);
      return;
    }
    for (std::size_t i = 0; i < results.size(); ++i) check_rows(i, results[i], std::min(batch_rows_, rows_ - begin));
    if (whole_.empty()) {
      for (const rt::Array& result : results) {
        std::vector<std::int64_t> dims = result.dims();
        dims[0] = rows_;
        whole_.push_back(rt::Array::uninitialized(result.dtype(), std::move(dims)));
      }
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i].numel() == 0) continue;
      std::int64_t row_bytes = results[i].bytes() / results[i].dims()[0];
      std::memcpy(whole_[i].as<char>() + begin * row_bytes, results[i].data(),
                  static_cast<std::size_t>(results[i].bytes()));
    }
  }
  std::vector<rt::Array> take() { return std::move(whole_); }

 private:
  void check_rows(std::size_t i, const rt::Array& result, std::int64_t rows) const {
    if (!result.dims().empty() && result.dims()[0] == rows) return;
    throw Error({.where = program_.output_names()[i],
                 .expected = absl::StrCat("a row of the result for each of the ", rows, " rows of a batch"),
                 .received = Shape(result.dims()).to_string(),
                 .hint = absl::StrCat("Such results need all rows in one batch: batch_size ", rows_, ".")});
  }

  const Executable& program_;
  std::int64_t rows_, batch_rows_;
  std::vector<rt::Array> whole_;
};

std::vector<rt::Array> run_batches(const Executable& program, const ModelData& data, std::int64_t batch_rows,
                                   const RunOptions& run) {
  Collector collector(program, data.batch, batch_rows);
  std::int64_t begin = 0;
  int number = 0;
  do {
    if (run.before_batch) run.before_batch(number);
    std::int64_t end = std::min(begin + batch_rows, data.batch);
    std::vector<rt::Array> inputs;
    for (const rt::Array& array : data.arrays) inputs.push_back(rows(array, begin, end));
    collector.add(program.run(inputs), begin);
    begin = end;
    if (run.after_batch) run.after_batch(number);
    ++number;
  } while (begin < data.batch);
  return collector.take();
}

// Data of another element type is converted here: an array needs no Program for that.
Tensor converted(const Tensor& data, DType dtype) {
  const ValueRef& node = data.node();
  if (node->kind != ValueKind::kComputed || node->type.dtype == dtype) return data;
  return Tensor::of(make_computed(node->array.cast(dtype)));
}

bool all_taps(const RunOptions& run) { return run.taps == std::vector<std::string>{"all"}; }

std::string key_of_run(const RunOptions& run, const ir::Types& types) {
  return absl::StrCat("predict", run.outputs ? "+outputs" : "", run.training ? "+training" : "", "|", join(run.taps),
                      "|", key_of_types(types));
}

TraceOptions trace_options(const RunOptions& run) {
  return {.training = run.training,
          .taps = !run.taps.empty(),
          .tap_layers = all_taps(run) ? std::vector<std::string>() : run.taps,
          .hooks = true};
}

void check_taps(const Model& model, const RunOptions& run, const std::vector<std::string>& names) {
  if (all_taps(run)) return;
  for (const std::string& tap : run.taps) {
    bool found = std::any_of(names.begin(), names.end(), [&](const std::string& key) {
      return key == tap || key.starts_with(absl::StrCat(tap, "#"));
    });
    if (found) continue;
    throw Error({.where = model.name(),
                 .expected = "the key of a call in it, like those of trace(inputs).keys()",
                 .received = absl::StrCat("\"", tap, "\""),
                 .hint = {}});
  }
}

}  // namespace

TensorDict NamedResults::by_name() const {
  TensorDict dict;
  for (std::size_t i = 0; i < names.size(); ++i) dict.set(names[i], values[i]);
  return dict;
}

NamedResults run_model(const Model& model, const Inputs& x, const RunOptions& run) {
  if (!model.built()) model.apply(x);  // a sequential model learns its input's shape from the first call
  ModelData data = model_data(*model.impl(), x);
  auto program =
      compiled(model_state(model), absl::StrCat(key_of_run(run, data.types), hooks_key(*model.impl())),
               [&] { return trace_model(*model.impl(), data.names, data.types, trace_options(run), run.outputs); },
               {.precision = run.precision});
  NamedResults results{program->output_names(), {}};
  check_taps(model, run, results.names);
  const std::int64_t batch_rows = run.batch_size.value_or(std::max<std::int64_t>(data.batch, 1));
  if (run.steps) data.batch = std::min(data.batch, *run.steps * batch_rows);
  for (rt::Array& array : run_batches(*program, data, batch_rows, run)) {
    results.values.push_back(Tensor::of(make_computed(std::move(array))));
  }
  return results;
}

rt::Array rows(const rt::Array& array, std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> dims = array.dims();
  if (begin == 0 && end == dims[0]) return array;
  std::int64_t row_bytes = dims[0] == 0 ? 0 : array.bytes() / dims[0];
  dims[0] = end - begin;
  auto owner = std::make_shared<rt::Array>(array);
  return rt::Array::borrow(array.as<char>() + begin * row_bytes, array.dtype(), std::move(dims), std::move(owner));
}

ModelData model_data(const CustomLayer& model, const Inputs& x) {
  const LayerState& state = state_of(model);
  Tensors tensors = ordered_inputs(model, x);
  for (const Tensor& tensor : tensors) defined_node(tensor, state.name);
  ModelData data;
  SymbolNames symbols;
  if (state.model->graph) {
    const ModelGraph& graph = *state.model->graph;
    for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i] = converted(tensors[i], graph.inputs[i]->type.dtype);
    tensors = fit_arguments(graph, tensors, state.name);
    data.names = graph.input_names;
    for (const ValueRef& input : graph.inputs) data.types.push_back(symbols.rename(input->type));
  } else {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      data.names.push_back(tensors.size() == 1 ? "x" : absl::StrCat("x", i));
      ir::TensorType type = type_of(tensors[i]);
      if (!type.dims.empty()) type.dims[0] = ir::Dim::symbol("N");
      data.types.push_back(std::move(type));
    }
  }
  std::vector<ValueRef> nodes;
  for (const Tensor& tensor : tensors) nodes.push_back(defined_node(tensor, state.name));
  compute_all(nodes);
  for (const ValueRef& node : nodes) data.arrays.push_back(compute(node));
  check_rows(model, data);
  return data;
}

Tensors forward(const CustomLayer& model, const Tensors& inputs) {
  const LayerState& state = state_of(model);
  if (!state.model->graph) {
    return run_inline(const_cast<CustomLayer&>(model).shared_from_this(), {.tensors = inputs});
  }
  return replay(*state.model->graph, fit_arguments(*state.model->graph, inputs, state.name));
}

TracedGraph trace_model(const CustomLayer& model, const std::vector<std::string>& names, const ir::Types& types,
                        TraceOptions options, bool with_outputs) {
  options.name = state_of(model).name;
  Trace trace(std::move(options));
  Tensors inputs;
  for (std::size_t i = 0; i < types.size(); ++i) inputs.push_back(trace.input(types[i], names[i]));
  Tensors outputs = forward(model, inputs);
  if (with_outputs) {
    const auto& graph = state_of(model).model->graph;
    std::map<std::string, int> seen;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      std::string name = graph ? graph->output_names[i] : outputs.size() == 1 ? "output" : absl::StrCat("output", i);
      if (int repetition = seen[name]++) absl::StrAppend(&name, ":", repetition);
      const std::vector<ir::Output>& taps = trace.graph().outputs();
      bool tapped = std::any_of(taps.begin(), taps.end(), [&](const ir::Output& o) { return o.tap && o.name == name; });
      if (!tapped) trace.output(outputs[i], name);
    }
  }
  return trace.finish();
}

std::shared_ptr<const Executable> compiled(ModelState& state, const std::string& key,
                                           const std::function<TracedGraph()>& build, const ExecuteOptions& options) {
  std::string full = absl::StrCat(key, "|", options.precision.empty() ? default_precision() : options.precision, "|",
                                  options.device.value_or(default_device()).name());
  std::lock_guard lock(state.mutex);
  std::shared_ptr<const Executable>& program = state.programs[full];
  if (!program) {
    program = std::make_shared<Executable>(build(), options);
    ++state.compilations;
  }
  return program;
}

}  // namespace internal

TensorDict Model::trace(const Inputs& x, TraceOptions options) const {
  std::vector<std::string> taps = options.layers.empty() ? std::vector<std::string>{"all"} : options.layers;
  return internal::run_model(*this, x, {.outputs = false, .taps = taps, .training = options.training}).by_name();
}

}  // namespace mica
