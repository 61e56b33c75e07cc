#include "runtime/openmp.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mica::rt
