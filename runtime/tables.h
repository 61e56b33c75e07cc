// Tables: a MicaProgram whose every index has been checked, and the facts that follow from it once and for all.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/abi.h"

namespace mica::rt {

// The steps of a program are numbered: run steps, then init steps, then steps of loop bodies.
struct StepRange {
  std::span<const MicaStep> steps;
  std::uint32_t first_number = 0;
};

struct LiveRange {
  std::uint32_t first = UINT32_MAX, last = 0;
  bool empty() const { return first > last; }
  void include(std::uint32_t step) {
    first = step < first ? step : first;
    last = step > last ? step : last;
  }
};

// What changes when a loop goes on to its next row: buffers in the order in which to compute them, and the argument
// slots that hold one.
struct LoopPatch {
  struct Slot {
    std::uint32_t slot, buffer;
  };
  std::vector<std::uint32_t> views;  // views of sliced and carried buffers; these themselves are in the loop's tables
  std::vector<Slot> slots;
};

class Tables {
 public:
  // Throws InternalError when an index or a role does not fit: programs come from our own assembler.
  explicit Tables(const MicaProgram& program);

  const MicaProgram& abi() const { return program_; }
  const MicaBuffer& buffer(std::uint32_t i) const { return program_.buffers[i]; }
  std::span<const MicaBuffer> buffers() const { return {program_.buffers, program_.num_buffers}; }
  std::span<const MicaBound> bounds() const { return {program_.bounds, program_.num_bounds}; }
  std::span<const std::uint32_t> inputs() const { return {program_.inputs, program_.num_inputs}; }
  std::span<const std::uint32_t> variables() const { return {program_.variables, program_.num_variables}; }
  std::span<const std::uint32_t> results() const { return {program_.results, program_.num_results}; }
  std::span<const std::uint32_t> updates() const { return {program_.updates, program_.num_updates}; }
  std::span<const std::uint32_t> args_of(const MicaStep& step) const {
    return {program_.args + step.first_arg, step.num_args};
  }

  StepRange run() const { return {{program_.run, program_.num_run}, 0}; }
  StepRange init() const { return {{program_.init, program_.num_init}, program_.num_run}; }
  StepRange loop_steps() const {
    return {{program_.loop_steps, program_.num_loop_steps}, program_.num_run + program_.num_init};
  }
  std::uint32_t num_steps() const { return program_.num_run + program_.num_init + program_.num_loop_steps; }
  const MicaStep& step(std::uint32_t number) const;

  // Views after what they view.
  const std::vector<std::uint32_t>& views() const { return views_; }
  // The buffer whose storage `i` lies in: itself unless it is a view.
  std::uint32_t base(std::uint32_t i) const { return base_[i]; }
  // Of arena buffers, in run steps: as declared, and widened to every use, through views and in loop bodies.
  const LiveRange& live(std::uint32_t i) const { return live_[i]; }
  // The position of a variable buffer in variables(), of an input in inputs().
  std::uint32_t position(std::uint32_t i) const { return position_[i]; }
  // Positions in variables() that the init steps read.
  const std::vector<std::uint32_t>& init_variables() const { return init_variables_; }
  const std::vector<std::uint32_t>& init_buffers() const { return init_buffers_; }
  const LoopPatch& loop_patch(std::uint32_t loop) const { return loop_patches_[loop]; }
  std::span<const MicaLoopSlice> slices_of(const MicaLoop& loop) const {
    return {program_.loop_slices + loop.first_slice, loop.num_slices};
  }
  std::span<const MicaLoopCarry> carries_of(const MicaLoop& loop) const {
    return {program_.loop_carries + loop.first_carry, loop.num_carries};
  }

 private:
  void check_dims() const;
  void check_buffers() const;
  void check_roles();
  void check_steps(StepRange range, const char* part) const;
  void check_loops() const;
  void check_carry(const MicaLoopCarry& carry) const;
  void order_views();
  void find_live_ranges();
  void include_uses(const MicaStep& step, std::uint32_t run_step, int depth);
  void find_init_reads();
  void find_loop_patches();
  void collect_slots(const MicaLoop& loop, const std::vector<bool>& moving, LoopPatch& patch, int depth) const;

  MicaProgram program_;
  std::vector<std::uint32_t> views_, base_, position_, init_variables_, init_buffers_;
  std::vector<LiveRange> live_;
  std::vector<LoopPatch> loop_patches_;
};

}  // namespace mica::rt
