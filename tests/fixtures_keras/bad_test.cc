// Malformed files: refused in one line that names the fault, at once and in little memory.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fixtures_keras/case.h"

namespace mica::keras_fixtures {
namespace {

#ifdef __SANITIZE_ADDRESS__  // whose shadow and slow start are no part of ours
constexpr double kSeconds = 60, kMegabytes = 4096;
#else
constexpr double kSeconds = 1, kMegabytes = 200;
#endif

std::string fault_of(const Case& c) {
  double seconds = kSeconds;
  for (int attempt = 0; attempt < 3 && seconds >= kSeconds;
       ++attempt) {  // the quickest of three: others use the machine
    ProcessResult result = run_mica({"summary", c.path("model.keras")});
    if (std::string fault = refusal_fault(result, c.meta().must_mention, c.meta().must_mention_any); !fault.empty())
      return fault;
    if (result.peak_mb >= kMegabytes) return std::to_string(result.peak_mb) + " MB";
    seconds = std::min(seconds, result.seconds);
  }
  return seconds < kSeconds ? "" : std::to_string(seconds) + " seconds";
}

TEST(KerasBadFixtures, AreRefused) { check_cases("bad", "keras bad", fault_of); }

}  // namespace
}  // namespace mica::keras_fixtures
