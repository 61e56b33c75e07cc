// <mica/io.h>: tensors in files. The work is done on arrays by the readers and writers beside this file.
#include "frontend/mica/io.h"

#include "frontend/files/csv.h"
#include "frontend/files/file_error.h"
#include "frontend/files/idx.h"
#include "frontend/files/image.h"
#include "frontend/files/npy.h"
#include "frontend/files/npz.h"
#include "frontend/files/safetensors.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/value.h"

namespace mica {
namespace {

Tensor to_tensor(rt::Array array) { return Tensor::of(internal::make_computed(std::move(array))); }

TensorDict to_tensors(files::NamedArrays arrays) {
  TensorDict tensors;
  for (auto& [name, array] : arrays) tensors.set(name, to_tensor(std::move(array)));
  return tensors;
}

files::NamedArrays to_arrays(const TensorDict& tensors) {
  std::vector<internal::ValueRef> nodes;
  for (const auto& [name, tensor] : tensors) nodes.push_back(internal::defined_node(tensor, name));
  internal::compute_all(nodes);  // what is pending runs once for all of them
  files::NamedArrays arrays;
  for (const auto& [name, tensor] : tensors)
    arrays.emplace_back(name, internal::compute(internal::defined_node(tensor, name)));
  return arrays;
}

}  // namespace

Tensor load_npy(std::string_view path) { return to_tensor(files::value_or_throw(files::read_npy(path))); }

void save_npy(std::string_view path, const Tensor& value) {
  files::throw_if_error(files::write_npy(path, internal::compute(internal::defined_node(value, "save_npy"))));
}

TensorDict load_npz(std::string_view path) { return to_tensors(files::value_or_throw(files::read_npz(path))); }

void save_npz(std::string_view path, const TensorDict& arrays) {
  files::throw_if_error(files::write_npz(path, to_arrays(arrays)));
}

TensorDict load_safetensors(std::string_view path) {
  return to_tensors(files::value_or_throw(files::read_safetensors(path)));
}

void save_safetensors(std::string_view path, const TensorDict& tensors,
                      const std::vector<std::pair<std::string, std::string>>& metadata) {
  files::throw_if_error(files::write_safetensors(path, to_arrays(tensors), metadata));
}

Tensor load_idx(std::string_view path) { return to_tensor(files::value_or_throw(files::read_idx(path))); }

TensorDict load_csv(std::string_view path, CsvOptions options) {
  const files::CsvFormat format{
      .separator = options.separator, .header = options.header, .columns = std::move(options.columns)};
  return to_tensors(files::value_or_throw(files::read_csv(path, format)));
}

Tensor load_image(std::string_view path) { return to_tensor(files::value_or_throw(files::read_image(path))); }

void save_image(std::string_view path, const Tensor& image) {
  rt::Array array = internal::compute(internal::defined_node(image, "save_image"));
  if (array.dims().size() == 2) array = array.reshaped({array.dims()[0], array.dims()[1], 1});
  files::throw_if_error(files::write_image(path, array));
}

std::string version() { return MICA_VERSION; }

}  // namespace mica
