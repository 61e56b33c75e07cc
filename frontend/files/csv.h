// CSV (RFC 4180, plain or gzipped): numeric columns as float32 arrays.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/npz.h"

namespace mica::files {

struct CsvFormat {
  char separator = ',';
  bool header = true;                // without one, columns are named "0", "1", …
  std::vector<std::string> columns;  // those to read, in this order; empty: all. Others may hold any text
};

// One array of rows per column. Empty fields are NaN.
absl::StatusOr<NamedArrays> read_csv(std::string_view path, const CsvFormat& format = {});

}  // namespace mica::files
