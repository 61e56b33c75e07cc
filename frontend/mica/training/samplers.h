// torch.utils.data's samplers: which rows of a data set a pass takes, in what order, in which batches.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace mica {

namespace internal {
// Any object of a class that derives from Base, copied where it is given; or none.
template <class Base>
class Copied {
 public:
  Copied() = default;
  template <std::derived_from<Base> T>
  Copied(const T& object) : object_(std::make_shared<const T>(object)) {}
  explicit operator bool() const { return object_ != nullptr; }
  const Base& operator*() const { return *object_; }
  const Base* operator->() const { return object_.get(); }

 private:
  std::shared_ptr<const Base> object_;
};

// How many rows there are: a number, or something that has a size.
struct NumRows {
  template <std::integral T>
  NumRows(T rows) : count(static_cast<std::size_t>(rows)) {}
  template <class D>
    requires requires(const D& source) {
      { source.size() } -> std::convertible_to<std::size_t>;
    }
  NumRows(const D& source) : count(source.size()) {}
  std::size_t count;
};

// The seed of each pass: the next one after a given seed, or none, which is the process's generator. Copies share where
// they are.
class PassSeeds {
 public:
  explicit PassSeeds(std::optional<std::uint64_t> seed) : seed_(seed), passes_(std::make_shared<std::uint64_t>(0)) {}
  std::optional<std::uint64_t> next() const {
    if (!seed_) return std::nullopt;
    return *seed_ + (*passes_)++;
  }

 private:
  std::optional<std::uint64_t> seed_;
  std::shared_ptr<std::uint64_t> passes_;
};
}  // namespace internal

// (torch.utils.data.Sampler) What one pass takes, in order: row numbers, or lists of them, the batches. Derive for your
// own.
template <class Item = std::size_t>
class Sampler {
 public:
  virtual ~Sampler() = default;
  virtual std::size_t size() const = 0;          // items of one pass
  virtual std::vector<Item> sample() const = 0;  // those of the next pass
};
using AnySampler = internal::Copied<Sampler<>>;
using AnyBatchSampler = internal::Copied<Sampler<std::vector<std::size_t>>>;

// Without a seed the order comes from the process's generator (manual_seed). Every pass draws anew.
struct RandomSamplerOptions {
  bool replacement = false;
  std::optional<std::size_t> num_samples = {};  // of one pass: as many as rows
  std::optional<std::uint64_t> seed = {};
};
struct WeightedSamplerOptions {
  bool replacement = true;
  std::optional<std::uint64_t> seed = {};
};

class SequentialSampler : public Sampler<> {
 public:
  explicit SequentialSampler(internal::NumRows source) : rows_(source.count) {}
  std::size_t size() const override { return rows_; }
  std::vector<std::size_t> sample() const override;

 private:
  std::size_t rows_;
};
// Without replacement it takes every row before it takes one again.
class RandomSampler : public Sampler<> {
 public:
  explicit RandomSampler(internal::NumRows source, RandomSamplerOptions options = {});
  std::size_t size() const override { return num_samples_; }
  std::vector<std::size_t> sample() const override;

 private:
  std::size_t rows_, num_samples_;
  bool replacement_;
  internal::PassSeeds seeds_;
};
class SubsetRandomSampler : public Sampler<> {  // these rows in random order
 public:
  explicit SubsetRandomSampler(std::vector<std::size_t> indices, std::optional<std::uint64_t> seed = {});
  std::size_t size() const override { return indices_.size(); }
  std::vector<std::size_t> sample() const override;

 private:
  std::vector<std::size_t> indices_;
  internal::PassSeeds seeds_;
};
// Rows with probabilities in the ratio of their weights, which need not sum to 1.
class WeightedRandomSampler : public Sampler<> {
 public:
  WeightedRandomSampler(std::vector<double> weights, std::size_t num_samples, WeightedSamplerOptions options = {});
  std::size_t size() const override { return num_samples_; }
  std::vector<std::size_t> sample() const override;

 private:
  std::vector<double> weights_;
  std::size_t num_samples_;
  bool replacement_;
  internal::PassSeeds seeds_;
};
struct DistributedSamplerOptions {
  bool shuffle = true;
  std::uint64_t seed = 0;
  bool drop_last = false;
};
// Every num_replicas-th row, from the rank-th on, of an order that all replicas have in common. All get as many rows:
// some come twice, or, with drop_last, some are left out. A pass takes the order of the pass before unless set_epoch()
// says another epoch, of this sampler and its copies.
class DistributedSampler : public Sampler<> {
 public:
  DistributedSampler(internal::NumRows source, std::size_t num_replicas, std::size_t rank,
                     DistributedSamplerOptions options = {});
  std::size_t size() const override { return num_samples_; }
  std::vector<std::size_t> sample() const override;
  void set_epoch(std::uint64_t epoch) const { *epoch_ = epoch; }

 private:
  std::size_t rows_, num_replicas_, rank_, num_samples_;
  DistributedSamplerOptions options_;
  std::shared_ptr<std::uint64_t> epoch_ = std::make_shared<std::uint64_t>(0);
};
// The rows of a sampler in batches; drop_last leaves out a last one that is not full.
class BatchSampler : public Sampler<std::vector<std::size_t>> {
 public:
  BatchSampler(AnySampler sampler, std::int64_t batch_size, bool drop_last);
  std::size_t size() const override;
  std::vector<std::vector<std::size_t>> sample() const override;

 private:
  AnySampler sampler_;
  std::size_t batch_size_;
  bool drop_last_;
};

}  // namespace mica
