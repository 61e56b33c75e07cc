#include "frontend/training/class_options.h"

namespace mica::internal {

void ClassOptions::require(bool holds, std::string_view expected, const std::string& received) const {
  if (holds) return;
  throw Error({.where = where_, .expected = std::string(expected), .received = received, .hint = {}});
}

Config ClassOptions::finish() const {
  reader_.finish();
  return complete_;
}

}  // namespace mica::internal
