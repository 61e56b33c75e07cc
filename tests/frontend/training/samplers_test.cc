// Samplers, and what a loader makes of them. Orders that PyTorch draws are its own: here is what they have in common.
#include "frontend/mica/training/samplers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Rows = std::vector<std::size_t>;

Rows sorted(Rows rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

TEST(Samplers, SequentialTakesAllInOrder) {
  EXPECT_THAT(SequentialSampler(3).sample(), ElementsAre(0, 1, 2));
  TensorDataset dataset(arange(4));
  EXPECT_THAT(SequentialSampler(dataset).sample(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(SequentialSampler(dataset).size(), 4u);
}

TEST(Samplers, RandomTakesEachOnceBeforeItTakesOneAgain) {
  RandomSampler once(6, {.seed = 1});
  const Rows first = once.sample(), second = once.sample();
  EXPECT_THAT(sorted(first), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_NE(first, second);
  EXPECT_EQ(RandomSampler(6, {.seed = 1}).sample(), first);
  const Rows more = RandomSampler(4, {.num_samples = 10, .seed = 2}).sample();
  ASSERT_EQ(more.size(), 10u);
  EXPECT_THAT(sorted(Rows(more.begin(), more.begin() + 4)), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(sorted(Rows(more.begin() + 4, more.begin() + 8)), ElementsAre(0, 1, 2, 3));
  EXPECT_NE(more[8], more[9]);
}

TEST(Samplers, WithReplacementEveryDrawIsFree) {
  const Rows rows = RandomSampler(4, {.replacement = true, .num_samples = 8000, .seed = 3}).sample();
  for (std::size_t row = 0; row < 4; ++row) {
    const double share = static_cast<double>(std::count(rows.begin(), rows.end(), row)) / 8000;
    EXPECT_NEAR(share, 0.25, 5 * std::sqrt(0.25 * 0.75 / 8000)) << row;
  }
}

TEST(Samplers, TheProcesssGeneratorIsTheDefault) {
  auto drawn = [] {
    manual_seed(17);
    return std::pair(RandomSampler(20).sample(), WeightedRandomSampler({1, 2, 3}, 20).sample());
  };
  EXPECT_EQ(drawn(), drawn());
}

TEST(Samplers, ASubsetComesInRandomOrder) {
  SubsetRandomSampler sampler({3, 5, 9, 11, 20}, 1);
  const Rows first = sampler.sample();
  EXPECT_THAT(sorted(first), ElementsAre(3, 5, 9, 11, 20));
  EXPECT_NE(first, sampler.sample());
}

TEST(Samplers, WeightsAreProbabilities) {
  const Rows rows = WeightedRandomSampler({1, 0, 3, 4}, 8000, {.seed = 5}).sample();
  const double want[] = {0.125, 0, 0.375, 0.5};
  for (std::size_t row = 0; row < 4; ++row) {
    const double share = static_cast<double>(std::count(rows.begin(), rows.end(), row)) / 8000;
    EXPECT_NEAR(share, want[row], 5 * std::sqrt(want[row] * (1 - want[row]) / 8000)) << row;
  }
  EXPECT_THAT(WeightedRandomSampler({0, 7, 0}, 5).sample(), Each(1));
}

// The first of two draws has the ratio of the weights, the second of what is left: 1/2 1/3 + 1/3 1/2 + … by hand.
TEST(Samplers, WeightsWithoutReplacement) {
  WeightedRandomSampler sampler({2, 0, 1, 1}, 2, {.replacement = false, .seed = 1});
  double first = 0, pair = 0;
  for (int pass = 0; pass < 4000; ++pass) {
    const Rows rows = sampler.sample();
    ASSERT_NE(rows[0], rows[1]);
    ASSERT_TRUE(rows[0] != 1 && rows[1] != 1);
    first += rows[0] == 0;
    pair += sorted(rows) == Rows{2, 3};
  }
  EXPECT_NEAR(first / 4000, 0.5, 5 * std::sqrt(0.25 / 4000));
  // {2, 3} or {3, 2}: 1/4 · 1/3 each.
  EXPECT_NEAR(pair / 4000, 1.0 / 6, 5 * std::sqrt(5.0 / 36 / 4000));
}

// list(BatchSampler(SequentialSampler(range(7)), 3, False)): [[0, 1, 2], [3, 4, 5], [6]]
TEST(Samplers, Batches) {
  BatchSampler all(SequentialSampler(7), 3, false), full(SequentialSampler(7), 3, true);
  EXPECT_THAT(all.sample(), ElementsAre(Rows{0, 1, 2}, Rows{3, 4, 5}, Rows{6}));
  EXPECT_THAT(full.sample(), ElementsAre(Rows{0, 1, 2}, Rows{3, 4, 5}));
  EXPECT_EQ(all.size(), 3u);
  EXPECT_EQ(full.size(), 2u);
}

TEST(Samplers, Mistakes) {
  EXPECT_THAT(error_of([] { WeightedRandomSampler({1, -1}, 2); }), HasSubstr("weights of at least 0"));
  EXPECT_THAT(error_of([] { WeightedRandomSampler({1, 0, 2}, 3, {.replacement = false}); }),
              HasSubstr("at least 3 weights above 0"));
  EXPECT_THAT(error_of([] { BatchSampler(SequentialSampler(3), 0, false); }), HasSubstr("batch_size"));
  EXPECT_THAT(error_of([] { RandomSampler(0, {.num_samples = 2}); }), HasSubstr("rows to draw from"));
}

// Rows from the last to the first.
class Backwards : public Sampler<> {
 public:
  explicit Backwards(std::size_t rows) : rows_(rows) {}
  std::size_t size() const override { return rows_; }
  Rows sample() const override {
    Rows rows;
    for (std::size_t i = rows_; i-- > 0;) rows.push_back(i);
    return rows;
  }

 private:
  std::size_t rows_;
};
// Batches that grow by a row.
class Growing : public Sampler<Rows> {
 public:
  std::size_t size() const override { return 3; }
  std::vector<Rows> sample() const override { return {{0}, {1, 2}, {3, 4, 0}}; }
};

std::vector<std::vector<float>> batches_of(const DataLoader<1>& loader) {
  std::vector<std::vector<float>> batches;
  for (auto [x] : loader) batches.push_back(x.to_vector());
  EXPECT_EQ(batches.size(), loader.size());
  return batches;
}
using Batch = std::vector<float>;

TEST(DataLoaderSamplers, ALoaderTakesWhatItsSamplerSays) {
  TensorDataset dataset(arange(5).to(kFloat32));
  for (int workers : {0, 2}) {
    EXPECT_THAT(batches_of(DataLoader(dataset, {.batch_size = 2, .num_workers = workers, .sampler = Backwards(5)})),
                ElementsAre(Batch{4, 3}, Batch{2, 1}, Batch{0}));
    EXPECT_THAT(batches_of(DataLoader(dataset, {.num_workers = workers, .batch_sampler = Growing()})),
                ElementsAre(Batch{0}, Batch{1, 2}, Batch{3, 4, 0}));
  }
  EXPECT_THAT(batches_of(DataLoader(dataset, {.batch_size = 2, .drop_last = true, .sampler = Backwards(5)})),
              ElementsAre(Batch{4, 3}, Batch{2, 1}));
  EXPECT_EQ(DataLoader(dataset, {.batch_size = 4, .sampler = RandomSampler(dataset, {.num_samples = 9})}).size(), 3u);
}

TEST(DataLoaderSamplers, OptionsThatExcludeEachOther) {
  TensorDataset dataset(arange(5));
  EXPECT_THAT(error_of([&] { DataLoader(dataset, {.shuffle = true, .sampler = Backwards(5)}); }),
              HasSubstr("sampler or shuffle"));
  EXPECT_THAT(error_of([&] { DataLoader(dataset, {.batch_size = 2, .batch_sampler = Growing()}); }),
              HasSubstr("batch_sampler alone"));
}

TEST(Datasets, OneAfterAnother) {
  TensorDataset first(arange(3), arange(3) * 2), second(arange(10, 12), arange(10, 12) * 2);
  ConcatDataset both(first, second);
  static_assert(std::is_same_v<decltype(both), ConcatDataset<2>>);
  EXPECT_EQ(both.size(), 5u);
  EXPECT_EQ(both.get(2)[0].item(), 2);
  EXPECT_EQ(both.get(3)[0].item(), 10);
  EXPECT_EQ(both.get(4)[1].item(), 22);
  EXPECT_THAT(error_of([&] { both.get(5); }), HasSubstr("a row from 0 to 4"));
  std::vector<float> rows;
  for (auto [x, y] : DataLoader(both, {.batch_size = 2})) {
    for (float value : x.to_vector()) rows.push_back(value);
  }
  EXPECT_THAT(rows, ElementsAre(0, 1, 2, 10, 11));
  ConcatDataset with_itself(both, first, Subset(second, {1}));
  EXPECT_EQ(with_itself.size(), 9u);
  EXPECT_EQ(with_itself.get(8)[0].item(), 11);
}

TEST(Datasets, SideBySide) {
  TensorDataset pairs(arange(3), arange(3) * 2);
  StackDataset stacked(pairs, TensorDataset(arange(10, 13)));
  static_assert(std::is_same_v<decltype(stacked), StackDataset<3>>);
  EXPECT_EQ(stacked.size(), 3u);
  auto [a, b, c] = stacked.get(2);
  EXPECT_THAT((std::vector<double>{a.item(), b.item(), c.item()}), ElementsAre(2, 4, 12));
  for (auto [x, y, z] : DataLoader(stacked, {.batch_size = 3})) {
    EXPECT_THAT(y.to_vector(), ElementsAre(0, 2, 4));
    EXPECT_THAT(z.to_vector(), ElementsAre(10, 11, 12));
  }
  EXPECT_THAT(error_of([&] { StackDataset(pairs, TensorDataset(arange(2))); }),
              HasSubstr("expected data sets of one size, 3 as the first, received 2"));
}

// What PyTorch's takes without a shuffle: 10 rows for 4 replicas.
TEST(Samplers, DistributedRowsAreDealtInTurn) {
  auto rows_of = [](std::size_t rank, bool drop_last) {
    return DistributedSampler(10, 4, rank, {.shuffle = false, .drop_last = drop_last}).sample();
  };
  EXPECT_THAT(rows_of(0, false), ElementsAre(0, 4, 8));
  EXPECT_THAT(rows_of(1, false), ElementsAre(1, 5, 9));
  EXPECT_THAT(rows_of(2, false), ElementsAre(2, 6, 0));
  EXPECT_THAT(rows_of(3, false), ElementsAre(3, 7, 1));
  EXPECT_THAT(rows_of(0, true), ElementsAre(0, 4));
  EXPECT_THAT(rows_of(3, true), ElementsAre(3, 7));
  EXPECT_THAT(DistributedSampler(2, 5, 4, {.shuffle = false}).sample(), ElementsAre(0));
  EXPECT_EQ(DistributedSampler(2, 5, 4, {.drop_last = true}).size(), 0u);
  EXPECT_THAT(error_of([] { DistributedSampler(10, 4, 4); }), HasSubstr("a rank below the number of replicas, 4"));
}

TEST(Samplers, DistributedOrdersAreOfTheEpochAndCoverAllRows) {
  DistributedSampler first(9, 3, 0, {.seed = 5}), second(9, 3, 1, {.seed = 5}), third(9, 3, 2, {.seed = 5});
  const std::vector<std::size_t> before = first.sample();
  EXPECT_EQ(first.sample(), before);
  std::vector<std::size_t> all = before;
  for (const DistributedSampler& sampler : {second, third}) {
    for (std::size_t row : sampler.sample()) all.push_back(row);
  }
  std::sort(all.begin(), all.end());
  EXPECT_THAT(all, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8));
  DataLoader loader(TensorDataset(arange(9)), {.batch_size = 3, .sampler = first});
  auto rows = [&] {
    for (auto [x] : loader) return x.to_vector<std::int64_t>();
    return std::vector<std::int64_t>();
  };
  const std::vector<std::int64_t> at_first = rows();
  first.set_epoch(1);
  EXPECT_NE(rows(), at_first);
}

TEST(Datasets, ASubsetHasItsRowsInItsOrder) {
  Subset part(TensorDataset(arange(10)), {7, 1, 7});
  EXPECT_EQ(part.size(), 3u);
  EXPECT_THAT(part.get_batch({0, 1, 2})[0].to_vector(), ElementsAre(7, 1, 7));
}

}  // namespace
}  // namespace mica
