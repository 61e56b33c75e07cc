// CsvReader: the records of a CSV file (RFC 4180, plain or gzipped), one after the other; in memory is no more of the
// file than a field that is being read.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "frontend/files/byte_source.h"
#include "frontend/files/mapped_file.h"

namespace mica::files {

class CsvReader {
 public:
  static absl::StatusOr<std::unique_ptr<CsvReader>> open(std::string_view path, char separator);

  // The fields of the next record; false at the end of the file. Blank lines are skipped. A field in quotes may hold
  // separators, newlines and doubled quotes.
  absl::StatusOr<bool> next(std::vector<std::string>* fields);
  // "data.csv:12", the line that the last record began in.
  std::string where() const;

 private:
  CsvReader(std::shared_ptr<MappedFile> file, std::unique_ptr<ByteSource> source, char separator)
      : file_(std::move(file)), source_(std::move(source)), separator_(separator) {}

  std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }
  void take(std::size_t count) { begin_ += count; }
  // Reads on: more of the file behind rest(), or false at its end.
  absl::StatusOr<bool> read_more();
  // Until rest() has `count` characters, where the file has them.
  absl::Status need(std::size_t count);
  // The place of the first of `characters` in rest(), from `from` on, or the end of the file.
  absl::StatusOr<std::size_t> find(std::string_view characters, std::size_t from);
  absl::Status skip_byte_order_mark();
  absl::StatusOr<bool> end_line();
  absl::Status take_field(std::string* field);
  absl::Status take_quoted(std::string* field);

  std::shared_ptr<MappedFile> file_;
  std::unique_ptr<ByteSource> source_;
  char separator_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what was not taken yet
  bool is_at_end_ = false, has_begun_ = false;
  std::size_t line_ = 1, record_line_ = 1;
};

}  // namespace mica::files
