// CSV (RFC 4180, plain or gzipped): numeric columns as float32 arrays.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/csv_reader.h"
#include "frontend/files/npz.h"

namespace mica::files {

struct CsvFormat {
  char separator = ',';
  bool header = true;                // without one, columns are named "0", "1", …
  std::vector<std::string> columns;  // those to read, in this order; empty: all. Others may hold any text
};

// The numbers of a file, row by row. Empty fields are NaN.
class CsvNumbers {
 public:
  static absl::StatusOr<CsvNumbers> open(std::string_view path, const CsvFormat& format = {});
  const std::vector<std::string>& names() const { return names_; }  // of the columns that are read, in their order
  const std::vector<std::string>& all_names() const { return all_names_; }
  // One number a column; false at the end of the file.
  absl::StatusOr<bool> next(std::vector<float>* row);

 private:
  explicit CsvNumbers(std::unique_ptr<CsvReader> reader) : reader_(std::move(reader)) {}
  absl::Status choose(const std::vector<std::string>& columns, std::string_view path);

  std::unique_ptr<CsvReader> reader_;
  std::vector<std::string> all_names_, names_, record_;
  std::vector<std::size_t> fields_;  // of each column, its position in a record
  bool has_record_ = false;          // the first one was read for its number of fields
};

// One array of rows per column. Empty fields are NaN.
absl::StatusOr<NamedArrays> read_csv(std::string_view path, const CsvFormat& format = {});

}  // namespace mica::files
