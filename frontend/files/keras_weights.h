// Weights in HDF5 under Keras' paths, "layers/dense/vars/0": an object's own variables, trainable ones first, by
// number, below the path of attributes that leads to it. Layers in a list go by class and count, whatever their names.
#pragma once
#include <string>
#include <vector>

#include "frontend/files/hdf5/file.h"
#include "frontend/mica/model.h"

namespace mica::files {

// A layer, or the optimizer, with the group that holds its variables.
struct SavedObject {
  std::string path;  // "layers/dense"; empty for the model itself
  std::string name;  // of the layer
  Parameters variables;
};

// The model and all in it, each object once, in the order of Keras' walk.
std::vector<SavedObject> saved_objects(const CustomLayer& model);

// Sets the variables of every object from the file. Errors name the layer: a group or a variable that is missing or too
// many, another shape, something that is no array of numbers.
void load_variables(const std::vector<SavedObject>& objects, const hdf5::File& file);

// Writes the variables of all objects into a new HDF5 file, each group with the name of its object, as Keras does.
absl::Status write_variables(const std::vector<SavedObject>& objects, const std::string& path);

}  // namespace mica::files
