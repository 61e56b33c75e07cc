// One OpenMP thread in a scope, whichever OpenMP the process has.
#pragma once

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

}  // namespace mica::rt
