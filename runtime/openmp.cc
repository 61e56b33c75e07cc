#include "runtime/openmp.h"

#include <dlfcn.h>

#include <vector>

namespace mica::rt {
namespace {

template <class Function>
Function* found(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

struct Functions {
  int (*get_max_threads)() = nullptr;
  void (*set_num_threads)(int) = nullptr;
};

// Looked up in the OpenMP that the library brought along, of whatever vendor; without one there is nothing to set.
const Functions& functions() {
  static const Functions known = [] {
    const Functions f{found<int()>("omp_get_max_threads"), found<void(int)>("omp_set_num_threads")};
    return f.get_max_threads == nullptr || f.set_num_threads == nullptr ? Functions{} : f;
  }();
  return known;
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

cpu_set_t processors_of_process() {
  cpu_set_t all;
  CPU_ZERO(&all);
  if (sched_getaffinity(0, sizeof all, &all) != 0) CPU_ZERO(&all);
  auto* num_places = found<int()>("omp_get_num_places");
  auto* num_processors = found<int(int)>("omp_get_place_num_procs");
  auto* get_processors = found<void(int, int*)>("omp_get_place_proc_ids");
  if (num_places == nullptr || num_processors == nullptr || get_processors == nullptr) return all;
  for (int place = 0; place < num_places(); ++place) {
    std::vector<int> processors(static_cast<std::size_t>(num_processors(place)));
    get_processors(place, processors.data());
    for (int processor : processors) CPU_SET(static_cast<std::size_t>(processor), &all);
  }
  return all;
}

}  // namespace mica::rt
