// Running a model on arrays: data, batches, taps.
#include <algorithm>
#include <cstring>
#include <set>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
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
  Collector(std::int64_t rows, std::int64_t batch_rows) : rows_(rows), batch_rows_(batch_rows) {}
  void add(std::vector<rt::Array> results, std::int64_t begin) {
    if (batch_rows_ >= rows_) {
      whole_ = std::move(results);
      return;
    }
    if (whole_.empty()) {
      for (const rt::Array& result : results) {
        std::vector<std::int64_t> dims = result.dims();
        if (!dims.empty()) dims[0] = rows_;
        whole_.push_back(rt::Array::uninitialized(result.dtype(), std::move(dims)));
      }
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i].numel() == 0) continue;
      std::int64_t row_bytes = results[i].dims().empty() ? 0 : results[i].bytes() / results[i].dims()[0];
      std::memcpy(whole_[i].as<char>() + begin * row_bytes, results[i].data(),
                  static_cast<std::size_t>(results[i].bytes()));
    }
  }
  std::vector<rt::Array> take() { return std::move(whole_); }

 private:
  std::int64_t rows_, batch_rows_;
  std::vector<rt::Array> whole_;
};

std::vector<rt::Array> run_batches(const Executable& program, const ModelData& data, std::int64_t batch_rows) {
  Collector collector(data.batch, batch_rows);
  std::int64_t begin = 0;
  do {
    std::int64_t end = std::min(begin + batch_rows, data.batch);
    std::vector<rt::Array> inputs;
    for (const rt::Array& array : data.arrays) inputs.push_back(rows(array, begin, end));
    collector.add(program.run(inputs), begin);
    begin = end;
  } while (begin < data.batch);
  return collector.take();
}

// Data of another element type is converted here: an array needs no Program for that.
Tensor converted(const Tensor& data, DType dtype) {
  const ValueRef& node = data.node();
  if (node->kind != ValueKind::kComputed || node->type.dtype == dtype) return data;
  return Tensor::of(make_computed(node->array.cast(dtype)));
}

// What trace() records depends on these only.
std::string key_of_taps(const mica::TraceOptions& options) {
  return absl::StrCat("trace", options.training ? "+training" : "", ":", join(options.layers));
}

}  // namespace

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
      int repetition = seen[name]++;
      trace.output(outputs[i], repetition == 0 ? name : absl::StrCat(name, ":", repetition));
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

Tensors Model::predict_all(const Inputs& x, PredictOptions options) const {
  internal::ModelState& state = internal::model_state(*this);
  if (options.batch_size < 1) {
    throw Error({.where = name(),
                 .expected = "a batch_size of at least 1",
                 .received = absl::StrCat(options.batch_size),
                 .hint = {}});
  }
  if (!built()) (*this).apply(x);  // a sequential model learns its input's shape from the first call
  internal::ModelData data = internal::model_data(*impl_, x);
  auto program = internal::compiled(state, absl::StrCat("predict|", internal::key_of_types(data.types)),
                                    [&] { return internal::trace_model(*impl_, data.names, data.types, {}); },
                                    {.precision = options.precision});
  Tensors results;
  for (rt::Array& array : internal::run_batches(*program, data, options.batch_size)) {
    results.push_back(Tensor::of(internal::make_computed(std::move(array))));
  }
  return results;
}

Tensor Model::predict(const Inputs& x, PredictOptions options) const {
  Tensors results = predict_all(x, options);
  if (results.size() == 1) return results[0];
  throw Error({.where = name(),
               .expected = "one output",
               .received = absl::StrCat(results.size(), " outputs"),
               .hint = absl::StrCat("Take them all: auto [a, b] = model.predict<", results.size(), ">(x).")});
}

TensorDict Model::predict_dict(const Inputs& x, PredictOptions options) const {
  std::vector<std::string> names = output_names();
  Tensors results = predict_all(x, options);
  TensorDict named;
  for (std::size_t i = 0; i < results.size(); ++i) named.set(names[i], results[i]);
  return named;
}

TensorDict Model::trace(const Inputs& x, TraceOptions options) const {
  internal::ModelState& state = internal::model_state(*this);
  if (!built()) (*this).apply(x);
  internal::ModelData data = internal::model_data(*impl_, x);
  auto program = internal::compiled(
      state, absl::StrCat(internal::key_of_taps(options), "|", internal::key_of_types(data.types)),
      [&] {
        internal::TraceOptions traced{.training = options.training, .taps = true, .tap_layers = options.layers};
        return internal::trace_model(*impl_, data.names, data.types, std::move(traced), /*with_outputs=*/false);
      },
      {});
  std::vector<std::string> names = program->output_names();
  for (const std::string& wanted : options.layers) {
    bool found = std::any_of(names.begin(), names.end(), [&](const std::string& key) {
      return key == wanted || key.starts_with(absl::StrCat(wanted, "#"));
    });
    if (found) continue;
    throw Error({.where = name(),
                 .expected = "the key of a call in it, like those of trace(inputs).keys()",
                 .received = absl::StrCat("\"", wanted, "\""),
                 .hint = {}});
  }
  std::vector<rt::Array> arrays = internal::run_batches(*program, data, std::max<std::int64_t>(data.batch, 1));
  TensorDict taps;
  for (std::size_t i = 0; i < names.size(); ++i) {
    taps.set(names[i], Tensor::of(internal::make_computed(std::move(arrays[i]))));
  }
  return taps;
}

}  // namespace mica
