#include "runtime/openmp.h"

#include <dlfcn.h>

namespace mica::rt {
namespace {

struct Functions {
  int (*get_max_threads)() = nullptr;
  void (*set_num_threads)(int) = nullptr;
};

// Looked up in the OpenMP that the library brought along, of whatever vendor; without one there is nothing to set.
const Functions& functions() {
  static const Functions found = [] {
    const Functions f{reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads")),
                      reinterpret_cast<void (*)(int)>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"))};
    return f.get_max_threads == nullptr || f.set_num_threads == nullptr ? Functions{} : f;
  }();
  return found;
}

}  // namespace

OneOpenMpThread::OneOpenMpThread() {
  if (functions().set_num_threads == nullptr) return;
  before_ = functions().get_max_threads();
  if (before_ != 1) functions().set_num_threads(1);
}

OneOpenMpThread::~OneOpenMpThread() {
  if (before_ != 1) functions().set_num_threads(before_);
}

}  // namespace mica::rt
