#include "frontend/training/streams/row_reader.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "frontend/files/bytes.h"
#include "frontend/files/file_error.h"
#include "runtime/error.h"

namespace mica::internal {
namespace {

class SideBySide : public RowReader {
 public:
  explicit SideBySide(std::vector<std::unique_ptr<RowReader>> columns) : columns_(std::move(columns)) {}

  Rows next(std::int64_t count) override {
    Rows all;
    for (const std::unique_ptr<RowReader>& column : columns_) {
      for (rt::Array& array : column->next(count)) all.push_back(std::move(array));
    }
    return all;
  }
  void restart() override {
    for (const std::unique_ptr<RowReader>& column : columns_) column->restart();
  }
  std::optional<std::int64_t> num_rows() const override { return columns_[0]->num_rows(); }

 private:
  std::vector<std::unique_ptr<RowReader>> columns_;
};

}  // namespace

ElementRows::ElementRows(ElementLayout layout, Open open) : layout_(std::move(layout)), open_(std::move(open)) {
  restart();
}

void ElementRows::restart() {
  source_ = open_();
  row_ = 0;
}

Rows ElementRows::next(std::int64_t count) {
  std::vector<std::int64_t> dims = layout_.dims;
  dims[0] = std::min(count, layout_.dims[0] - row_);
  if (dims[0] <= 0) return {};
  rt::Array rows = rt::Array::uninitialized(layout_.dtype, dims);
  const std::span<std::byte> bytes(rows.as<std::byte>(), static_cast<std::size_t>(rows.bytes()));
  files::throw_if_error(source_->read_exactly(bytes, "elements"));
  if (layout_.big_endian) files::swap_elements(bytes, layout_.dtype.bytes());
  row_ += dims[0];
  if (row_ == layout_.dims[0]) files::throw_if_error(source_->expect_end());
  return {std::move(rows)};
}

std::unique_ptr<RowReader> side_by_side(std::vector<std::unique_ptr<RowReader>> columns, const std::string& where) {
  for (const std::unique_ptr<RowReader>& column : columns) {
    if (column->num_rows() == columns[0]->num_rows()) continue;
    throw Error({.where = where,
                 .expected = absl::StrCat("arrays of one length, ", *columns[0]->num_rows(), " rows as the first"),
                 .received = absl::StrCat(*column->num_rows(), " rows"),
                 .hint = {}});
  }
  return std::make_unique<SideBySide>(std::move(columns));
}

}  // namespace mica::internal
