// What `mica fit --options` reads, and which array of a file plays which role.
#pragma once
#include <optional>
#include <string>

#include "frontend/mica/io.h"
#include "frontend/mica/model.h"

namespace mica::tool {

// Each a key, a list of keys or an object of names and keys; null: no array.
struct ArrayRoles {
  Config::Value x = {}, y = {}, sample_weight = {};
};

struct TrainOptions {
  FitOptions fit = {};                                    // the keys `fit` and `callbacks`
  std::optional<ArrayRoles> roles = {}, validation = {};  // the key `arrays`
};

// Errors name the file and the key. Other keys than these are ignored.
TrainOptions read_train_options(const std::string& path);
// "x", or "x:title" and "x:body"; so for y and sample_weight.
ArrayRoles roles_by_name(const TensorDict& arrays);
// The arrays of a role. Errors name `file`.
Inputs inputs_of(const TensorDict& arrays, const Config::Value& role, const std::string& file);

}  // namespace mica::tool
