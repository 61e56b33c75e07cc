// Rows that are shuffled as they come.
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "tests/frontend/training/streams/stream_testing.h"

namespace mica {
namespace {

class RowBatchesTest : public StreamTest {
 protected:
  static constexpr int kRows = 1000;
  std::string counted() const {
    std::string text = "x\n";
    for (int i = 0; i < kRows; ++i) text += std::to_string(i) + "\n";
    return written("counted.csv", text);
  }
  static std::shared_ptr<BatchSource> shuffled(const std::string& file, std::int64_t buffer) {
    return csv_batches(file, {.batch_size = 64, .shuffle = true, .shuffle_buffer = buffer, .seed = 3});
  }
};

TEST_F(RowBatchesTest, EveryRowComesOnceInEveryPass) {
  for (std::int64_t buffer : {1, 50, kRows - 1, kRows, 5 * kRows}) {
    auto source = shuffled(counted(), buffer);
    std::vector<float> wanted(kRows), first = all_numbers(*source), second = all_numbers(*source);
    std::iota(wanted.begin(), wanted.end(), 0.0f);
    if (buffer == 1) {
      EXPECT_EQ(first, wanted);
      continue;
    }
    EXPECT_NE(first, second) << buffer;
    std::sort(first.begin(), first.end());
    std::sort(second.begin(), second.end());
    EXPECT_EQ(first, wanted) << buffer;
    EXPECT_EQ(second, wanted) << buffer;
  }
}

// A row cannot come out before it is in the buffer.
TEST_F(RowBatchesTest, RowsWaitInTheBuffer) {
  const std::vector<float> order = all_numbers(*shuffled(counted(), 50));
  for (int at = 0; at < kRows; ++at) EXPECT_LT(order[static_cast<std::size_t>(at)], at + 50);
}

TEST_F(RowBatchesTest, ASeedGivesTheSameOrders) {
  auto one = shuffled(counted(), 100), other = shuffled(counted(), 100);
  EXPECT_EQ(all_numbers(*one), all_numbers(*other));
  EXPECT_EQ(all_numbers(*one), all_numbers(*other));
}

}  // namespace
}  // namespace mica
