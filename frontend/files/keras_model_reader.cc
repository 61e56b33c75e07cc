#include "frontend/files/keras_model_reader.h"

#include <limits>
#include <map>
#include <queue>

#include "absl/strings/str_cat.h"
#include "frontend/files/keras_call.h"
#include "frontend/files/keras_object.h"
#include "frontend/graph/functional.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/layers/dtype_policy.h"
#include "frontend/layers/fields.h"
#include "frontend/mica/layers/core.h"

namespace mica::files {
namespace {

using internal::FieldValue;
using Kind = Config::Value::Kind;
using Value = Config::Value;

constexpr std::string_view kOperations = "keras.src.ops.";

// A layer or an operation of the config, and the results of its calls so far.
struct Entry {
  std::string name;
  const Config* object = nullptr;
  Layer layer;  // empty for an operation
  const internal::OperationDef* operation = nullptr;
  std::vector<const Value*> nodes;
  std::vector<Tensors> results;
};

// A call that waits for operands.
struct PendingCall {
  std::size_t entry, node;
  std::size_t missing = 0;           // operands, and the earlier call of the same layer
  std::vector<std::size_t> unlocks;  // calls that wait for this one
};

bool is_operation(const Config& object) {
  if (!object.contains("module") || object.at("module").kind() != Kind::kText) return false;
  return object.at("module").text().starts_with(kOperations);
}

bool is_input(const Config& object) {
  return object.contains("class_name") && object.at("class_name").kind() == Kind::kText &&
         object.at("class_name").text() == "InputLayer";
}

// The record by class and module: a name may be an operation of one module and a layer elsewhere.
const internal::OperationDef* operation_of(const Config& object, const std::string& name) {
  const std::string& class_name = text_at(object, "class_name", name);
  const internal::OperationDef* def = internal::find_operation(class_name);
  std::string_view module = std::string_view(object.at("module").text()).substr(kOperations.size());
  if (def && def->module == module) return def;
  throw Error({.where = name,
               .expected = "an operation of keras.ops that Mica has",
               .received = absl::StrCat(object.at("module").text(), ".", class_name),
               .hint = {}});
}

class FunctionalReader {
 public:
  explicit FunctionalReader(const Config& config)
      : config_(config), name_(config.contains("name") ? text_at(config, "name", "model") : std::string()) {}

  Model read() {
    for (const Value& item : list_at(config_, "layers", where())) {
      if (item.kind() != Kind::kObject) fail("layers that are objects", item.to_json().substr(0, 80));
      add_entry(item.object());
    }
    make_calls();
    bool trainable =
        !config_.contains("trainable") || config_.at("trainable").is_null() || config_.at("trainable").integer() != 0;
    Tensors inputs, outputs;
    Value input_structure = take_structure("input_layers", inputs);
    Value output_structure = take_structure("output_layers", outputs);
    Model model(inputs, outputs, {.name = name_, .trainable = trainable});
    internal::ModelGraph& graph = *internal::model_state(model).graph;
    graph.input_structure = std::move(input_structure);
    graph.output_structure = std::move(output_structure);
    return model;
  }

 private:
  std::string where() const { return name_.empty() ? "model" : name_; }
  [[noreturn]] void fail(std::string_view expected, std::string_view received, std::string_view place = {}) const {
    throw Error({.where = place.empty() ? where() : std::string(place),
                 .expected = std::string(expected),
                 .received = std::string(received),
                 .hint = {}});
  }

  void add_entry(const Config& object) {
    Entry entry;
    bool is_named = object.contains("name") && object.at("name").kind() == Kind::kText;
    entry.name = is_named ? object.at("name").text() : name_in(object);
    entry.object = &object;
    if (!index_.emplace(entry.name, entries_.size()).second) {
      fail("layers of different names", absl::StrCat("\"", entry.name, "\" twice"));
    }
    if (is_input(object)) {
      entry.results.push_back({read_input(object_at(object, "config", entry.name))});
    } else {
      if (is_operation(object)) {
        entry.operation = operation_of(object, entry.name);
      } else {
        entry.layer = read_layer(object);
      }
      for (const Value& node : list_at(object, "inbound_nodes", entry.name)) entry.nodes.push_back(&node);
    }
    entries_.push_back(std::move(entry));
  }

  // Calls in an order in which every operand exists, as near as can be to that of the file.
  void make_calls() {
    link_calls();
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      if (calls_[i].missing == 0) ready.push(i);
    }
    std::size_t made = 0;
    for (; !ready.empty(); ++made) {
      std::size_t at = ready.top();
      ready.pop();
      make_call(calls_[at]);
      for (std::size_t next : calls_[at].unlocks) {
        if (--calls_[next].missing == 0) ready.push(next);
      }
    }
    if (made < calls_.size()) throw_cycle();
  }

  void link_calls() {
    std::vector<std::size_t> first_call;  // of each entry
    for (std::size_t e = 0; e < entries_.size(); ++e) {
      first_call.push_back(calls_.size());
      for (std::size_t n = 0; n < entries_[e].nodes.size(); ++n)
        calls_.push_back({.entry = e, .node = n, .unlocks = {}});
    }
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const Entry& entry = entries_[calls_[i].entry];
      if (calls_[i].node > 0) wait(i, i - 1);
      for (const TensorName& source : tensor_names(*entry.nodes[calls_[i].node], entry.name)) {
        const Entry& from = source_of(source, entry.name);
        std::size_t available = from.nodes.empty() ? from.results.size() : from.nodes.size();
        if (source.node < 0 || static_cast<std::size_t>(source.node) >= available) {
          fail(absl::StrCat("a call of \"", from.name, "\" below ", available), absl::StrCat(source.node), entry.name);
        }
        if (from.nodes.empty()) continue;
        std::size_t entry_index = index_.at(from.name);
        wait(i, first_call[entry_index] + static_cast<std::size_t>(source.node));
      }
    }
  }

  void wait(std::size_t call, std::size_t operand) {
    ++calls_[call].missing;
    calls_[operand].unlocks.push_back(call);
  }

  const Entry& source_of(const TensorName& source, const std::string& user) const {
    auto it = index_.find(source.layer);
    if (it == index_.end()) fail("a layer of the model as source", absl::StrCat("\"", source.layer, "\""), user);
    return entries_[it->second];
  }

  void make_call(const PendingCall& call) {
    Entry& entry = entries_[call.entry];
    auto find = [&](const TensorName& name) { return find_tensor(name, entry.name); };
    const Value& node = *entry.nodes[call.node];
    if (entry.operation) {
      bool has_options = entry.object->contains("config") && entry.object->at("config").kind() == Kind::kObject;
      Config options = has_options ? entry.object->at("config").object() : Config();
      entry.results.push_back(call_operation(*entry.operation, entry.name, options, node, find));
    } else {
      entry.results.push_back(call_layer(entry.layer, node, find));
    }
  }

  Tensor find_tensor(const TensorName& name, const std::string& user) const {
    const Entry& entry = source_of(name, user);
    if (name.node < 0 || static_cast<std::size_t>(name.node) >= entry.results.size()) {
      fail(absl::StrCat("a call of \"", name.layer, "\" below ", entry.results.size()), absl::StrCat(name.node), user);
    }
    const Tensors& results = entry.results[static_cast<std::size_t>(name.node)];
    if (name.tensor < 0 || static_cast<std::size_t>(name.tensor) >= results.size()) {
      fail(absl::StrCat("a result of \"", name.layer, "\" below ", results.size()), absl::StrCat(name.tensor), user);
    }
    return results[static_cast<std::size_t>(name.tensor)];
  }

  [[noreturn]] void throw_cycle() const {
    std::string names;
    for (const PendingCall& call : calls_) {
      if (call.missing > 0) absl::StrAppend(&names, names.empty() ? "" : ", ", entries_[call.entry].name);
    }
    fail("a graph without cycles", absl::StrCat("a cycle among the calls of ", names.substr(0, 200)));
  }

  // The tensors of a nested structure in Keras' order (objects by key); the structure with their numbers in place.
  Value take_structure(const char* key, Tensors& tensors) {
    if (!config_.contains(key) || config_.at(key).is_null())
      fail(absl::StrCat("\"", key, "\""), "a model without them");
    Value structure = take_leaves(config_.at(key), key, tensors);
    if (tensors.empty()) fail(absl::StrCat("at least one tensor in \"", key, "\""), config_.at(key).to_json());
    return structure;
  }

  Value take_leaves(const Value& value, const char* key, Tensors& tensors) {
    if (std::optional<TensorName> name = tensor_name(value)) {
      // A nested functional model counts a call that it made of itself, here and nowhere else.
      auto it = index_.find(name->layer);
      if (it != index_.end() && entries_[it->second].layer.get_if<internal::FunctionalModel>()) --name->node;
      tensors.push_back(find_tensor(*name, key));
      return static_cast<std::int64_t>(tensors.size() - 1);
    }
    if (value.kind() == Kind::kList) {
      std::vector<Value> items;
      for (const Value& item : value.list()) items.push_back(take_leaves(item, key, tensors));
      return items;
    }
    if (value.kind() != Kind::kObject) fail(absl::StrCat("\"", key, "\" of tensors"), value.to_json().substr(0, 80));
    std::map<std::string, const Value*> sorted;
    for (const auto& [name, item] : value.object().items()) sorted[name] = &item;
    Config object;
    for (const auto& [name, item] : sorted) object.set(name, take_leaves(*item, key, tensors));
    return object;
  }

  const Config& config_;
  std::string name_;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;
  std::vector<PendingCall> calls_;
};

// Inputs of more elements a sample are damage.
constexpr double kMaxElements = 1e12;

}  // namespace

Model read_functional(const Config& config) { return FunctionalReader(config).read(); }

Model read_sequential(const Config& config) {
  std::string name = config.contains("name") ? text_at(config, "name", "Sequential") : std::string();
  Sequential model(std::vector<Layer>{}, {.name = name});
  bool has_input = false;
  for (const Value& item : list_at(config, "layers", name)) {
    if (item.kind() != Kind::kObject) {
      throw Error(
          {.where = name, .expected = "layers that are objects", .received = item.to_json().substr(0, 80), .hint = {}});
    }
    if (is_input(item.object())) {
      model.add(read_input(object_at(item.object(), "config", name)));
      has_input = true;
    } else {
      model.add(read_layer(item.object()));
    }
  }
  if (config.contains("trainable") && config.at("trainable").kind() == Kind::kTruth) {
    internal::state_of(model).trainable = config.at("trainable").integer() != 0;
  }
  bool has_shape = config.contains("build_input_shape") && config.at("build_input_shape").kind() == Kind::kList;
  if (has_input || !has_shape || model.size() == 0) return model;
  if (auto shape = FieldValue<Shape>::read(config.at("build_input_shape"))) model.build(*shape);
  return model;
}

Tensor read_input(const Config& config) {
  const std::string& name = text_at(config, "name", "InputLayer");
  const char* key = config.contains("batch_shape") ? "batch_shape" : "batch_input_shape";
  auto fail = [&](const std::string& expected, const std::string& received) {
    throw Error({.where = name, .expected = expected, .received = received, .hint = {}});
  };
  using Dims = std::vector<std::optional<std::int64_t>>;
  std::optional<Dims> dims;
  if (config.contains(key)) dims = FieldValue<Dims>::read(config.at(key));
  if (!dims || dims->empty()) fail("a batch_shape, a list of sizes with null where open", config.to_json());
  double elements = 1;
  for (const std::optional<std::int64_t>& dim : *dims) {
    if (dim && *dim < 0) fail("a shape of sizes of at least 0", config.at(key).to_json());
    elements *= static_cast<double>(dim.value_or(1));
  }
  if (elements > kMaxElements) fail("a shape that is not too large for any memory", config.at(key).to_json());
  for (const char* unsupported : {"sparse", "ragged"}) {
    bool is_set = config.contains(unsupported) && config.at(unsupported).kind() == Kind::kTruth &&
                  config.at(unsupported).integer() != 0;
    if (is_set) fail("a dense input", unsupported);
  }
  InputOptions options{.name = name};
  if (config.contains("dtype")) {
    std::optional<DTypePolicy> policy = FieldValue<DTypePolicy>::read(config.at("dtype"));
    if (!policy) fail("dtype to be the name of an element type", config.at("dtype").to_json());
    options.dtype = policy->compute_dtype();
  }
  if (config.contains("optional") && config.at("optional").kind() == Kind::kTruth) {
    options.optional = config.at("optional").integer() != 0;
  }
  options.batch_size = dims->front();
  std::vector<std::int64_t> sample;
  for (std::size_t i = 1; i < dims->size(); ++i) sample.push_back((*dims)[i].value_or(kAny));
  return Input(Shape(std::move(sample)), options);
}

}  // namespace mica::files
