// The one door for parallel work: a pool of threads that spin briefly and then sleep, the caller helping.
#pragma once
#include <cstdint>
#include <functional>

namespace mica::rt {

// Threads used by parallel_for, the caller included. Default: the CPUs of the process's affinity mask, MICA_NUM_THREADS
// overrides.
int num_threads();
void set_num_threads(int threads);

// Calls body(begin, end) on disjoint pieces that cover [0, n), on this thread and the pool's, and returns when all are
// done. Pieces are at least `grain` long (grain <= 0: one piece). Nested calls run on the calling thread. Exceptions
// must not leave `body`.
using RangeFn = void (*)(void* state, std::int64_t begin, std::int64_t end);
void parallel_for(std::int64_t n, std::int64_t grain, RangeFn body, void* state);

template <class F>
void parallel_for(std::int64_t n, std::int64_t grain, F&& body) {
  parallel_for(
      n, grain,
      [](void* state, std::int64_t begin, std::int64_t end) {
        (*static_cast<std::remove_reference_t<F>*>(state))(begin, end);
      },
      &body);
}

}  // namespace mica::rt
