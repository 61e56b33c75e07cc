#include "runtime/openmp.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "runtime/parallel.h"
#include "tests/support/process.h"

namespace mica::rt {
namespace {

TEST(OpenMp, TheCallersNumberOfThreadsComesBack) {
  const auto get = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
  const auto set = reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"));
  if (get == nullptr) GTEST_SKIP() << "NOT TESTED: no OpenMP in this process";
  set(3);
  {
    const OneOpenMpThread outer;
    EXPECT_EQ(get(), 1);
    {
      const OneOpenMpThread inner;
      EXPECT_EQ(get(), 1);
    }
    EXPECT_EQ(get(), 1);
  }
  EXPECT_EQ(get(), 3);
}

int num_processors() {
  const cpu_set_t processors = processors_of_process();
  return CPU_COUNT(&processors);
}

// Here, and for the test below in a process whose OpenMP binds its threads.
TEST(OpenMp, WorkersRunOnEveryProcessor) {
  const char* expected = std::getenv("EXPECTED_PROCESSORS");
  if (expected != nullptr) {
    ASSERT_EQ(num_processors(), std::atoi(expected));
  }
  set_num_threads(2);
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> workers{0}, bound{0};
  while (workers == 0) {
    parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
      if (std::this_thread::get_id() == caller) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return;
      }
      cpu_set_t own;
      CPU_ZERO(&own);
      sched_getaffinity(0, sizeof own, &own);
      ++workers;
      bound += CPU_COUNT(&own) < num_processors();
    });
  }
  EXPECT_EQ(bound, 0);
  set_num_threads(1);
}

TEST(OpenMp, BoundThreadsOfItLeaveThePoolItsProcessors) {
  if (num_processors() < 2) GTEST_SKIP() << "NOT TESTED: one processor";
  const auto result =
      test_support::run_process({"/proc/self/exe", "--gtest_filter=OpenMp.WorkersRunOnEveryProcessor"},
                                {"OMP_PROC_BIND=true", "EXPECTED_PROCESSORS=" + std::to_string(num_processors())});
  EXPECT_EQ(result.status, 0) << result.out << result.error;
}

}  // namespace
}  // namespace mica::rt
