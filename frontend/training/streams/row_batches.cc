#include "frontend/training/streams/row_batches.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "frontend/graph/random.h"
#include "frontend/mica/training/samplers.h"

namespace mica::internal {
namespace {

void copy_row(const rt::Array& from, std::int64_t row, const rt::Array& to, std::int64_t at) {
  const std::int64_t bytes = from.dims()[0] == 0 ? 0 : from.bytes() / from.dims()[0];
  std::memmove(to.as<char>() + at * bytes, from.as<char>() + row * bytes, static_cast<std::size_t>(bytes));
}

rt::Array like(const rt::Array& rows, std::int64_t count) {
  std::vector<std::int64_t> dims = rows.dims();
  dims[0] = count;
  return rt::Array::uninitialized(rows.dtype(), std::move(dims));
}

// A buffer of the next rows: each row that goes out is one of them, and the next one of the file takes its place.
class ShuffledRows : public RowReader {
 public:
  ShuffledRows(std::unique_ptr<RowReader> rows, std::int64_t capacity, std::optional<std::uint64_t> seed)
      : rows_(std::move(rows)), capacity_(capacity), seeds_(seed) {
    begin_pass();
  }

  Rows next(std::int64_t count) override {
    if (!buffer_) fill();
    Rows out;
    count = std::min(count, num_buffered_ + num_behind_);
    for (const rt::Array& column : *buffer_) out.push_back(like(column, count));
    for (std::int64_t at = 0; at < count; ++at) take(out, at);
    return count == 0 ? Rows() : out;
  }
  void restart() override {
    rows_->restart();
    begin_pass();
  }
  std::optional<std::int64_t> num_rows() const override { return rows_->num_rows(); }

 private:
  static constexpr std::int64_t kBlock = 256;  // rows that are read at once behind the buffer

  void begin_pass() {
    random_ = RandomStream(seeds_.next());
    buffer_.reset();
  }

  void fill() {
    buffer_ = rows_->next(capacity_);
    num_buffered_ = buffer_->empty() ? 0 : (*buffer_)[0].dims()[0];
    read_behind();
  }

  void read_behind() {
    behind_ = rows_->next(kBlock);
    num_behind_ = behind_.empty() ? 0 : behind_[0].dims()[0];
    next_behind_ = 0;
  }

  void take(const Rows& out, std::int64_t at) {
    const auto row = static_cast<std::int64_t>(random_.next_u64() % static_cast<std::uint64_t>(num_buffered_));
    const bool from_behind = num_behind_ > 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      copy_row((*buffer_)[i], row, out[i], at);
      const rt::Array& replacement = from_behind ? behind_[i] : (*buffer_)[i];
      copy_row(replacement, from_behind ? next_behind_ : num_buffered_ - 1, (*buffer_)[i], row);
    }
    if (!from_behind) {
      --num_buffered_;
    } else if (++next_behind_, --num_behind_ == 0) {
      read_behind();
    }
  }

  std::unique_ptr<RowReader> rows_;
  const std::int64_t capacity_;
  PassSeeds seeds_;
  RandomStream random_;
  std::optional<Rows> buffer_;  // nothing before the first row of a pass
  Rows behind_;                 // the rows that were read after it
  std::int64_t num_buffered_ = 0, num_behind_ = 0, next_behind_ = 0;
};

class RowSource : public BatchSource {
 public:
  RowSource(std::unique_ptr<RowReader> reader, std::int64_t batch_size, std::function<Batch(Rows)> to_batch)
      : reader_(std::move(reader)), batch_size_(batch_size), to_batch_(std::move(to_batch)) {}

  std::optional<Batch> next() override {
    Rows rows = reader_->next(batch_size_);
    is_at_start_ = false;
    return rows.empty() ? std::nullopt : std::optional(to_batch_(std::move(rows)));
  }
  void restart() override {
    if (!is_at_start_) reader_->restart();
    is_at_start_ = true;
  }
  std::optional<std::int64_t> num_batches() const override {
    const std::optional<std::int64_t> rows = reader_->num_rows();
    return rows ? std::optional((*rows + batch_size_ - 1) / batch_size_) : std::nullopt;
  }

 private:
  std::unique_ptr<RowReader> reader_;
  const std::int64_t batch_size_;
  std::function<Batch(Rows)> to_batch_;
  bool is_at_start_ = true;
};

}  // namespace

std::shared_ptr<BatchSource> row_batches(const std::string& where, std::unique_ptr<RowReader> reader,
                                         const RowBatchOptions& options, std::function<Batch(Rows)> to_batch) {
  check_option(where, "batch_size", options.batch_size, 1);
  check_option(where, "shuffle_buffer", options.shuffle_buffer, 1);
  check_option(where, "prefetch", options.prefetch, 0);
  if (options.shuffle) reader = std::make_unique<ShuffledRows>(std::move(reader), options.shuffle_buffer, options.seed);
  auto source = std::make_shared<RowSource>(std::move(reader), options.batch_size, std::move(to_batch));
  return options.prefetch > 0 ? prefetch(std::move(source), options.prefetch) : source;
}

}  // namespace mica::internal
