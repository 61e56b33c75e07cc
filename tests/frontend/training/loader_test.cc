// Data sets and loaders: rows, order, threads, errors.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>

#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Tensor numbers(std::int64_t count) { return arange(0, static_cast<double>(count)); }

template <class Loader>
std::vector<float> all_of(const Loader& loader) {
  std::vector<float> values;
  for (auto [x, y] : loader) {
    const std::vector<float> batch = x.to_vector();
    values.insert(values.end(), batch.begin(), batch.end());
  }
  return values;
}

TEST(DataLoaderTest, BatchesInOrder) {
  TensorDataset dataset(numbers(10).reshape({5, 2}), numbers(5));
  EXPECT_EQ(dataset.size(), 5u);
  EXPECT_EQ(dataset.get(3)[0].to_vector(), (std::vector<float>{6, 7}));
  EXPECT_EQ(dataset.get(3)[1].shape(), Shape{});
  DataLoader loader(dataset, {.batch_size = 2});
  EXPECT_EQ(loader.size(), 3u);
  std::vector<Shape> shapes;
  for (auto [x, y] : loader) shapes.push_back(x.shape());
  EXPECT_THAT(shapes, ElementsAre(Shape{2, 2}, Shape{2, 2}, Shape{1, 2}));
  EXPECT_EQ(DataLoader(dataset, {.batch_size = 2, .drop_last = true}).size(), 2u);
}

TEST(DataLoaderTest, ASeedShufflesEveryPassAnew) {
  TensorDataset dataset(numbers(20), numbers(20));
  auto loader = [&] { return DataLoader(dataset, {.batch_size = 3, .shuffle = true, .seed = 5}); };
  auto one = loader(), two = loader();
  const std::vector<float> first = all_of(one), second = all_of(one);
  EXPECT_NE(first, second);
  EXPECT_EQ(all_of(two), first);
  EXPECT_EQ(all_of(two), second);
  std::vector<float> sorted = first;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, numbers(20).to_vector());
}

TEST(DataLoaderTest, WorkersKeepTheOrder) {
  TensorDataset dataset(numbers(50), numbers(50));
  TransformedDataset doubled(
      dataset, [](const std::array<Tensor, 2>& row) { return std::array<Tensor, 2>{row[0] * 2.0, row[1]}; });
  const std::vector<float> expected = (numbers(50) * 2.0).to_vector();
  for (int workers : {0, 1, 3}) {
    EXPECT_EQ(all_of(DataLoader(doubled, {.batch_size = 4, .num_workers = workers})), expected) << workers;
  }
}

class Failing : public Dataset<2> {
 public:
  std::size_t size() const override { return 6; }
  std::array<Tensor, 2> get(std::size_t index) const override {
    if (index == 4) throw Error("row 4 is broken");
    return {numbers(2), numbers(1)};
  }
};

TEST(DataLoaderTest, AnErrorOfAWorkerArrivesAtItsBatch) {
  for (int workers : {0, 2}) {
    int batches = 0;
    EXPECT_THAT(error_of([&] {
                  for (auto [x, y] : DataLoader(Failing(), {.batch_size = 2, .num_workers = workers})) ++batches;
                }),
                HasSubstr("row 4 is broken"));
    EXPECT_EQ(batches, 2);
  }
}

TEST(DataLoaderTest, ALoaderThatIsLeftEarlyEnds) {
  TensorDataset dataset(numbers(100), numbers(100));
  for (auto [x, y] : DataLoader(dataset, {.batch_size = 1, .num_workers = 2})) break;
}

TEST(DataLoaderTest, RandomSplit) {
  TensorDataset dataset(numbers(10), numbers(10));
  auto parts = random_split(dataset, {0.75, 0.25}, 3);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].size(), 8u);  // what the fractions leave goes to the first ones
  EXPECT_EQ(parts[1].size(), 2u);
  std::vector<std::size_t> all = parts[0].indices();
  all.insert(all.end(), parts[1].indices().begin(), parts[1].indices().end());
  std::sort(all.begin(), all.end());
  EXPECT_THAT(all, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(random_split(dataset, {7, 3})[1].size(), 3u);
  EXPECT_THAT(error_of([&] { random_split(dataset, {7, 4}); }), HasSubstr("lengths whose sum is 10"));
}

TEST(DataLoaderTest, Mistakes) {
  EXPECT_THAT(error_of([] { TensorDataset(numbers(3), numbers(4)); }), HasSubstr("tensors of one length"));
  TensorDataset dataset(numbers(3), numbers(3));
  EXPECT_THAT(error_of([&] { DataLoader(dataset, {.batch_size = 0}); }), HasSubstr("batch_size"));
  EXPECT_THAT(error_of([&] { dataset.get(3); }), HasSubstr("a row from 0 to 2"));
}

}  // namespace
}  // namespace mica
