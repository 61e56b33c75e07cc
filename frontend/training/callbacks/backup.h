// Checkpoints of a training as it goes.
#pragma once
#include <string>

#include "frontend/mica/training/callbacks.h"

namespace mica::internal {

struct BackupOptions {
  std::string save_freq = "epoch";  // or a number of batches; epochs end with a save all the same
  bool resume = false;              // from the file, when it is there
  bool remove_at_end = false;
  bool keep_previous = false;  // beside it, for a file that was damaged: its name and ".bkp"
};
Callback backup_callback(const std::string& path, const BackupOptions& options);

}  // namespace mica::internal
