#include "frontend/training/optimizers/pattern.h"

#include <algorithm>
#include <regex>

#include "runtime/error.h"

namespace mica::internal {

bool any_found_in(const std::vector<std::string>& patterns, std::string_view text, std::string_view where) {
  auto found = [&](const std::string& pattern) {
    try {
      return std::regex_search(text.begin(), text.end(), std::regex(pattern));
    } catch (const std::regex_error&) {
      throw Error({.where = std::string(where),
                   .expected = "a regular expression",
                   .received = "\"" + pattern + "\"",
                   .hint = {}});
    }
  };
  return std::any_of(patterns.begin(), patterns.end(), found);
}

}  // namespace mica::internal
