#include "frontend/files/csv.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "frontend/files/byte_source.h"
#include "frontend/files/file_error.h"
#include "frontend/files/mapped_file.h"

namespace mica::files {
namespace {

// Splits text into records of fields. A field in quotes may hold separators, newlines and doubled quotes.
class RecordReader {
 public:
  RecordReader(std::string_view text, char separator, std::string_view path)
      : rest_(text), separator_(separator), path_(path) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  // False at the end of the text. Blank lines are skipped.
  absl::StatusOr<bool> next(std::vector<std::string>* fields) {
    while (end_line()) {
    }
    fields->clear();
    if (rest_.empty()) return false;
    record_line_ = line_;
    for (;;) {
      fields->emplace_back();
      MICA_FILE_TRY(take_field(&fields->back()));
      if (rest_.empty() || end_line()) return true;
      rest_.remove_prefix(1);  // the separator
    }
  }

  std::string where() const { return std::string(path_) + ":" + std::to_string(record_line_); }

 private:
  // Takes one end of line if it stands here.
  bool end_line() {
    const std::size_t size = rest_.starts_with("\r\n") ? 2 : rest_.starts_with('\n') ? 1 : 0;
    rest_.remove_prefix(size);
    line_ += size > 0;
    return size > 0;
  }

  absl::Status take_field(std::string* field) {
    if (!rest_.starts_with('"')) {
      const std::size_t end = std::min(rest_.size(), rest_.find_first_of(std::string{separator_, '\n'}));
      const bool windows = end > 0 && end < rest_.size() && rest_[end] == '\n' && rest_[end - 1] == '\r';
      *field = rest_.substr(0, windows ? end - 1 : end);
      rest_.remove_prefix(windows ? end - 1 : end);
      return absl::OkStatus();
    }
    for (;;) {
      const std::size_t end = rest_.find('"', 1);
      if (end == std::string_view::npos) return content_error(where(), "a closing quote", "the end of the file");
      const std::string_view part = rest_.substr(1, end - 1);
      line_ += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
      field->append(part);
      rest_.remove_prefix(end + 1);
      if (!rest_.starts_with('"')) break;
      field->push_back('"');  // a doubled quote stands for one, and the field goes on
    }
    const bool ended =
        rest_.empty() || rest_.front() == separator_ || rest_.front() == '\n' || rest_.starts_with("\r\n");
    return ended ? absl::OkStatus() : content_error(where(), "a separator after a closing quote", "more text");
  }

  std::string_view rest_;
  char separator_;
  std::string_view path_;
  std::size_t line_ = 1, record_line_ = 1;
};

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

struct Column {
  std::string name;
  std::size_t field = 0;  // its position in a record
  std::vector<float> values;
};

// The columns to read, from the names of all.
absl::StatusOr<std::vector<Column>> choose_columns(const std::vector<std::string>& names, const CsvFormat& format,
                                                   std::string_view path) {
  std::vector<Column> columns;
  for (const std::string& name : format.columns.empty() ? names : format.columns) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return content_error(path, "a column named '" + name + "'", "a file without one");
    const bool twice = std::any_of(columns.begin(), columns.end(), [&](const Column& c) { return c.name == name; });
    if (twice) return content_error(path, "columns of different names", "'" + name + "' twice");
    columns.push_back({name, static_cast<std::size_t>(found - names.begin()), {}});
  }
  return columns;
}

absl::Status append_record(const std::vector<std::string>& fields, const std::string& where,
                           std::vector<Column>* columns) {
  for (Column& column : *columns) {
    const std::string& text = fields[column.field];
    const std::optional<float> value = parse_number(text);
    if (!value) {
      return content_error(where, "a number in column '" + column.name + "'", "'" + text.substr(0, 40) + "'",
                           "Columns of text can be left out by naming the others.");
    }
    column.values.push_back(*value);
  }
  return absl::OkStatus();
}

NamedArrays to_arrays(const std::vector<Column>& columns) {
  NamedArrays arrays;
  for (const Column& column : columns) {
    rt::Array array = rt::Array::uninitialized(kFloat32, {static_cast<std::int64_t>(column.values.size())});
    std::copy(column.values.begin(), column.values.end(), array.as<float>());
    arrays.emplace_back(column.name, std::move(array));
  }
  return arrays;
}

absl::StatusOr<NamedArrays> parse_csv(std::string_view text, const CsvFormat& format, std::string_view path) {
  RecordReader reader(text, format.separator, path);
  std::vector<std::string> fields;
  absl::StatusOr<bool> more = reader.next(&fields);
  MICA_FILE_TRY(more.status());
  if (!*more) return content_error(path, format.header ? "a line of column names" : "rows of numbers", "an empty file");
  std::vector<std::string> names = fields;
  if (!format.header) {
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = std::to_string(i);
  }
  auto columns = choose_columns(names, format, path);
  MICA_FILE_TRY(columns.status());
  if (!format.header) MICA_FILE_TRY(append_record(fields, reader.where(), &*columns));
  for (;;) {
    more = reader.next(&fields);
    MICA_FILE_TRY(more.status());
    if (!*more) return to_arrays(*columns);
    if (fields.size() != names.size()) {
      return content_error(reader.where(), std::to_string(names.size()) + " fields", std::to_string(fields.size()));
    }
    MICA_FILE_TRY(append_record(fields, reader.where(), &*columns));
  }
}

}  // namespace

absl::StatusOr<NamedArrays> read_csv(std::string_view path, const CsvFormat& format) {
  absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  MICA_FILE_TRY(file.status());
  const Bytes bytes = (*file)->bytes();
  const Compression compression = detect_compression(bytes);
  if (compression == Compression::kNone) return parse_csv(as_text(bytes), format, path);
  auto content = read_all(*open_source(bytes, compression, (*file)->path()));
  MICA_FILE_TRY(content.status());
  return parse_csv(as_text(*content), format, path);
}

}  // namespace mica::files
