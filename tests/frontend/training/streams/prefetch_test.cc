// prefetch: order, ends, errors, and sources that nobody reads to their end.
#include <gmock/gmock.h>

#include <atomic>

#include "tests/frontend/training/streams/stream_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;

// 0, 1, … up to an end or an Error.
class Counting : public BatchSource {
 public:
  explicit Counting(int end, int error_at = -1) : end_(end), error_at_(error_at) {}
  std::optional<Batch> next() override {
    if (given == error_at_) throw Error("no more");
    if (given == end_) return std::nullopt;
    return Batch{tensor({static_cast<double>(given++)}), {}, {}};
  }
  void restart() override { given = 0; }
  std::atomic<int> given = 0;

 private:
  int end_, error_at_;
};

class PrefetchTest : public StreamTest {};

TEST_F(PrefetchTest, BatchesComeInOrderInEveryPass) {
  auto source = prefetch(std::make_shared<Counting>(4), 2);
  for (int pass = 0; pass < 3; ++pass) EXPECT_THAT(all_numbers(*source), ElementsAre(0, 1, 2, 3));
  EXPECT_FALSE(source->next().has_value());
}

TEST_F(PrefetchTest, NoMoreIsReadThanAskedFor) {
  auto counting = std::make_shared<Counting>(1000);
  {
    auto source = prefetch(counting, 3);
    source->next();
  }
  EXPECT_LE(counting->given, 4);  // the one that was taken, and three behind it
  EXPECT_GE(counting->given, 1);
}

TEST_F(PrefetchTest, AnErrorComesOutWhereItHappened) {
  auto source = prefetch(std::make_shared<Counting>(9, 2), 5);
  EXPECT_TRUE(source->next().has_value());
  EXPECT_TRUE(source->next().has_value());
  EXPECT_EQ(error_of([&] { source->next(); }), "no more");
}

TEST_F(PrefetchTest, APassCanBeLeft) {
  auto source = prefetch(std::make_shared<Counting>(100), 2);
  source->next();
  source->restart();
  EXPECT_THAT(numbers(source->next()->x), ElementsAre(0));
}

}  // namespace
}  // namespace mica
