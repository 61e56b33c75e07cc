#include "runtime/arena.h"

#include <gtest/gtest.h>

#include <random>

#include "runtime/memory.h"

namespace mica::rt {
namespace {

ArenaItem item(std::int64_t bytes, std::uint32_t first, std::uint32_t last) { return {bytes, {first, last}}; }

TEST(Arena, ChainsShareTwoSlots) {
  const ArenaPlan plan = plan_arena(std::vector{item(128, 0, 1), item(128, 1, 2), item(128, 2, 3), item(128, 3, 4)});
  EXPECT_EQ(plan.bytes, 256);
  EXPECT_EQ(plan.offsets[0], plan.offsets[2]);
  EXPECT_EQ(plan.offsets[1], plan.offsets[3]);
}

TEST(Arena, TakesTheSmallestGapThatFits) {
  // By size: 640 at 0, 512 at 640, 256 at 1152, 192 at 1408. After their ends, a gap of 640 and one of 256 are free at
  // step 2.
  const ArenaPlan plan =
      plan_arena(std::vector{item(640, 0, 1), item(512, 0, 3), item(256, 0, 1), item(192, 0, 3), item(128, 2, 3)});
  EXPECT_EQ(plan.offsets[4], 1152);
  EXPECT_EQ(plan.bytes, 1600);
}

TEST(Arena, EmptyBuffersTakeNoSpace) {
  EXPECT_EQ(plan_arena(std::vector{item(0, 0, 5), item(1, 0, 5)}).bytes, 64);
  EXPECT_EQ(plan_arena({}).bytes, 0);
}

TEST(Arena, NothingThatLivesTogetherOverlaps) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<ArenaItem> items;
    for (int i = 0; i < 60; ++i) {
      const std::uint32_t first = random() % 40;
      items.push_back(item(random() % 5000, first, first + random() % 10));
    }
    const ArenaPlan plan = plan_arena(items);
    for (std::size_t a = 0; a < items.size(); ++a) {
      EXPECT_EQ(plan.offsets[a] % kAlignment, 0);
      EXPECT_LE(plan.offsets[a] + items[a].bytes, plan.bytes);
      for (std::size_t b = 0; b < a; ++b) {
        const bool together = items[a].live.first <= items[b].live.last && items[b].live.first <= items[a].live.last;
        const bool apart =
            plan.offsets[a] + items[a].bytes <= plan.offsets[b] || plan.offsets[b] + items[b].bytes <= plan.offsets[a];
        EXPECT_TRUE(!together || apart) << a << " and " << b;
      }
    }
  }
}

}  // namespace
}  // namespace mica::rt
