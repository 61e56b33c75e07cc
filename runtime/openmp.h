// What the process's OpenMP, of whatever vendor, does to threads that are not its own.
#pragma once
#include <sched.h>

namespace mica::rt {

// oneDNN asks OpenMP for its number of threads when a primitive is made and when it runs. Under this guard the answer
// is one, for the calling thread only: the work is spread over our own pool. The caller's value is restored.
class OneOpenMpThread {
 public:
  OneOpenMpThread();
  ~OneOpenMpThread();
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;

 private:
  int before_ = 1;
};

// The processors that this process may use. Under OMP_PROC_BIND an OpenMP binds the thread that loads it to one of
// them, and every thread that this one starts would be bound there, too.
cpu_set_t processors_of_process();

}  // namespace mica::rt
