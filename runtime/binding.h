// Binding: a program with concrete dims. Sizes, the memory plan, the values that kernels receive, and the library's
// primitives.
#pragma once
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "runtime/library.h"
#include "runtime/program.h"
#include "runtime/tables.h"

namespace mica::rt {

struct Binding {
  std::vector<std::int64_t> symbols;    // the plain ones: what the binding is found by
  std::vector<std::int64_t> dims;       // of MicaProgram::dims
  std::vector<std::int64_t> step_dims;  // of MicaProgram::step_dims
  std::vector<std::int64_t> bytes;      // of buffers; of packed weights as the library wants them
  std::vector<std::int64_t> offsets;    // of buffers, in bytes: in the arena, and of views in what they view
  std::vector<std::int64_t> row_bytes;  // of MicaProgram::loop_slices
  std::vector<std::unique_ptr<LibraryStep>> library;  // by number of the step; null for other kinds
  std::int64_t arena_bytes = 0, scratch_bytes = 0;
  std::string init_layout;  // equal texts: the results of the init steps have the same layout
};

// Plans the run for dims that the operands have been checked against.
std::shared_ptr<const Binding> bind(const Tables& tables, std::vector<std::int64_t> symbols,
                                    std::vector<std::int64_t> dims);

// The bindings used last. May be called from many threads.
class BindingCache {
 public:
  std::shared_ptr<const Binding> find(std::span<const std::int64_t> symbols);
  // Keeps `binding`, or returns the equal one that another thread was faster to insert.
  std::shared_ptr<const Binding> insert(std::shared_ptr<const Binding> binding);
  int size() const;

 private:
  std::shared_ptr<const Binding> find_locked(std::span<const std::int64_t> symbols);
  mutable std::mutex mutex_;
  std::list<std::shared_ptr<const Binding>> bindings_;  // the last used first
};

}  // namespace mica::rt
