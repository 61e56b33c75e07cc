#include "frontend/files/keras_weights.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/files/file_error.h"
#include "frontend/files/hdf5/writer.h"
#include "frontend/graph/functional.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/naming.h"

namespace mica::files {
namespace {

std::string below(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : absl::StrCat(path, "/", std::string(name));
}

// Keras' class behind a public name: paths have its own name.
std::string python_class(const std::string& class_name) {
  return class_name == "GroupQueryAttention" ? "GroupedQueryAttention" : class_name;
}

// Keras keeps two lists of variables, the trainable ones first.
Parameters own_variables(const internal::LayerState& state) {
  Parameters variables = state.weights;
  std::stable_partition(variables.begin(), variables.end(), [](const Variable& v) { return v.trainable(); });
  return variables;
}

class Walk {
 public:
  void visit(const CustomLayer& layer, const std::string& path) {
    if (!visited_.insert(&layer).second) return;
    const internal::LayerState& state = internal::state_of(layer);
    objects_.push_back({path, state.name, own_variables(state)});
    bool is_listed = dynamic_cast<const internal::FunctionalModel*>(&layer) != nullptr ||
                     dynamic_cast<const internal::SequentialModel*>(&layer) != nullptr;
    if (is_listed) {
      visit_list(internal::model_layers(layer), below(path, "layers"));
      return;
    }
    auto sublayers = state.sublayers;
    // Attributes in the order of names, private ones last.
    std::sort(sublayers.begin(), sublayers.end(), [](const auto& a, const auto& b) {
      bool private_a = a.first.starts_with('_'), private_b = b.first.starts_with('_');
      return private_a != private_b ? private_b : a.first < b.first;
    });
    for (const auto& [attribute, sublayer] : sublayers) visit(*sublayer.impl(), below(path, attribute));
  }

  std::vector<SavedObject> take() { return std::move(objects_); }

 private:
  void visit_list(const std::vector<Layer>& layers, const std::string& path) {
    std::map<std::string, int> counts;
    for (const Layer& layer : layers) {
      std::string name = internal::snake_case(python_class(layer.class_name()));
      int count = counts[name]++;
      visit(*layer.impl(), below(path, count == 0 ? name : absl::StrCat(name, "_", count)));
    }
  }

  std::unordered_set<const CustomLayer*> visited_;
  std::vector<SavedObject> objects_;
};

// "(4, 5)", as Keras' errors and h5py show shapes.
std::string tuple_text(const std::vector<std::int64_t>& dims) {
  return absl::StrCat("(", absl::StrJoin(dims, ", "), dims.size() == 1 ? ",)" : ")");
}

std::string names_of(const Parameters& variables) {
  return absl::StrJoin(variables, ", ",
                       [](std::string* out, const Variable& v) { absl::StrAppend(out, v.cell()->name); });
}

[[noreturn]] void fail(const SavedObject& object, const std::string& expected, const std::string& received) {
  throw Error({.where = object.name, .expected = expected, .received = received, .hint = {}});
}

// Errors of the file know its place; people know the layer.
template <class T>
T named(const SavedObject& object, absl::StatusOr<T> result) {
  if (!result.ok()) throw Error(absl::StrCat(object.name, ": ", std::string(result.status().message())));
  return *std::move(result);
}

void check_count(const SavedObject& object, const hdf5::Group& group) {
  std::size_t expected = object.variables.size(), received = group.links().size();
  if (expected == received) return;
  fail(object,
       absl::StrCat(expected, " variables", expected == 0 ? "" : absl::StrCat(" (", names_of(object.variables), ")")),
       absl::StrCat(received, " in ", group.where()));
}

void load_variable(const SavedObject& object, const Variable& variable, const hdf5::Dataset& dataset) {
  const std::vector<std::int64_t> dims = variable.shape().dims();
  if (dataset.shape() != dims) {
    fail(object, absl::StrCat(variable.cell()->name, " of shape ", tuple_text(dims)),
         absl::StrCat(tuple_text(dataset.shape()), " in ", dataset.where()));
  }
  rt::Array array = named(object, dataset.read());
  DType dtype = variable.cell()->type.dtype;
  variable.cell()->bind_array(array.dtype() == dtype ? std::move(array) : array.cast(dtype));
}

void load_object(const SavedObject& object, const hdf5::File& file) {
  absl::StatusOr<hdf5::Group> group = file.root().group(below(object.path, "vars"));
  if (!group.ok() && object.variables.empty()) return;
  check_count(object, named(object, group));
  for (std::size_t i = 0; i < object.variables.size(); ++i) {
    load_variable(object, object.variables[i], named(object, group->dataset(absl::StrCat(i))));
  }
}

}  // namespace

std::vector<SavedObject> saved_objects(const CustomLayer& model) {
  Walk walk;
  walk.visit(model, "");
  return walk.take();
}

void load_variables(const std::vector<SavedObject>& objects, const hdf5::File& file) {
  for (const SavedObject& object : objects) load_object(object, file);
}

absl::Status write_variables(const std::vector<SavedObject>& objects, const std::string& path) {
  absl::StatusOr<hdf5::Writer> file = hdf5::Writer::create(path);
  MICA_FILE_TRY(file.status());
  for (const SavedObject& object : objects) {
    const std::string group = below(object.path, "vars");
    MICA_FILE_TRY(file->add_group(group));
    MICA_FILE_TRY(file->add_attribute(group, "name", object.name));
    for (std::size_t i = 0; i < object.variables.size(); ++i) {
      MICA_FILE_TRY(file->add_dataset(absl::StrCat(group, "/", i), object.variables[i].cell()->array()));
    }
  }
  return file->finish();
}

}  // namespace mica::files
