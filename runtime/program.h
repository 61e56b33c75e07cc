// Program: a loaded MicaProgram, ready to run. Immutable; Contexts hold what a run needs.
//
// The first run with new concrete dims *binds*: sizes, arena offsets, extents and library primitives are computed once
// and kept in an LRU. The init steps (packing, folded weights) are run again when the version of a Variable they read
// has changed.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/abi.h"
#include "runtime/array.h"

namespace mica::rt {

// The value of a Variable as a run sees it. `version` grows with every assignment; equal (id, version) means equal
// contents.
struct VariableValue {
  Array array;
  std::uint64_t id = 0, version = 0;
};

struct RunResult {
  std::vector<Array> results;
  std::vector<Array> updates;  // new values, in the order of MicaProgram::updates
};

struct StepTime {
  std::string step, layer, kind;
  double microseconds = 0;
};

class Program;

// Arena, scratch and error word of one run at a time. A pool belongs to the Program: acquire() never blocks on a
// running one.
class Context;

class Program {
 public:
  // `keep_alive` owns the tables and the machine code.
  Program(const MicaProgram& program, std::shared_ptr<void> keep_alive);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Runs on the caller's thread and the pool. May be called from many threads at once. With `donate` a variable's array
  // that is its storage's sole owner may be overwritten and moves into the updates. Throws mica::Error for dims that
  // contradict each other and for the error word (naming the layer, position and value); no array has moved then.
  RunResult run(std::span<const Array> inputs, std::span<VariableValue> variables, bool donate = false) const;
  // The same into `result`, whose results are written again where they fit and nobody else holds them: the second run
  // with such dims, whose updates take their variables' storage, allocates nothing.
  void run(std::span<const Array> inputs, std::span<VariableValue> variables, RunResult& result,
           bool donate = false) const;
  // The same, timed step by step.
  RunResult profile(std::span<const Array> inputs, std::span<VariableValue> variables,
                    std::vector<StepTime>& times) const;

  const MicaProgram& abi() const;
  int num_steps() const;     // run steps
  int num_bindings() const;  // sets of concrete dims bound so far (not evicted ones)
  std::int64_t arena_bytes(std::span<const Array> inputs) const;
  // The text of an error word of this program, given by the assembler per (step, code): "dense: label out of range".
  using FailText = std::function<std::string(const MicaErrorWord&)>;
  void set_fail_text(FailText text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mica::rt
