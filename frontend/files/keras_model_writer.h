// Functional and sequential models as objects of Keras' files. Errors name what no file can hold: an operation that
// Keras does not have, a Variable outside of a layer.
#pragma once
#include "frontend/mica/model.h"

namespace mica::files {

Config functional_object(const Layer& model);
Config sequential_object(const Layer& model);

}  // namespace mica::files
