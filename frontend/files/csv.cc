#include "frontend/files/csv.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "frontend/files/file_error.h"

namespace mica::files {
namespace {

std::optional<float> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty()) return std::numeric_limits<float>::quiet_NaN();
  if (text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<float>(value);
}

NamedArrays to_arrays(const std::vector<std::string>& names, const std::vector<std::vector<float>>& columns) {
  NamedArrays arrays;
  for (std::size_t i = 0; i < names.size(); ++i) {
    rt::Array array = rt::Array::uninitialized(kFloat32, {static_cast<std::int64_t>(columns[i].size())});
    std::copy(columns[i].begin(), columns[i].end(), array.as<float>());
    arrays.emplace_back(names[i], std::move(array));
  }
  return arrays;
}

}  // namespace

absl::StatusOr<CsvNumbers> CsvNumbers::open(std::string_view path, const CsvFormat& format) {
  absl::StatusOr<std::unique_ptr<CsvReader>> reader = CsvReader::open(path, format.separator);
  MICA_FILE_TRY(reader.status());
  CsvNumbers numbers(*std::move(reader));
  absl::StatusOr<bool> more = numbers.reader_->next(&numbers.record_);
  MICA_FILE_TRY(more.status());
  if (!*more) return content_error(path, format.header ? "a line of column names" : "rows of numbers", "an empty file");
  numbers.all_names_ = numbers.record_;
  numbers.has_record_ = !format.header;
  if (!format.header) {
    for (std::size_t i = 0; i < numbers.all_names_.size(); ++i) numbers.all_names_[i] = std::to_string(i);
  }
  MICA_FILE_TRY(numbers.choose(format.columns.empty() ? numbers.all_names_ : format.columns, path));
  return numbers;
}

absl::Status CsvNumbers::choose(const std::vector<std::string>& columns, std::string_view path) {
  names_.clear();
  fields_.clear();
  for (const std::string& name : columns) {
    const auto found = std::find(all_names_.begin(), all_names_.end(), name);
    if (found == all_names_.end()) return content_error(path, "a column named '" + name + "'", "a file without one");
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) {
      return content_error(path, "columns of different names", "'" + name + "' twice");
    }
    names_.push_back(name);
    fields_.push_back(static_cast<std::size_t>(found - all_names_.begin()));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvNumbers::next(std::vector<float>* row) {
  if (!std::exchange(has_record_, false)) {
    absl::StatusOr<bool> more = reader_->next(&record_);
    MICA_FILE_TRY(more.status());
    if (!*more) return false;
  }
  if (record_.size() != all_names_.size()) {
    return content_error(reader_->where(), std::to_string(all_names_.size()) + " fields",
                         std::to_string(record_.size()));
  }
  row->clear();
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const std::string& text = record_[fields_[i]];
    const std::optional<float> value = parse_number(text);
    if (!value) {
      return content_error(reader_->where(), "a number in column '" + names_[i] + "'", "'" + text.substr(0, 40) + "'",
                           "Columns of text can be left out by naming the others.");
    }
    row->push_back(*value);
  }
  return true;
}

absl::StatusOr<NamedArrays> read_csv(std::string_view path, const CsvFormat& format) {
  absl::StatusOr<CsvNumbers> numbers = CsvNumbers::open(path, format);
  MICA_FILE_TRY(numbers.status());
  std::vector<std::vector<float>> columns(numbers->names().size());
  std::vector<float> row;
  for (;;) {
    absl::StatusOr<bool> more = numbers->next(&row);
    MICA_FILE_TRY(more.status());
    if (!*more) return to_arrays(numbers->names(), columns);
    for (std::size_t i = 0; i < row.size(); ++i) columns[i].push_back(row[i]);
  }
}

}  // namespace mica::files
