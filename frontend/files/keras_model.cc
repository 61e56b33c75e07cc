// Models in files: load_model, save, and weights alone.
#include "frontend/files/keras_model.h"

#include "absl/strings/str_cat.h"
#include "frontend/files/atomic_file.h"
#include "frontend/files/file_error.h"
#include "frontend/files/hdf5/writer.h"
#include "frontend/files/keras_archive.h"
#include "frontend/files/keras_object.h"
#include "frontend/files/keras_training.h"
#include "frontend/files/keras_weights.h"
#include "frontend/files/mapped_file.h"
#include "frontend/files/npz.h"
#include "frontend/graph/functional.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/model_state.h"
#include "frontend/layers/objects.h"
#include "frontend/mica/io.h"
#include "frontend/training/losses/loss.h"
#include "frontend/training/metrics/metric.h"

namespace mica {
namespace {

using internal::state_of;

[[noreturn]] void throw_name(std::string_view path, const char* expected) {
  throw Error({.where = std::string(path), .expected = expected, .received = "a file of another name", .hint = {}});
}

// An optimizer's variables stand beside the model's.
std::vector<files::SavedObject> objects_of(const Model& model) {
  std::vector<files::SavedObject> objects = files::saved_objects(*model.impl());
  if (std::optional<files::SavedObject> optimizer = files::saved_optimizer(model)) {
    objects.push_back(*std::move(optimizer));
  }
  return objects;
}

void check_built(const Model& model) {
  if (state_of(model).built) return;
  throw Error({.where = model.name(),
               .expected = "a model with weights",
               .received = "one that was never called",
               .hint = "Start it with Input({…}), or call it once."});
}

absl::Status write_hdf5(const Model& model, std::string_view path) {
  absl::StatusOr<files::AtomicFile> file = files::AtomicFile::create(path);
  MICA_FILE_TRY(file.status());
  MICA_FILE_TRY(files::write_variables(objects_of(model), file->temporary_path()));
  return file->commit();
}

void assign_by_path(const Model& model, const TensorDict& values) {
  for (const Variable& variable : model.weights()) {
    Variable(variable).assign(values[variable.path()].to(variable.dtype()));
  }
}

}  // namespace

namespace files {

// libhdf5 writes to a file of its own beside the archive, which goes when the archive has it.
absl::Status write_model(const Model& model, std::string_view path, const ArchiveMembers& more) {
  check_built(model);
  Config config = model_object(model);
  config.set("compile_config", compile_config(model));
  absl::StatusOr<AtomicFile> weights = AtomicFile::create(absl::StrCat(std::string(path), ".weights"));
  MICA_FILE_TRY(weights.status());
  MICA_FILE_TRY(write_variables(objects_of(model), weights->temporary_path()));
  absl::StatusOr<std::shared_ptr<MappedFile>> content = MappedFile::open(weights->temporary_path());
  MICA_FILE_TRY(content.status());
  return write_keras(path, config, (*content)->bytes(), more);
}

}  // namespace files

Model load_model(std::string_view path) {
  if (!path.ends_with(".keras")) throw_name(path, "a model in a .keras file");
  files::KerasArchive archive = files::value_or_throw(files::open_keras(path));
  files::FileScope scope;
  Layer layer = [&] {
    internal::PlaceholderWeights placeholders;
    return files::read_layer(archive.config);
  }();
  if (!state_of(layer).model) {
    throw Error({.where = std::string(path), .expected = "a model", .received = layer.class_name(), .hint = {}});
  }
  Model model = Model::of(layer.impl());
  files::load_variables(files::saved_objects(*model.impl()), archive.weights);
  const Config& config = archive.config;
  bool compiled =
      config.contains("compile_config") && config.at("compile_config").kind() == Config::Value::Kind::kObject;
  if (compiled) files::read_compile_config(model, config.at("compile_config").object());
  files::load_optimizer(model, archive.weights);
  return model;
}

void Model::save(std::string_view path) const {
  if (!path.ends_with(".keras")) throw_name(path, "a name that ends with .keras");
  files::throw_if_error(files::write_model(*this, path));
}

void Model::save_weights(std::string_view path) const {
  check_built(*this);
  if (path.ends_with(".h5")) {
    files::throw_if_error(write_hdf5(*this, path));
  } else if (path.ends_with(".npz")) {
    save_npz(path, files::variables_by_path(*this, false));
  } else if (path.ends_with(".safetensors")) {
    save_safetensors(path, files::variables_by_path(*this, false));
  } else {
    throw_name(path, "a name that ends with .weights.h5, .npz or .safetensors");
  }
}

void Model::load_weights(std::string_view path) const {
  check_built(*this);
  std::vector<files::SavedObject> objects = files::saved_objects(*impl());
  if (path.ends_with(".keras")) {
    files::load_variables(objects, files::value_or_throw(files::open_keras(path)).weights);
  } else if (path.ends_with(".h5")) {
    files::load_variables(objects, files::value_or_throw(files::hdf5::File::open(path)));
  } else if (path.ends_with(".npz")) {
    assign_by_path(*this, load_npz(path));
  } else if (path.ends_with(".safetensors")) {
    assign_by_path(*this, load_safetensors(path));
  } else {
    throw_name(path, "weights in a .weights.h5, .keras, .npz or .safetensors file");
  }
}

void register_function(std::string_view registered_name, std::function<Tensor(const Tensor&)> function) {
  internal::register_activation(registered_name, std::move(function));
}

void register_loss(std::string_view registered_name, std::function<Tensor(const Tensor&, const Tensor&)> function) {
  internal::register_loss_function(registered_name, std::move(function));
}

void register_metric(std::string_view registered_name, std::function<Tensor(const Tensor&, const Tensor&)> function) {
  internal::register_metric_function(registered_name, std::move(function));
}

}  // namespace mica
