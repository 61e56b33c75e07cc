#include "frontend/files/file_error.h"

#include <unistd.h>

#include <cstring>

#include "runtime/error.h"

namespace mica::files {

absl::Status content_error(std::string_view where, const std::string& expected, const std::string& received,
                           const std::string& hint) {
  return absl::InvalidArgumentError(
      Error({.where = std::string(where), .expected = expected, .received = received, .hint = hint}).what());
}

absl::Status system_error(std::string_view path, const std::string& action, int error_number) {
  const Error error({.where = std::string(path),
                     .expected = "to " + action,
                     .received = "'" + std::string(std::strerror(error_number)) + "'",
                     .hint = {}});
  return error_number == ENOENT ? absl::NotFoundError(error.what()) : absl::UnavailableError(error.what());
}

absl::Status check_fits_in_memory(std::uint64_t bytes, std::string_view where) {
  const auto memory =
      static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
  if (bytes <= memory) return absl::OkStatus();
  return content_error(where, "at most the " + std::to_string(memory >> 20) + " MiB of this machine's memory",
                       "a claim of " + std::to_string(bytes >> 20) + " MiB", "Is the file damaged?");
}

void throw_if_error(const absl::Status& status) {
  if (!status.ok()) throw Error(std::string(status.message()));
}

}  // namespace mica::files
