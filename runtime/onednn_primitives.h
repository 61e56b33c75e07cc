// oneDNN primitives as a step of a program. The only file with the library's headers.
//
// A step is a list of phases (bring weights into the layout that the primitive wants, compute, sum, bring the result
// back); a phase is a set of tasks that may run at the same time, a task what one thread does in order.
#pragma once
#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "runtime/epilogue.h"
#include "runtime/library.h"
#include "runtime/library_plan.h"

namespace mica::rt::onednn {

namespace dn = dnnl;
using Desc = dn::memory::desc;
using Tag = dn::memory::format_tag;
using Type = dn::memory::data_type;

const dn::engine& engine();
Desc plain(const View& view);
Desc any(const View& view);
Desc flat(std::int64_t count);  // of float32
std::string text_of(const Desc& desc);

constexpr int kScratch = -1;
struct Argument {
  int id;
  Desc desc;
  int operand;  // of the call, or kScratch
  std::int64_t byte_offset;
};

// Own code on the first argument, with the second one as operand.
struct OwnCode {
  EpilogueFn function = nullptr;
  std::int64_t count = 0, operand_count = 0;
  float alpha = 0, beta = 0;
};

struct Execution {
  dn::primitive primitive;  // empty: own code
  std::vector<Argument> arguments;
  OwnCode own = {};
};
using Task = std::vector<Execution>;
using Phase = std::vector<Task>;

// A part of the weights that has a layout of its own.
struct WeightsTile {
  View view;
  Desc layout;
  std::int64_t byte_offset = 0;  // in the packed buffer
};

// Memory that each run begins by clearing.
struct Cleared {
  int operand = 0;  // of the call, or kScratch
  std::size_t bytes = 0;
};

class PrimitiveStep final : public LibraryStep {
 public:
  std::unique_ptr<State> make_state() const override;
  std::int64_t scratch_bytes() const override { return scratch; }
  std::string implementation() const override { return description; }
  PackedLayout packed_layout() const override;
  void run(State& state, void* const* args, void* scratch_memory) const override;

  std::vector<Phase> phases;
  std::vector<WeightsTile> packed_tiles;
  std::int64_t scratch = 0;
  Cleared cleared;
  std::string description;
};

}  // namespace mica::rt::onednn
