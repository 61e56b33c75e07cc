#include "runtime/parallel.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

#include "runtime/error.h"

namespace mica::rt {
namespace {

class Parallel : public testing::Test {
 protected:
  void SetUp() override { set_num_threads(4); }
  void TearDown() override { set_num_threads(1); }
};

TEST_F(Parallel, PiecesCoverTheRangeOnce) {
  for (const std::int64_t n : {1, 2, 3, 7, 16, 17, 1000}) {
    for (const std::int64_t grain : {0, 1, 2, 5, 400, 2000}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(n));
      std::atomic<std::int64_t> shortest{n};
      parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
        ASSERT_LT(begin, end);
        std::int64_t seen = shortest;
        while (end - begin < seen && !shortest.compare_exchange_weak(seen, end - begin)) {
        }
        for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (const auto& visit : visits) EXPECT_EQ(visit, 1) << n << " " << grain;
      EXPECT_GE(shortest, std::min(n, grain)) << n << " " << grain;
    }
  }
}

TEST_F(Parallel, AnEmptyRangeCallsNothing) {
  parallel_for(0, 1, [](std::int64_t, std::int64_t) { FAIL(); });
}

TEST_F(Parallel, OtherThreadsHelp) {
  // Each piece waits until two threads have arrived, so one thread alone would not finish before the limit.
  std::mutex mutex;
  std::set<std::thread::id> threads;
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  parallel_for(4, 1, [&](std::int64_t, std::int64_t) {
    for (;;) {
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
        if (threads.size() >= 2) return;
      }
      if (std::chrono::steady_clock::now() > limit) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_GE(threads.size(), 2u);
}

TEST_F(Parallel, NestedCallsStayOnTheirThread) {
  parallel_for(8, 1, [](std::int64_t, std::int64_t) {
    const std::thread::id outer = std::this_thread::get_id();
    int calls = 0;
    parallel_for(100, 1, [&](std::int64_t begin, std::int64_t end) {
      EXPECT_EQ(std::this_thread::get_id(), outer);
      EXPECT_EQ(begin, 0);
      EXPECT_EQ(end, 100);
      ++calls;
    });
    EXPECT_EQ(calls, 1);
  });
}

TEST_F(Parallel, ManyCallersAtOnce) {
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 3; ++t) {
    callers.emplace_back([&, t] {
      std::vector<int> values(64);
      for (int round = 0; round < 300; ++round) {
        parallel_for(64, 1, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i)
            values[static_cast<std::size_t>(i)] = static_cast<int>(i) + t + round;
        });
        for (int i = 0; i < 64; ++i) wrong += values[static_cast<std::size_t>(i)] != i + t + round;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Parallel, WorkersWakeAfterSleeping) {
  std::atomic<std::int64_t> sum{0};
  for (int round = 0; round < 5; ++round) {
    parallel_for(100, 1, [&](std::int64_t begin, std::int64_t end) { sum += end - begin; });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // longer than the spin
  }
  EXPECT_EQ(sum, 500);
}

TEST_F(Parallel, TheNumberOfThreadsMayChangeBetweenCallsAndDuringOthers) {
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) parallel_for(32, 1, [](std::int64_t, std::int64_t) {});
  });
  for (const int threads : {1, 3, 2, 4}) {
    set_num_threads(threads);
    EXPECT_EQ(num_threads(), threads);
    std::atomic<std::int64_t> sum{0};
    parallel_for(50, 1, [&](std::int64_t begin, std::int64_t end) { sum += end - begin; });
    EXPECT_EQ(sum, 50);
  }
  stop = true;
  other.join();
}

TEST_F(Parallel, RefusesSillyThreadCounts) {
  try {
    set_num_threads(0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "set_num_threads: expected a number from 1 to 256, received 0.");
  }
}

#if !defined(__SANITIZE_THREAD__)  // the thread sanitizer does not follow a fork of a threaded process
TEST_F(Parallel, WorksInAForkedChild) {
  parallel_for(8, 1, [](std::int64_t, std::int64_t) {});
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<std::int64_t> sum{0};
    parallel_for(100, 1, [&](std::int64_t begin, std::int64_t end) { sum += end - begin; });
    set_num_threads(2);
    _exit(sum == 100 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

}  // namespace
}  // namespace mica::rt
