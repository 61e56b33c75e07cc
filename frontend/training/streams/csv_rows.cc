// csv_batches.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/files/csv.h"
#include "frontend/files/file_error.h"
#include "frontend/training/streams/row_batches.h"

namespace mica {
namespace internal {
namespace {

// Rows of numbers: one column, float32 [rows, columns].
class CsvRows : public RowReader {
 public:
  CsvRows(std::string path, files::CsvFormat format) : path_(std::move(path)), format_(std::move(format)) { restart(); }

  Rows next(std::int64_t count) override {
    std::vector<float> values, row;
    std::int64_t rows = 0;
    while (rows < count && files::value_or_throw(numbers_->next(&row))) {
      values.insert(values.end(), row.begin(), row.end());
      ++rows;
    }
    if (rows == 0) return {};
    rt::Array array = rt::Array::uninitialized(kFloat32, {rows, static_cast<std::int64_t>(numbers_->names().size())});
    std::copy(values.begin(), values.end(), array.as<float>());
    return {std::move(array)};
  }
  void restart() override { numbers_.emplace(files::value_or_throw(files::CsvNumbers::open(path_, format_))); }

 private:
  const std::string path_;
  const files::CsvFormat format_;
  std::optional<files::CsvNumbers> numbers_;
};

rt::Array columns_of(const rt::Array& table, std::int64_t begin, std::int64_t end) {
  const std::int64_t rows = table.dims()[0], all = table.dims()[1];
  rt::Array columns = rt::Array::uninitialized(kFloat32, {rows, end - begin});
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* from = table.as<float>() + row * all;
    std::copy(from + begin, from + end, columns.as<float>() + row * (end - begin));
  }
  return columns;
}

rt::Array column_of(const rt::Array& table, std::int64_t at) {
  return columns_of(table, at, at + 1).reshaped({table.dims()[0]});
}

// The columns of a table: first those of x, then those of y, then the weight.
class CsvBatch {
 public:
  CsvBatch(std::vector<std::string> features, std::int64_t num_labels, bool is_weighted, bool by_name)
      : features_(std::move(features)), num_labels_(num_labels), is_weighted_(is_weighted), by_name_(by_name) {}

  Batch operator()(Rows rows) const {
    const rt::Array& table = rows[0];
    const auto first_label = static_cast<std::int64_t>(features_.size()), behind = first_label + num_labels_;
    Batch batch{.x = features(table)};
    if (num_labels_ == 1) batch.y = of_array(column_of(table, first_label));
    if (num_labels_ > 1) batch.y = of_array(columns_of(table, first_label, behind));
    if (is_weighted_) batch.sample_weight = of_array(column_of(table, behind));
    return batch;
  }

 private:
  Inputs features(const rt::Array& table) const {
    const auto count = static_cast<std::int64_t>(features_.size());
    if (!by_name_) return of_array(columns_of(table, 0, count));
    TensorDict named;
    for (std::int64_t i = 0; i < count; ++i)
      named.set(features_[static_cast<std::size_t>(i)], of_array(columns_of(table, i, i + 1)));
    return named;
  }

  std::vector<std::string> features_;
  std::int64_t num_labels_;
  bool is_weighted_, by_name_;
};

}  // namespace
}  // namespace internal

std::shared_ptr<BatchSource> csv_batches(std::string_view path, CsvBatchesOptions options) {
  using namespace internal;
  std::vector<std::string> behind = options.labels;
  if (!options.sample_weight.empty()) behind.push_back(options.sample_weight);
  files::CsvFormat format{.separator = options.separator, .header = options.header, .columns = options.features};
  if (format.columns.empty()) {
    const files::CsvNumbers numbers = files::value_or_throw(files::CsvNumbers::open(path, format));
    for (const std::string& name : numbers.all_names()) {
      if (std::find(behind.begin(), behind.end(), name) == behind.end()) format.columns.push_back(name);
    }
  }
  CsvBatch to_batch(format.columns, static_cast<std::int64_t>(options.labels.size()), !options.sample_weight.empty(),
                    options.by_name);
  format.columns.insert(format.columns.end(), behind.begin(), behind.end());
  return row_batches("csv_batches", std::make_unique<CsvRows>(std::string(path), std::move(format)),
                     RowBatchOptions::of(options), std::move(to_batch));
}

}  // namespace mica
