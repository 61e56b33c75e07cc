#include "frontend/files/keras_object.h"

#include <set>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "frontend/files/custom_classes.h"
#include "frontend/files/keras_model_reader.h"
#include "frontend/files/keras_model_writer.h"
#include "frontend/graph/functional.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/naming.h"
#include "frontend/layers/dtype_policy.h"
#include "frontend/layers/input.h"
#include "frontend/layers/objects.h"
#include "frontend/layers/registry.h"

namespace mica::files {
namespace {

using Kind = Config::Value::Kind;
using internal::LayerState;
using internal::state_of;

thread_local FileScope* current_scope = nullptr;

using SharedIds = std::map<const CustomLayer*, std::int64_t>;
thread_local const SharedIds* shared_ids = nullptr;  // of the model that is being written

// Numbers the layers that stand in more than one of the models below.
class SharedLayers {
 public:
  explicit SharedLayers(const CustomLayer& model) { visit(model); }
  const SharedIds& ids() const { return ids_; }

 private:
  void visit(const CustomLayer& model) {
    if (!state_of(model).model) return;
    for (const Layer& layer : internal::model_layers(model)) {
      const CustomLayer* inner = layer.impl().get();
      if (dynamic_cast<const internal::InputLayer*>(inner)) continue;
      if (seen_.insert(inner).second) {
        visit(*inner);
      } else {
        ids_.try_emplace(inner, static_cast<std::int64_t>(ids_.size()) + 1);
      }
    }
  }

  std::set<const CustomLayer*> seen_;
  SharedIds ids_;
};

bool is_text(const Config& object, std::string_view key) {
  return object.contains(key) && object.at(key).kind() == Kind::kText;
}

[[noreturn]] void throw_unknown(const Config& object, const std::string& class_name) {
  std::string hint = "Text and audio layers are not among them.";
  if (class_name == "Lambda") {
    hint = "A Lambda layer holds code of Python; make the model without it, or with a registered layer.";
  } else if (is_text(object, "registered_name") && object.at("registered_name").text() != class_name) {
    hint = absl::StrCat("Register a class of one's own before: register_layer<T>(\"",
                        object.at("registered_name").text(), "\").");
  }
  throw Error({.where = name_in(object),
               .expected = "a layer that Mica has or that was registered",
               .received = absl::StrCat("the class ", class_name),
               .hint = hint});
}

// A name that built-in classes do not have would hide them.
void check_registered_name(const Config& object, const std::string& class_name) {
  if (!is_text(object, "registered_name")) return;
  const std::string& registered = object.at("registered_name").text();
  if (registered == class_name) return;
  throw Error({.where = name_in(object),
               .expected = absl::StrCat("the built-in class ", class_name, " to have no other registered name"),
               .received = absl::StrCat("\"", registered, "\""),
               .hint = {}});
}

// What Keras keeps of every layer stands beside the class's own config.
void take_common(const Layer& layer, const Config& config) {
  LayerState& state = state_of(layer);
  if (is_text(config, "name")) state.name = config.at("name").text();
  if (state.name.empty()) internal::ensure_named(*layer.impl());
  if (config.contains("trainable") && config.at("trainable").kind() == Kind::kTruth) {
    state.trainable = config.at("trainable").number() != 0;
  }
}

Layer read_custom(const internal::CustomClass& custom, const Config& object) {
  Config config = object.contains("config") ? object_at(object, "config", name_in(object)) : Config();
  Layer layer = [&] {
    internal::NamingPause pause;  // the name comes from the config
    return custom.make(config);
  }();
  take_common(layer, config);
  if (!object.contains("build_config") || object.at("build_config").kind() != Kind::kObject) return layer;
  const Config& build = object.at("build_config").object();
  if (!build.contains("input_shape")) return layer;
  if (auto shape = internal::FieldValue<Shape>::read(build.at("input_shape"))) layer.build(*shape);
  return layer;
}

bool is_builtin_module(const Config& object) {
  if (!object.contains("module")) return true;  // files of Keras 2
  if (!is_text(object, "module")) return false;
  const std::string& module = object.at("module").text();
  return module == "keras" || module.starts_with("keras.");
}

Layer read_builtin(const Config& object, const std::string& class_name) {
  check_registered_name(object, class_name);
  const Config& config = object_at(object, "config", name_in(object));
  if (class_name == "Functional" || class_name == "Model") return read_functional(config);
  if (class_name == "Sequential") return read_sequential(config);
  const internal::LayerClass* layer_class = internal::find_layer_class(class_name);
  if (!layer_class) throw_unknown(object, class_name);
  return internal::make_builtin(*layer_class, config);
}

Layer read_object(const Config& object) {
  const std::string& class_name = text_at(object, "class_name", "a layer");
  const internal::CustomClass* custom = nullptr;
  if (is_text(object, "registered_name")) custom = internal::find_custom_class(object.at("registered_name").text());
  if (!custom && !is_builtin_module(object)) custom = internal::find_custom_class(class_name);
  if (custom) return read_custom(*custom, object);
  if (!is_builtin_module(object)) throw_unknown(object, class_name);
  return read_builtin(object, class_name);
}

Config custom_object(const Layer& layer) {
  const LayerState& state = state_of(layer);
  const std::string* registered = internal::registered_name_of(*layer.impl());
  if (!registered) {
    throw Error({.where = layer.name(),
                 .expected = "a layer that files know",
                 .received = absl::StrCat("the class ", layer.class_name()),
                 .hint = absl::StrCat("Register it before: register_layer<", layer.class_name(), ">(\"package>",
                                      layer.class_name(), "\").")});
  }
  Config config{{"name", layer.name()},
                {"trainable", state.trainable},
                {"dtype", internal::FieldValue<DTypePolicy>::write({})}};
  const Config own = layer.config();
  for (const auto& [key, value] : own.items()) config.set(key, value);
  Config object{
      {"module", {}}, {"class_name", layer.class_name()}, {"config", config}, {"registered_name", *registered}};
  if (state.build_shapes.size() == 1) object.set("build_config", Config{{"input_shape", state.build_shapes[0]}});
  return object;
}

// A file keeps names of functions, not functions.
void check_functions(const Layer& layer, const Config& config) {
  for (const auto& [option, value] : config.items()) {
    std::optional<std::string> function = internal::function_name(value);
    if (!function || !function->empty()) continue;
    throw Error({.where = layer.name(),
                 .expected = absl::StrCat(option, " to be a function that files know"),
                 .received = "one without a name",
                 .hint = "Register it before, register_function(\"package>name\", function), and give its name."});
  }
}

// Keras' InputLayer knows no more options than these.
Config input_object(const internal::InputLayer& input) {
  Config config{{"batch_shape", internal::shape_of(input.type())},
                {"dtype", input.type().dtype.name()},
                {"sparse", false},
                {"ragged", false},
                {"name", state_of(input).name},
                {"optional", input.optional()}};
  return internal::object_value("keras.layers", "InputLayer", config).object();
}

[[noreturn]] void throw_missing(const Config& object, std::string_view key, std::string_view where,
                                const char* expected) {
  throw Error({.where = std::string(where),
               .expected = absl::StrCat("\"", std::string(key), "\", ", expected),
               .received = object.contains(key) ? object.at(key).to_json().substr(0, 80) : "an object without it",
               .hint = {}});
}

}  // namespace

std::string name_in(const Config& object) {
  if (object.contains("config") && object.at("config").kind() == Kind::kObject) {
    const Config& config = object.at("config").object();
    if (is_text(config, "name")) return config.at("name").text();
  }
  return is_text(object, "class_name") ? object.at("class_name").text() : "a layer";
}

const std::string& text_at(const Config& object, std::string_view key, std::string_view where) {
  if (!is_text(object, key)) throw_missing(object, key, where, "a string");
  return object.at(key).text();
}

const Config& object_at(const Config& object, std::string_view key, std::string_view where) {
  bool is_object = object.contains(key) && object.at(key).kind() == Kind::kObject;
  if (!is_object) throw_missing(object, key, where, "an object");
  return object.at(key).object();
}

const std::vector<Config::Value>& list_at(const Config& object, std::string_view key, std::string_view where) {
  bool is_list = object.contains(key) && object.at(key).kind() == Kind::kList;
  if (!is_list) throw_missing(object, key, where, "a list");
  return object.at(key).list();
}

Layer read_layer(const Config& object) {
  FileScope* scope = FileScope::current();
  bool is_shared =
      scope && object.contains("shared_object_id") && object.at("shared_object_id").kind() == Kind::kInteger;
  if (!is_shared) return read_object(object);
  std::int64_t id = object.at("shared_object_id").integer();
  if (auto it = scope->shared().find(id); it != scope->shared().end()) return it->second;
  return scope->shared()[id] = read_object(object);
}

namespace {

Config unmarked_object(const Layer& layer) {
  if (const auto* input = layer.get_if<internal::InputLayer>()) return input_object(*input);
  if (layer.get_if<internal::FunctionalModel>()) return functional_object(layer);
  if (layer.get_if<internal::SequentialModel>()) return sequential_object(layer);
  if (!layer.get_if<internal::BuiltinLayer>()) return custom_object(layer);
  if (layer.class_name() == "Lambda" || !internal::find_layer_class(layer.class_name())) {
    throw Error({.where = layer.name(),
                 .expected = "a layer that files know",
                 .received = absl::StrCat("a ", layer.class_name(), ", which holds a function"),
                 .hint = "Make a class of it and register_layer<T>(\"package>Name\")."});
  }
  Config config = layer.config();
  check_functions(layer, config);
  return internal::object_value("keras.layers", layer.class_name(), config).object();
}

}  // namespace

Config layer_object(const Layer& layer) {
  Config object = unmarked_object(layer);
  if (!shared_ids) return object;
  if (auto it = shared_ids->find(layer.impl().get()); it != shared_ids->end()) {
    object.set("shared_object_id", it->second);
  }
  return object;
}

Config model_object(const Layer& model) {
  SharedLayers shared(*model.impl());
  shared_ids = &shared.ids();
  absl::Cleanup done = [] { shared_ids = nullptr; };
  return layer_object(model);
}

FileScope::FileScope() : outer_(current_scope) { current_scope = this; }
FileScope::~FileScope() { current_scope = outer_; }
FileScope* FileScope::current() { return current_scope; }

}  // namespace mica::files
