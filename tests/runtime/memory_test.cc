#include "runtime/memory.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/error.h"

namespace mica::rt {
namespace {

TEST(Memory, IsAlignedAndNeverNull) {
  for (const std::int64_t bytes : {0, 1, 64, 100}) {
    void* const data = allocate_aligned(bytes, "test");
    ASSERT_NE(data, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % kAlignment, 0u);
    std::free(data);
  }
}

TEST(Memory, LargeOnesBeginAtAHugePage) {
  constexpr std::int64_t kHugePage = 2 << 20;
  for (const std::int64_t bytes : {kHugePage, kHugePage + 1, 3 * kHugePage - 1}) {
    auto* const data = static_cast<char*>(allocate_aligned(bytes, "test"));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % kHugePage, 0u);
    data[0] = data[bytes - 1] = 1;
    std::free(data);
  }
}

TEST(Memory, RoundsUpToWholeLines) {
  EXPECT_EQ(round_up(0), 0);
  EXPECT_EQ(round_up(1), 64);
  EXPECT_EQ(round_up(64), 64);
  EXPECT_EQ(round_up(65), 128);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // the sanitizers end the process instead
TEST(Memory, MoreThanThereIsIsAnError) {
  try {
    allocate_aligned(std::int64_t{1} << 60, "arena of digits");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "arena of digits: expected a size that fits in memory, received 1152921504606846976 bytes.");
  }
}
#endif

}  // namespace
}  // namespace mica::rt
