// What stands behind mica/training/data.h: rows of tensors, and batches that are fetched here or by threads ahead.
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

Tensor of_array(rt::Array array) { return Tensor::of(make_computed(std::move(array))); }

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
    : rows_(rows), fetch_(std::move(fetch)), options_(options), passes_(std::make_shared<std::uint64_t>(0)) {
  auto check = [](const char* option, std::int64_t value, std::int64_t least) {
    if (value >= least) return;
    throw Error({.where = "DataLoader",
                 .expected = absl::StrCat(option, " of at least ", least),
                 .received = absl::StrCat(value),
                 .hint = {}});
  };
  check("batch_size", options.batch_size, 1);
  check("num_workers", options.num_workers, 0);
  check("prefetch_factor", options.prefetch_factor, 1);
}

std::size_t BatchLoader::num_batches() const {
  const std::size_t size = static_cast<std::size_t>(options_.batch_size);
  return options_.drop_last ? rows_ / size : (rows_ + size - 1) / size;
}

std::shared_ptr<BatchStream> BatchLoader::start() const {
  std::vector<std::size_t> order(rows_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (options_.shuffle) {
    std::optional<std::uint64_t> seed = options_.seed;
    if (seed) *seed += (*passes_)++;  // every pass in another order
    order = shuffled(rows_, seed);
  }
  Batches batches;
  const std::size_t size = static_cast<std::size_t>(options_.batch_size);
  for (std::size_t i = 0; i < num_batches(); ++i) {
    batches.push_back(slice(order, i * size, std::min(rows_, (i + 1) * size)));
  }
  if (options_.num_workers == 0) return std::make_shared<PlainStream>(std::move(batches), fetch_);
  const std::size_t ahead = static_cast<std::size_t>(options_.num_workers * options_.prefetch_factor);
  return std::make_shared<PrefetchingStream>(std::move(batches), fetch_, options_.num_workers, ahead);
}

}  // namespace mica::internal
