// Data sets, and how they become batches: Dataset, TensorDataset, Subset, ConcatDataset, StackDataset, random_split,
// DataLoader; what fit() takes beside tensors.
#pragma once
#include <array>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "mica/tensor.h"
#include "mica/training/samplers.h"

namespace mica {

namespace internal {
Tensor row_of(const Tensor& rows, std::size_t index);
Tensor rows_of(const Tensor& rows, const std::vector<std::size_t>& indices);
Tensor stack_rows(const std::vector<Tensor>& rows);
void check_lengths(const std::vector<Tensor>& tensors);
// Row numbers for each part: `lengths` are counts, or fractions whose sum is 1.
std::vector<std::vector<std::size_t>> split_indices(std::size_t size, const std::vector<double>& lengths,
                                                    std::optional<std::uint64_t> seed);
// Which of several parts, each of which ends before a row, has the row; an Error where none has.
std::size_t part_of(std::size_t row, const std::vector<std::size_t>& ends);
// The size that all of them have; an Error where they differ.
std::size_t common_size(const std::vector<std::size_t>& sizes);
}  // namespace internal

// (torch.utils.data.Dataset) N tensors a row. Derive for your own. A DataLoader with workers calls get() on several
// threads.
template <std::size_t N>
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::size_t size() const = 0;
  virtual std::array<Tensor, N> get(std::size_t index) const = 0;
  // These rows, stacked along a new first axis.
  virtual std::array<Tensor, N> get_batch(const std::vector<std::size_t>& indices) const {
    std::array<std::vector<Tensor>, N> columns;
    for (std::size_t index : indices) {
      std::array<Tensor, N> row = get(index);
      for (std::size_t i = 0; i < N; ++i) columns[i].push_back(std::move(row[i]));
    }
    std::array<Tensor, N> batch;
    for (std::size_t i = 0; i < N; ++i) batch[i] = internal::stack_rows(columns[i]);
    return batch;
  }
};

// (torch.utils.data.TensorDataset) Rows of tensors of one length.
template <std::size_t N>
class TensorDataset : public Dataset<N> {
 public:
  template <class... T>
    requires(sizeof...(T) == N && (std::is_convertible_v<T, Tensor> && ...))
  explicit TensorDataset(const T&... tensors) : tensors_{tensors...} {
    internal::check_lengths({tensors_.begin(), tensors_.end()});
  }
  std::size_t size() const override { return static_cast<std::size_t>(tensors_[0].size(0)); }
  std::array<Tensor, N> get(std::size_t index) const override {
    std::array<Tensor, N> row;
    for (std::size_t i = 0; i < N; ++i) row[i] = internal::row_of(tensors_[i], index);
    return row;
  }
  std::array<Tensor, N> get_batch(const std::vector<std::size_t>& indices) const override {
    std::array<Tensor, N> batch;
    for (std::size_t i = 0; i < N; ++i) batch[i] = internal::rows_of(tensors_[i], indices);
    return batch;
  }

 private:
  std::array<Tensor, N> tensors_;
};
template <class... T>
TensorDataset(const T&...) -> TensorDataset<sizeof...(T)>;

namespace internal {
template <class D>
inline constexpr std::size_t kColumns = std::tuple_size_v<decltype(std::declval<const D&>().get(0))>;
}

// (torch.utils.data.Subset) Some rows of a data set, which is shared.
template <std::size_t N>
class Subset : public Dataset<N> {
 public:
  Subset(std::shared_ptr<const Dataset<N>> dataset, std::vector<std::size_t> indices)
      : dataset_(std::move(dataset)), indices_(std::move(indices)) {}
  template <std::derived_from<Dataset<N>> D>
  Subset(const D& dataset, std::vector<std::size_t> indices)
      : Subset(std::make_shared<const D>(dataset), std::move(indices)) {}
  std::size_t size() const override { return indices_.size(); }
  std::array<Tensor, N> get(std::size_t index) const override { return dataset_->get(indices_.at(index)); }
  std::array<Tensor, N> get_batch(const std::vector<std::size_t>& indices) const override {
    std::vector<std::size_t> chosen;
    for (std::size_t index : indices) chosen.push_back(indices_.at(index));
    return dataset_->get_batch(chosen);
  }
  const std::vector<std::size_t>& indices() const { return indices_; }

 private:
  std::shared_ptr<const Dataset<N>> dataset_;
  std::vector<std::size_t> indices_;
};
template <class D>
  requires requires(const D& dataset) { dataset.get(0); }
Subset(const D&, std::vector<std::size_t>) -> Subset<internal::kColumns<D>>;

// (torch.utils.data.ConcatDataset) The rows of several data sets, one after another: ConcatDataset(first, second).
template <std::size_t N>
class ConcatDataset : public Dataset<N> {
 public:
  explicit ConcatDataset(std::vector<std::shared_ptr<const Dataset<N>>> datasets) : datasets_(std::move(datasets)) {
    std::size_t rows = 0;
    for (const auto& dataset : datasets_) ends_.push_back(rows += dataset->size());
  }
  template <std::derived_from<Dataset<N>>... D>
    requires(sizeof...(D) > 0)
  explicit ConcatDataset(const D&... datasets) : ConcatDataset({std::make_shared<const D>(datasets)...}) {}
  std::size_t size() const override { return ends_.empty() ? 0 : ends_.back(); }
  std::array<Tensor, N> get(std::size_t index) const override {
    const std::size_t part = internal::part_of(index, ends_);
    return datasets_[part]->get(part == 0 ? index : index - ends_[part - 1]);
  }

 private:
  std::vector<std::shared_ptr<const Dataset<N>>> datasets_;
  std::vector<std::size_t> ends_;  // of each, in rows of all
};
template <class D, class... Others>
  requires requires(const D& dataset) { dataset.get(0); }
ConcatDataset(const D&, const Others&...) -> ConcatDataset<internal::kColumns<D>>;

// (torch.utils.data.StackDataset) A row of each of several data sets of one size, side by side: StackDataset(images,
// texts).
template <std::size_t N>
class StackDataset : public Dataset<N> {
 public:
  template <class... D>
    requires((internal::kColumns<D> + ... + 0) == N)
  explicit StackDataset(const D&... datasets) : size_(internal::common_size({datasets.size()...})) {
    (add(std::make_shared<const D>(datasets)), ...);
  }
  std::size_t size() const override { return size_; }
  std::array<Tensor, N> get(std::size_t index) const override {
    return joined([&](const Part& part) { return part.get(index); });
  }
  std::array<Tensor, N> get_batch(const std::vector<std::size_t>& indices) const override {
    return joined([&](const Part& part) { return part.get_batch(indices); });
  }

 private:
  struct Part {
    std::function<std::vector<Tensor>(std::size_t)> get;
    std::function<std::vector<Tensor>(const std::vector<std::size_t>&)> get_batch;
  };
  template <class D>
  void add(std::shared_ptr<const D> dataset) {
    auto listed = [](const auto& columns) { return std::vector<Tensor>(columns.begin(), columns.end()); };
    parts_.push_back({[=](std::size_t index) { return listed(dataset->get(index)); },
                      [=](const std::vector<std::size_t>& indices) { return listed(dataset->get_batch(indices)); }});
  }
  template <class Fetch>
  std::array<Tensor, N> joined(Fetch fetch) const {
    std::array<Tensor, N> columns;
    std::size_t next = 0;
    for (const Part& part : parts_) {
      for (Tensor& column : fetch(part)) columns[next++] = std::move(column);
    }
    return columns;
  }

  std::size_t size_;
  std::vector<Part> parts_;
};
template <class... D>
  requires(sizeof...(D) > 0)
StackDataset(const D&...) -> StackDataset<(internal::kColumns<D> + ...)>;

// (torch.utils.data.random_split) Counts, or fractions whose sum is 1: random_split(data, {0.8, 0.2}).
template <class D, std::size_t N = internal::kColumns<D>>
std::vector<Subset<N>> random_split(const D& dataset, const std::vector<double>& lengths,
                                    std::optional<std::uint64_t> seed = {}) {
  auto shared = std::make_shared<const D>(dataset);
  std::vector<Subset<N>> parts;
  for (std::vector<std::size_t>& indices : internal::split_indices(dataset.size(), lengths, seed))
    parts.emplace_back(shared, std::move(indices));
  return parts;
}

// Rows of a data set, each changed by a function of its tensors when it is taken: augmentation, scaling.
template <std::size_t N>
class TransformedDataset : public Dataset<N> {
 public:
  using Transform = std::function<std::array<Tensor, N>(const std::array<Tensor, N>& row)>;
  template <std::derived_from<Dataset<N>> D>
  TransformedDataset(const D& dataset, Transform transform)
      : dataset_(std::make_shared<const D>(dataset)), transform_(std::move(transform)) {}
  std::size_t size() const override { return dataset_->size(); }
  std::array<Tensor, N> get(std::size_t index) const override { return transform_(dataset_->get(index)); }

 private:
  std::shared_ptr<const Dataset<N>> dataset_;
  Transform transform_;
};
template <class D, class F>
TransformedDataset(const D&, F) -> TransformedDataset<internal::kColumns<D>>;

// num_workers: threads that fetch batches ahead; each keeps `prefetch_factor` ready. Without a seed the order comes
// from the process's generator (manual_seed). Every pass is shuffled anew. A sampler stands for `shuffle`, a batch
// sampler for that and for batch_size and drop_last.
struct LoaderOptions {
  std::int64_t batch_size = 1;
  bool shuffle = false;
  int num_workers = 0;
  bool drop_last = false;
  std::optional<std::uint64_t> seed = {};
  int prefetch_factor = 2;
  AnySampler sampler = {};
  AnyBatchSampler batch_sampler = {};
};

namespace internal {
using FetchBatch = std::function<std::vector<Tensor>(const std::vector<std::size_t>& indices)>;

// One pass over the rows: batches in order, fetched here or by workers ahead.
class BatchStream {
 public:
  virtual ~BatchStream() = default;
  virtual bool has_batch() const = 0;
  virtual const std::vector<Tensor>& batch() const = 0;
  virtual void advance() = 0;
};

// What a DataLoader is behind its type.
class BatchLoader {
 public:
  BatchLoader(std::size_t rows, FetchBatch fetch, const LoaderOptions& options);
  std::size_t num_batches() const { return batches_->size(); }
  std::shared_ptr<BatchStream> start() const;

 private:
  FetchBatch fetch_;
  AnyBatchSampler batches_;
  int num_workers_, prefetch_factor_;
};
}  // namespace internal

// (torch.utils.data.DataLoader) for (auto [inputs, labels] : loader)
template <std::size_t N>
class DataLoader {
 public:
  template <class D>
    requires std::derived_from<D, Dataset<N>>
  explicit DataLoader(const D& dataset, LoaderOptions options = {})
      : dataset_(std::make_shared<const D>(dataset)),
        loader_(
            dataset_->size(),
            [dataset = dataset_](const std::vector<std::size_t>& indices) {
              std::array<Tensor, N> batch = dataset->get_batch(indices);
              return std::vector<Tensor>(batch.begin(), batch.end());
            },
            options) {}

  class iterator {
   public:
    iterator() = default;
    explicit iterator(std::shared_ptr<internal::BatchStream> stream) : stream_(std::move(stream)) {}
    std::array<Tensor, N> operator*() const {
      std::array<Tensor, N> batch;
      for (std::size_t i = 0; i < N; ++i) batch[i] = stream_->batch()[i];
      return batch;
    }
    iterator& operator++() {
      stream_->advance();
      return *this;
    }
    bool operator!=(const iterator& other) const { return has_batch() != other.has_batch(); }

   private:
    bool has_batch() const { return stream_ && stream_->has_batch(); }
    std::shared_ptr<internal::BatchStream> stream_;
  };
  iterator begin() const { return iterator(loader_.start()); }
  iterator end() const { return {}; }
  std::size_t size() const { return loader_.num_batches(); }  // batches

 private:
  std::shared_ptr<const Dataset<N>> dataset_;
  internal::BatchLoader loader_;
};
template <class D>
DataLoader(const D&, LoaderOptions = {}) -> DataLoader<internal::kColumns<D>>;

// What one step is trained on.
struct Batch {
  Inputs x = {}, y = {}, sample_weight = {};
};

// Batches in order. fit() calls restart() before every epoch that does not go on where the last one ended.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual std::optional<Batch> next() = 0;  // nothing: the end
  virtual void restart() {}
  virtual std::optional<std::int64_t> num_batches() const { return {}; }  // of one pass, where it is known
};

namespace internal {
inline Batch to_batch(Batch batch) { return batch; }
inline Batch to_batch(const std::array<Tensor, 2>& xy) { return {xy[0], xy[1], {}}; }
inline Batch to_batch(const std::array<Tensor, 3>& xyw) { return {xyw[0], xyw[1], xyw[2]}; }
}  // namespace internal

// A DataLoader, a container or a view whose elements are a Batch, (x, y) or (x, y, weights).
template <class R>
concept BatchRange = requires(const R& range) { internal::to_batch(*range.begin()); };
// A generator: the next batch, or nothing at the end.
template <class F>
concept BatchFunction = std::is_invocable_r_v<std::optional<Batch>, F&>;

template <BatchRange R>
class RangeSource : public BatchSource {
 public:
  explicit RangeSource(R range) : range_(std::move(range)) {}
  std::optional<Batch> next() override {
    if (!it_) it_.emplace(range_.begin());
    if (!(*it_ != range_.end())) return std::nullopt;
    Batch batch = internal::to_batch(**it_);
    ++*it_;
    return batch;
  }
  void restart() override { it_.reset(); }
  std::optional<std::int64_t> num_batches() const override {
    if constexpr (requires { range_.size(); }) return static_cast<std::int64_t>(range_.size());
    return std::nullopt;
  }

 private:
  const R range_;
  std::optional<decltype(std::declval<const R&>().begin())> it_;
};

class FunctionSource : public BatchSource {
 public:
  explicit FunctionSource(std::function<std::optional<Batch>()> function) : function_(std::move(function)) {}
  std::optional<Batch> next() override { return function_(); }

 private:
  std::function<std::optional<Batch>()> function_;
};

template <BatchRange R>
std::shared_ptr<BatchSource> batch_source(const R& range) {
  return std::make_shared<RangeSource<R>>(range);
}
template <BatchFunction F>
  requires(!BatchRange<F>)
std::shared_ptr<BatchSource> batch_source(F function) {
  return std::make_shared<FunctionSource>(std::move(function));
}
inline std::shared_ptr<BatchSource> batch_source(std::shared_ptr<BatchSource> source) { return source; }
template <class T>
concept Batches = requires(const T& data) { batch_source(data); };

}  // namespace mica
