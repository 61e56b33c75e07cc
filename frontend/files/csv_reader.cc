#include "frontend/files/csv_reader.h"

#include <algorithm>

#include "frontend/files/file_error.h"

namespace mica::files {
namespace {

constexpr std::size_t kChunk = 1 << 16;
constexpr std::size_t kLongestField = 1 << 24;

}  // namespace

absl::StatusOr<std::unique_ptr<CsvReader>> CsvReader::open(std::string_view path, char separator) {
  absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  MICA_FILE_TRY(file.status());
  const Bytes bytes = (*file)->bytes();
  std::unique_ptr<ByteSource> source = open_source(bytes, detect_compression(bytes), (*file)->path());
  return std::unique_ptr<CsvReader>(new CsvReader(*std::move(file), std::move(source), separator));
}

std::string CsvReader::where() const { return file_->path() + ":" + std::to_string(record_line_); }

absl::StatusOr<bool> CsvReader::read_more() {
  if (is_at_end_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t before = buffer_.size();
  if (before > kLongestField) {
    return content_error(where(), "fields of at most 16 MiB", "a longer one", "Is a closing quote missing?");
  }
  buffer_.resize(before + kChunk);
  absl::StatusOr<std::size_t> count = source_->read(std::as_writable_bytes(std::span(buffer_.data() + before, kChunk)));
  MICA_FILE_TRY(count.status());
  buffer_.resize(before + *count);
  is_at_end_ = *count < kChunk;
  if (is_at_end_) MICA_FILE_TRY(source_->expect_end());
  return *count > 0;
}

absl::Status CsvReader::need(std::size_t count) {
  while (rest().size() < count) {
    absl::StatusOr<bool> more = read_more();
    MICA_FILE_TRY(more.status());
    if (!*more) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::size_t> CsvReader::find(std::string_view characters, std::size_t from) {
  for (;;) {
    const std::size_t at = rest().find_first_of(characters, from);
    if (at != std::string_view::npos) return at;
    from = rest().size();
    absl::StatusOr<bool> more = read_more();
    MICA_FILE_TRY(more.status());
    if (!*more) return rest().size();
  }
}

absl::Status CsvReader::skip_byte_order_mark() {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  has_begun_ = true;
  MICA_FILE_TRY(need(kByteOrderMark.size()));
  if (rest().starts_with(kByteOrderMark)) take(kByteOrderMark.size());
  return absl::OkStatus();
}

absl::StatusOr<bool> CsvReader::next(std::vector<std::string>* fields) {
  if (!has_begun_) MICA_FILE_TRY(skip_byte_order_mark());
  absl::StatusOr<bool> ends = true;
  while (ends.ok() && *ends) ends = end_line();
  MICA_FILE_TRY(ends.status());
  fields->clear();
  if (rest().empty()) return false;
  record_line_ = line_;
  for (;;) {
    fields->emplace_back();
    MICA_FILE_TRY(take_field(&fields->back()));
    ends = end_line();
    MICA_FILE_TRY(ends.status());
    if (*ends || rest().empty()) return true;
    take(1);  // the separator
    MICA_FILE_TRY(need(1));
  }
}

// Takes one end of line if it stands here.
absl::StatusOr<bool> CsvReader::end_line() {
  MICA_FILE_TRY(need(2));
  const std::size_t size = rest().starts_with("\r\n") ? 2 : rest().starts_with('\n') ? 1 : 0;
  take(size);
  line_ += size > 0;
  return size > 0;
}

absl::Status CsvReader::take_field(std::string* field) {
  MICA_FILE_TRY(need(1));
  if (rest().starts_with('"')) return take_quoted(field);
  const absl::StatusOr<std::size_t> end = find(std::string{separator_, '\n'}, 0);
  MICA_FILE_TRY(end.status());
  const bool windows = *end > 0 && *end < rest().size() && rest()[*end] == '\n' && rest()[*end - 1] == '\r';
  *field = rest().substr(0, windows ? *end - 1 : *end);
  take(field->size());
  return absl::OkStatus();
}

absl::Status CsvReader::take_quoted(std::string* field) {
  for (;;) {
    const absl::StatusOr<std::size_t> end = find("\"", 1);
    MICA_FILE_TRY(end.status());
    if (*end >= rest().size()) return content_error(where(), "a closing quote", "the end of the file");
    const std::string_view part = rest().substr(1, *end - 1);
    line_ += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
    field->append(part);
    take(*end + 1);
    MICA_FILE_TRY(need(2));
    if (!rest().starts_with('"')) break;
    field->push_back('"');  // a doubled quote stands for one, and the field goes on
  }
  const bool ended =
      rest().empty() || rest().front() == separator_ || rest().front() == '\n' || rest().starts_with("\r\n");
  return ended ? absl::OkStatus() : content_error(where(), "a separator after a closing quote", "more text");
}

}  // namespace mica::files
