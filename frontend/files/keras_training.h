// What compile() was given, and the state of the optimizer, as .keras files hold them.
#pragma once
#include "frontend/files/hdf5/file.h"
#include "frontend/files/keras_weights.h"
#include "frontend/mica/model.h"

namespace mica::files {

// {"optimizer", "loss", "metrics", …}; empty for a model that was not compiled. Error for functions without a name.
Config compile_config(const Model& model);
// Compiles the model as the file says. What Mica lacks leaves the model uncompiled; fit() says why.
void read_compile_config(const Model& model, const Config& config);

// The optimizer's steps, learning rate and slots; nothing for a model that was not compiled.
std::optional<SavedObject> saved_optimizer(const Model& model);
// Takes them from the file, unless it holds those of another optimizer or none.
void load_optimizer(const Model& model, const hdf5::File& file);

// A model's weights by Keras' path, and the variables of its optimizer as "optimizer/<index>:<path>".
TensorDict variables_by_path(const Model& model, bool with_optimizer);

}  // namespace mica::files
