// A child process, what it said and what it used.
#pragma once
#include <string>
#include <vector>

namespace mica::test_support {

struct ProcessResult {
  int status = -1;         // exit status; 128 + the signal that ended it
  double seconds = 0;      // wall time
  double peak_mb = 0;      // resident memory
  std::string out, error;  // what it wrote
};

// Runs arguments[0] with this environment and `more` ("NAME=value"); ends it after `limit_seconds`.
ProcessResult run_process(const std::vector<std::string>& arguments, const std::vector<std::string>& more = {},
                          double limit_seconds = 120);

}  // namespace mica::test_support
