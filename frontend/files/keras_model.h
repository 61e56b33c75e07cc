// A model in a .keras file, with further members for whoever goes on with it.
#pragma once
#include <string_view>

#include "frontend/files/keras_archive.h"
#include "frontend/mica/model.h"

namespace mica::files {

// Architecture, weights, compile() and the optimizer's state, atomically. Error for a model that has no weights yet.
absl::Status write_model(const Model& model, std::string_view path, const ArchiveMembers& more = {});

}  // namespace mica::files
