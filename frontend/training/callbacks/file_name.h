// Names of files with numbers in them, as Python's str.format writes them: "{epoch:02d}-{val_loss:.2f}.keras".
#pragma once
#include <string>

#include "frontend/mica/training/callbacks.h"

namespace mica::internal {

// {epoch} and {batch} count from 1 and are integers; every other name is one of the logs. Errors list the names, and
// the forms of numbers: [0][width]d, [0][width][.digits](f|e|g).
std::string formatted_name(const std::string& pattern, int epoch, int batch, const Logs& logs);

}  // namespace mica::internal
