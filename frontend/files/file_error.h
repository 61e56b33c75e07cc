// Errors of files: one line "<file>: expected <expected>, received <received>. <hint>", as mica::Error says it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace mica::files {

// The content of `where` (a path, or path:member) is not what it must be.
absl::Status content_error(std::string_view where, const std::string& expected, const std::string& received,
                           const std::string& hint = {});

// The operating system refused: "<path>: expected to <action>, received 'No such file or directory'."
absl::Status system_error(std::string_view path, const std::string& action, int error_number);

// An error when `bytes` is more than the machine's memory: such a claim is never believed.
absl::Status check_fits_in_memory(std::uint64_t bytes, std::string_view where);

// Throws mica::Error with the text of a bad status: the border between file code and the public API.
void throw_if_error(const absl::Status& status);

template <class T>
T value_or_throw(absl::StatusOr<T> result) {
  throw_if_error(result.status());
  return *std::move(result);
}

}  // namespace mica::files

// Leaves the function with the status of `expression` when that is an error.
#define MICA_FILE_TRY(expression)                                                             \
  do {                                                                                        \
    if (absl::Status status_of_try = (expression); !status_of_try.ok()) return status_of_try; \
  } while (false)
