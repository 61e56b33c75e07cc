// The container of a .keras file: a zip of config.json, metadata.json and model.weights.h5.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/hdf5/file.h"
#include "frontend/mica/layer.h"

namespace mica::files {

struct KerasArchive {
  Config config;
  hdf5::File weights;
};
// Checks the container, parses the config and opens the weights, which keep the file mapped.
absl::StatusOr<KerasArchive> open_keras(std::string_view path);

// Members beside Keras' own, which Keras leaves alone: names and contents.
using ArchiveMembers = std::vector<std::pair<std::string, std::string>>;

// Writes the container, atomically; `weights` is the content of an HDF5 file.
absl::Status write_keras(std::string_view path, const Config& config, Bytes weights, const ArchiveMembers& more = {});

}  // namespace mica::files
