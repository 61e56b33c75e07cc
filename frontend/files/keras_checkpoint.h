// A checkpoint: a .keras file, as real Keras opens it, with the state of a call of fit in further members,
// mica/state.json and mica/callbacks/<number>/<name>.npy.
#pragma once
#include <string>

#include "frontend/training/session.h"

namespace mica::files {

// Atomic: whoever ends the process at whatever moment, the path holds the last checkpoint or this one.
void save_checkpoint(const Model& model, const internal::FitState& state, const std::string& path);
// Sets weights, optimizer and its slots; returns the rest. Errors name the file and what it lacks.
internal::FitState load_checkpoint(const Model& model, const std::string& path);

}  // namespace mica::files
