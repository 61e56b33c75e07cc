// What stands behind mica/training/data.h: rows of tensors, and batches that are fetched here or by threads ahead.
#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "absl/strings/str_cat.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/model_state.h"
#include "frontend/graph/value.h"
#include "frontend/mica/training/data.h"
#include "frontend/training/rows.h"

namespace mica::internal {
namespace {

rt::Array rows_array(const Tensor& tensor, const char* where) {
  rt::Array array = compute(defined_node(tensor, where));
  if (!array.dims().empty()) return array;
  throw Error({.where = where, .expected = "a tensor of rows", .received = "a scalar", .hint = {}});
}

void check_index(std::size_t index, std::int64_t rows) {
  if (index < static_cast<std::size_t>(rows)) return;
  throw Error({.where = "Dataset",
               .expected = absl::StrCat("a row from 0 to ", rows - 1),
               .received = absl::StrCat(index),
               .hint = {}});
}

using Batches = std::vector<std::vector<std::size_t>>;  // the rows of each

std::vector<std::size_t> slice(const std::vector<std::size_t>& order, std::size_t begin, std::size_t end) {
  return {order.begin() + static_cast<std::ptrdiff_t>(begin), order.begin() + static_cast<std::ptrdiff_t>(end)};
}

// Fetches on the thread that asks.
class PlainStream : public BatchStream {
 public:
  PlainStream(Batches batches, FetchBatch fetch) : batches_(std::move(batches)), fetch_(std::move(fetch)) { load(); }
  bool has_batch() const override { return next_ < batches_.size(); }
  const std::vector<Tensor>& batch() const override { return batch_; }
  void advance() override {
    ++next_;
    load();
  }

 private:
  void load() {
    if (has_batch()) batch_ = fetch_(batches_[next_]);
  }
  Batches batches_;
  FetchBatch fetch_;
  std::size_t next_ = 0;
  std::vector<Tensor> batch_;
};

// Workers fetch batches ahead, at most `ahead` of them; they come out in order, an exception of a worker too.
class PrefetchingStream : public BatchStream {
 public:
  PrefetchingStream(Batches batches, FetchBatch fetch, int workers, std::size_t ahead)
      : batches_(std::move(batches)), fetch_(std::move(fetch)), ahead_(ahead) {
    for (int i = 0; i < workers; ++i) workers_.emplace_back([this] { work(); });
    take();
  }
  ~PrefetchingStream() override {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  PrefetchingStream(const PrefetchingStream&) = delete;
  PrefetchingStream& operator=(const PrefetchingStream&) = delete;

  bool has_batch() const override { return taken_ < batches_.size(); }
  const std::vector<Tensor>& batch() const override { return batch_; }
  void advance() override {
    {
      std::lock_guard lock(mutex_);
      ++taken_;
    }
    room_.notify_all();
    take();
  }

 private:
  struct Fetched {
    std::vector<Tensor> batch;
    std::exception_ptr error;
  };

  void work() {
    for (;;) {
      std::size_t mine;
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return stopped_ || started_ == batches_.size() || started_ < taken_ + ahead_; });
        if (stopped_ || started_ == batches_.size()) return;
        mine = started_++;
      }
      Fetched fetched;
      try {
        fetched.batch = fetch_(batches_[mine]);
      } catch (...) {
        fetched.error = std::current_exception();
      }
      std::lock_guard lock(mutex_);
      ready_.emplace(mine, std::move(fetched));
      arrived_.notify_all();
    }
  }

  void take() {
    if (!has_batch()) return;
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return ready_.contains(taken_); });
    Fetched fetched = std::move(ready_.extract(taken_).mapped());
    if (fetched.error) std::rethrow_exception(fetched.error);
    batch_ = std::move(fetched.batch);
  }

  const Batches batches_;
  const FetchBatch fetch_;
  const std::size_t ahead_;
  std::mutex mutex_;  // of what follows
  std::condition_variable room_, arrived_;
  std::size_t started_ = 0, taken_ = 0;
  bool stopped_ = false;
  std::map<std::size_t, Fetched> ready_;
  std::vector<Tensor> batch_;
  std::vector<std::thread> workers_;
};

[[noreturn]] void refuse_options(std::string expected, std::string received) {
  throw Error({.where = "DataLoader", .expected = std::move(expected), .received = std::move(received), .hint = {}});
}

// What each pass takes: of the samplers that are given, or in order, or shuffled.
AnyBatchSampler batches_for(std::size_t rows, const LoaderOptions& o) {
  check_option("DataLoader", "batch_size", o.batch_size, 1);
  if (o.batch_sampler) {
    if (o.batch_size != 1 || o.shuffle || o.sampler || o.drop_last) {
      refuse_options("batch_sampler alone", "one with batch_size, shuffle, sampler or drop_last");
    }
    return o.batch_sampler;
  }
  if (o.sampler && o.shuffle) refuse_options("sampler or shuffle", "both");
  if (o.sampler) return BatchSampler(o.sampler, o.batch_size, o.drop_last);
  if (o.shuffle) return BatchSampler(RandomSampler(rows, {.seed = o.seed}), o.batch_size, o.drop_last);
  return BatchSampler(SequentialSampler(rows), o.batch_size, o.drop_last);
}

std::size_t count_of(double length, std::size_t size, bool is_fraction) {
  return static_cast<std::size_t>(is_fraction ? std::floor(length * static_cast<double>(size)) : length);
}

}  // namespace

Tensor row_of(const Tensor& tensor, std::size_t index) {
  rt::Array array = rows_array(tensor, "Dataset");
  check_index(index, array.dims()[0]);
  const std::int64_t at = static_cast<std::int64_t>(index);
  rt::Array row = rows(array, at, at + 1);
  return of_array(row.reshaped({row.dims().begin() + 1, row.dims().end()}));
}

Tensor rows_of(const Tensor& tensor, const std::vector<std::size_t>& indices) {
  rt::Array array = rows_array(tensor, "Dataset");
  for (std::size_t index : indices) check_index(index, array.dims()[0]);
  return of_array(gather_rows(array, indices));
}

Tensor stack_rows(const std::vector<Tensor>& tensors) {
  std::vector<ValueRef> nodes;
  for (const Tensor& tensor : tensors) nodes.push_back(defined_node(tensor, "Dataset"));
  compute_all(nodes);  // what is pending runs once for all of them
  rt::Array stacked;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const rt::Array row = compute(nodes[i]);
    if (i == 0) {
      std::vector<std::int64_t> dims = row.dims();
      dims.insert(dims.begin(), static_cast<std::int64_t>(nodes.size()));
      stacked = rt::Array::uninitialized(row.dtype(), std::move(dims));
    }
    const std::vector<std::int64_t> wanted(stacked.dims().begin() + 1, stacked.dims().end());
    if (row.dims() != wanted || row.dtype() != stacked.dtype()) {
      throw Error({.where = "Dataset",
                   .expected = absl::StrCat("rows of one shape, ", Shape(wanted).to_string(), " as the first"),
                   .received = Shape(row.dims()).to_string(),
                   .hint = "Rows of other shapes are padded in get()."});
    }
    std::memcpy(stacked.as<char>() + static_cast<std::int64_t>(i) * row.bytes(), row.data(),
                static_cast<std::size_t>(row.bytes()));
  }
  return of_array(stacked);
}

std::size_t part_of(std::size_t row, const std::vector<std::size_t>& ends) {
  check_index(row, ends.empty() ? 0 : static_cast<std::int64_t>(ends.back()));
  return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), row) - ends.begin());
}

std::size_t common_size(const std::vector<std::size_t>& sizes) {
  for (std::size_t size : sizes) {
    if (size == sizes[0]) continue;
    throw Error({.where = "StackDataset",
                 .expected = absl::StrCat("data sets of one size, ", sizes[0], " as the first"),
                 .received = absl::StrCat(size),
                 .hint = {}});
  }
  return sizes.empty() ? 0 : sizes[0];
}

void check_lengths(const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) {
    if (tensor.dim() > 0 && tensor.size(0) == tensors[0].size(0)) continue;
    throw Error({.where = "TensorDataset",
                 .expected = absl::StrCat("tensors of one length, ", tensors[0].shape().to_string(), " as the first"),
                 .received = tensor.shape().to_string(),
                 .hint = {}});
  }
}

std::vector<std::vector<std::size_t>> split_indices(std::size_t size, const std::vector<double>& lengths,
                                                    std::optional<std::uint64_t> seed) {
  const double sum = std::accumulate(lengths.begin(), lengths.end(), 0.0);
  const bool are_fractions = std::abs(sum - 1) < 1e-6 && size != 1;
  std::vector<std::size_t> counts;
  for (double length : lengths) counts.push_back(count_of(std::max(length, 0.0), size, are_fractions));
  std::size_t given = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  for (std::size_t i = 0; are_fractions && given < size; i = (i + 1) % counts.size(), ++given) ++counts[i];
  if (given != size) {
    throw Error({.where = "random_split",
                 .expected = absl::StrCat("lengths whose sum is ", size, ", or fractions whose sum is 1"),
                 .received = absl::StrCat(sum),
                 .hint = {}});
  }
  const std::vector<std::size_t> order = shuffled(size, seed);
  std::vector<std::vector<std::size_t>> parts;
  std::size_t begin = 0;
  for (std::size_t count : counts) {
    parts.push_back(slice(order, begin, begin + count));
    begin += count;
  }
  return parts;
}

BatchLoader::BatchLoader(std::size_t rows, FetchBatch fetch, const LoaderOptions& options)
    : fetch_(std::move(fetch)),
      batches_(batches_for(rows, options)),
      num_workers_(options.num_workers),
      prefetch_factor_(options.prefetch_factor) {
  check_option("DataLoader", "num_workers", num_workers_, 0);
  check_option("DataLoader", "prefetch_factor", prefetch_factor_, 1);
}

std::shared_ptr<BatchStream> BatchLoader::start() const {
  Batches batches = batches_->sample();
  if (num_workers_ == 0) return std::make_shared<PlainStream>(std::move(batches), fetch_);
  const std::size_t ahead = static_cast<std::size_t>(num_workers_ * prefetch_factor_);
  return std::make_shared<PrefetchingStream>(std::move(batches), fetch_, num_workers_, ahead);
}

}  // namespace mica::internal
