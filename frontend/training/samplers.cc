#include "frontend/mica/training/samplers.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/graph/random.h"
#include "frontend/mica/tensor.h"
#include "frontend/training/rows.h"

namespace mica {
namespace {

using Rows = std::vector<std::size_t>;

[[noreturn]] void refuse(const char* sampler, std::string expected, std::string received) {
  throw Error({.where = sampler, .expected = std::move(expected), .received = std::move(received), .hint = {}});
}

// In [0, 1), with as many bits as a double holds.
double uniform(internal::RandomStream& random) { return std::ldexp(static_cast<double>(random.next_u64() >> 11), -53); }

// Each row where a uniform number falls into its share of the sum.
Rows drawn_with_replacement(const std::vector<double>& weights, std::size_t count, internal::RandomStream random) {
  std::vector<double> ends(weights.size());
  std::partial_sum(weights.begin(), weights.end(), ends.begin());
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    const auto end = std::upper_bound(ends.begin(), ends.end(), uniform(random) * ends.back());
    rows.push_back(static_cast<std::size_t>(end - ends.begin()));
  }
  return rows;
}

// A row's time is exponential with its weight as the rate: those that come first are drawn one by one in the ratio of
// the weights that are left.
Rows drawn_without_replacement(const std::vector<double>& weights, std::size_t count, internal::RandomStream random) {
  std::vector<std::pair<double, std::size_t>> times;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) times.emplace_back(-std::log1p(-uniform(random)) / weights[i], i);
  }
  const auto end = times.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(times.begin(), end, times.end());
  Rows rows;
  for (auto it = times.begin(); it != end; ++it) rows.push_back(it->second);
  return rows;
}

}  // namespace

Rows SequentialSampler::sample() const {
  Rows rows(rows_);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

RandomSampler::RandomSampler(internal::NumRows source, RandomSamplerOptions options)
    : rows_(source.count),
      num_samples_(options.num_samples.value_or(source.count)),
      replacement_(options.replacement),
      seeds_(options.seed) {
  if (num_samples_ > 0 && rows_ == 0) refuse("RandomSampler", "rows to draw from", "none");
}

Rows RandomSampler::sample() const {
  Rows rows;
  if (replacement_) {
    internal::RandomStream random = internal::RandomStream(seeds_.next());
    for (std::size_t i = 0; i < num_samples_; ++i) {
      rows.push_back(static_cast<std::size_t>(uniform(random) * static_cast<double>(rows_)));
    }
    return rows;
  }
  while (rows.size() < num_samples_) {
    const Rows order = internal::shuffled(rows_, seeds_.next());
    const std::size_t taken = std::min(rows_, num_samples_ - rows.size());
    rows.insert(rows.end(), order.begin(), order.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  return rows;
}

SubsetRandomSampler::SubsetRandomSampler(Rows indices, std::optional<std::uint64_t> seed)
    : indices_(std::move(indices)), seeds_(seed) {}

Rows SubsetRandomSampler::sample() const {
  Rows rows;
  for (std::size_t i : internal::shuffled(indices_.size(), seeds_.next())) rows.push_back(indices_[i]);
  return rows;
}

WeightedRandomSampler::WeightedRandomSampler(std::vector<double> weights, std::size_t num_samples,
                                             WeightedSamplerOptions options)
    : weights_(std::move(weights)), num_samples_(num_samples), replacement_(options.replacement), seeds_(options.seed) {
  std::size_t possible = 0;
  for (double weight : weights_) {
    if (!std::isfinite(weight) || weight < 0) {
      refuse("WeightedRandomSampler", "finite weights of at least 0", absl::StrCat(weight));
    }
    possible += weight > 0;
  }
  const std::size_t needed = replacement_ ? std::min<std::size_t>(1, num_samples_) : num_samples_;
  if (possible >= needed) return;
  refuse("WeightedRandomSampler", absl::StrCat("at least ", needed, " weights above 0"), absl::StrCat(possible));
}

Rows WeightedRandomSampler::sample() const {
  if (num_samples_ == 0) return {};
  return replacement_ ? drawn_with_replacement(weights_, num_samples_, internal::RandomStream(seeds_.next()))
                      : drawn_without_replacement(weights_, num_samples_, internal::RandomStream(seeds_.next()));
}

DistributedSampler::DistributedSampler(internal::NumRows source, std::size_t num_replicas, std::size_t rank,
                                       DistributedSamplerOptions options)
    : rows_(source.count), num_replicas_(num_replicas), rank_(rank), options_(options) {
  if (rank >= num_replicas) {
    refuse("DistributedSampler", absl::StrCat("a rank below the number of replicas, ", num_replicas),
           absl::StrCat(rank));
  }
  num_samples_ = options.drop_last ? rows_ / num_replicas : (rows_ + num_replicas - 1) / num_replicas;
}

Rows DistributedSampler::sample() const {
  Rows order(rows_);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (options_.shuffle) order = internal::shuffled(rows_, options_.seed + *epoch_);
  Rows rows;
  for (std::size_t i = 0; i < num_samples_; ++i) rows.push_back(order[(rank_ + i * num_replicas_) % rows_]);
  return rows;
}

BatchSampler::BatchSampler(AnySampler sampler, std::int64_t batch_size, bool drop_last)
    : sampler_(std::move(sampler)), batch_size_(static_cast<std::size_t>(batch_size)), drop_last_(drop_last) {
  if (batch_size < 1) refuse("BatchSampler", "batch_size of at least 1", absl::StrCat(batch_size));
  if (!sampler_) refuse("BatchSampler", "a sampler", "none");
}

std::size_t BatchSampler::size() const {
  return (drop_last_ ? sampler_->size() : sampler_->size() + batch_size_ - 1) / batch_size_;
}

std::vector<Rows> BatchSampler::sample() const {
  const Rows rows = sampler_->sample();
  std::vector<Rows> batches;
  for (std::size_t begin = 0; begin < rows.size(); begin += batch_size_) {
    const std::size_t end = std::min(begin + batch_size_, rows.size());
    if (drop_last_ && end - begin < batch_size_) break;
    batches.emplace_back(rows.begin() + static_cast<std::ptrdiff_t>(begin),
                         rows.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return batches;
}

}  // namespace mica
