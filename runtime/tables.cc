#include "runtime/tables.h"

#include <algorithm>
#include <cstdint>

#include "runtime/dtype.h"
#include "runtime/error.h"

namespace mica::rt {
namespace {

constexpr int kMaxLoopDepth = 8;
constexpr std::uint32_t kMaxErrorStepArgs = 63;  // the executor copies the arguments of such a step for every piece

bool in_range(std::uint32_t first, std::uint32_t count, std::uint32_t size) {
  return count <= size && first <= size - count;
}

std::string label(const MicaStep& step) { return step.name == nullptr ? "step" : step.name; }

}  // namespace

Tables::Tables(const MicaProgram& program) : program_(program) {
  MICA_CHECK(program_.abi_version == MICA_ABI_VERSION) << "a program of ABI version " << program_.abi_version;
  if (program_.name == nullptr) program_.name = "program";
  check_dims();
  check_buffers();
  check_roles();
  check_loops();
  check_steps(run(), "run");
  check_steps(init(), "init");
  check_steps(loop_steps(), "loop");
  order_views();
  find_live_ranges();
  find_init_reads();
  find_loop_patches();
}

const MicaStep& Tables::step(std::uint32_t number) const {
  if (number < program_.num_run) return program_.run[number];
  number -= program_.num_run;
  return number < program_.num_init ? program_.init[number] : program_.loop_steps[number - program_.num_init];
}

void Tables::check_dims() const {
  const MicaProgram& p = program_;
  for (std::uint32_t i = 0; i < p.num_dims; ++i) {
    MICA_CHECK(in_range(p.dims[i].first_term, p.dims[i].num_terms, p.num_terms)) << "terms of dim " << i;
  }
  for (std::uint32_t i = 0; i < p.num_terms; ++i) {
    MICA_CHECK(in_range(p.terms[i].first_factor, p.terms[i].num_factors, p.num_factors)) << "factors of term " << i;
  }
  for (std::uint32_t i = 0; i < p.num_factors; ++i) MICA_CHECK(p.factors[i] < p.num_symbols) << "factor " << i;
  for (std::uint32_t i = 0; i < p.num_step_dims; ++i) MICA_CHECK(p.step_dims[i] < p.num_dims) << "step dim " << i;
  for (const MicaBound& bound : bounds()) {
    MICA_CHECK(bound.slack < p.num_dims && bound.received < p.num_dims) << "bound " << bound.expected;
  }
  for (std::uint32_t s = 0; s < p.num_symbols; ++s) {
    const MicaSymbol& symbol = p.symbols[s];
    MICA_CHECK(symbol.name != nullptr && symbol.divisor >= 0) << "symbol " << s;
    if (symbol.divisor == 0) {
      MICA_CHECK(symbol.buffer < p.num_buffers && p.buffers[symbol.buffer].space == MICA_INPUT) << symbol.name;
      MICA_CHECK(symbol.axis < p.buffers[symbol.buffer].rank) << symbol.name;
      continue;
    }
    MICA_CHECK(symbol.numerator < p.num_dims) << symbol.name;
    const MicaDim& numerator = p.dims[symbol.numerator];
    for (std::uint32_t t = 0; t < numerator.num_terms; ++t) {
      const MicaDimTerm& term = p.terms[numerator.first_term + t];
      for (std::uint32_t f = 0; f < term.num_factors; ++f) {
        MICA_CHECK(p.factors[term.first_factor + f] < s) << symbol.name << " is needed before it is known";
      }
    }
  }
}

void Tables::check_buffers() const {
  const MicaProgram& p = program_;
  for (std::uint32_t i = 0; i < p.num_buffers; ++i) {
    const MicaBuffer& buffer = p.buffers[i];
    MICA_CHECK(buffer.name != nullptr) << "buffer " << i;
    MICA_CHECK(buffer.space <= MICA_VIEW && buffer.dtype < DType::kCount) << buffer.name;
    MICA_CHECK(in_range(buffer.first_dim, buffer.rank, p.num_dims)) << buffer.name;
    MICA_CHECK(buffer.space != MICA_CONSTANT || buffer.data != nullptr) << buffer.name;
    if (buffer.space == MICA_UPDATE) {
      MICA_CHECK(buffer.link < p.num_buffers && p.buffers[buffer.link].space == MICA_VARIABLE) << buffer.name;
    }
    if (buffer.space == MICA_VIEW) {
      MICA_CHECK(buffer.link < p.num_buffers && buffer.offset < p.num_dims) << buffer.name;
      MICA_CHECK(p.buffers[buffer.link].dtype == buffer.dtype) << buffer.name << " views another type";
    }
  }
  for (std::uint32_t i = 0; i < p.num_args; ++i) MICA_CHECK(p.args[i] < p.num_buffers) << "argument " << i;
}

void Tables::check_roles() {
  const std::uint32_t count = program_.num_buffers;
  constexpr std::uint32_t kNowhere = UINT32_MAX;
  position_.assign(count, kNowhere);
  const auto place = [&](std::span<const std::uint32_t> list, std::uint8_t space, const char* role) {
    for (std::uint32_t i = 0; i < list.size(); ++i) {
      MICA_CHECK(list[i] < count && buffer(list[i]).space == space) << role << " " << i;
      MICA_CHECK(position_[list[i]] == kNowhere) << buffer(list[i]).name << " twice among the " << role << "s";
      position_[list[i]] = i;
    }
  };
  place(inputs(), MICA_INPUT, "input");
  place(variables(), MICA_VARIABLE, "variable");
  place(updates(), MICA_UPDATE, "update");
  for (std::uint32_t i = 0; i < results().size(); ++i) {
    const std::uint32_t result = results()[i];
    MICA_CHECK(result < count) << "result " << i;
    const std::uint8_t space = buffer(result).space;
    MICA_CHECK(space == MICA_RESULT || space == MICA_INPUT || space == MICA_VARIABLE || space == MICA_UPDATE)
        << buffer(result).name;
    if (space == MICA_RESULT && position_[result] == kNowhere) position_[result] = i;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const bool needs_place = buffer(i).space <= MICA_UPDATE;
    MICA_CHECK(!needs_place || position_[i] != kNowhere)
        << buffer(i).name << " is no operand and no result of the program";
    if (buffer(i).space == MICA_INIT) init_buffers_.push_back(i);
  }
}

void Tables::check_steps(StepRange range, const char* part) const {
  const MicaProgram& p = program_;
  for (const MicaStep& step : range.steps) {
    MICA_CHECK(step.kind <= MICA_LOOP && step.grain >= 0) << part << " step " << label(step);
    MICA_CHECK(in_range(step.first_arg, step.num_args, p.num_args)) << label(step);
    MICA_CHECK(in_range(step.first_dim, step.num_dims, p.num_step_dims)) << label(step);
    MICA_CHECK(!step.has_error_word || step.num_args <= kMaxErrorStepArgs) << label(step) << " has too many arguments";
    switch (step.kind) {
      case MICA_KERNEL:
        MICA_CHECK(step.callee < p.num_kernels && p.kernels[step.callee] != nullptr) << label(step);
        MICA_CHECK(step.extent < p.num_dims) << label(step);
        break;
      case MICA_LIBRARY:
        MICA_CHECK(step.callee < p.num_library) << label(step);
        MICA_CHECK(
            in_range(p.library[step.callee].first_epilogue, p.library[step.callee].num_epilogues, p.num_epilogues))
            << label(step);
        MICA_CHECK(p.library[step.callee].kind <= MICA_PACK_CONV) << label(step);
        MICA_CHECK(step.num_args >= 2) << label(step);
        break;
      case MICA_COPY:
        MICA_CHECK(step.num_args == 2) << label(step);
        break;
      default:
        MICA_CHECK(step.callee < p.num_loops) << label(step);
    }
  }
}

void Tables::check_loops() const {
  const MicaProgram& p = program_;
  for (std::uint32_t i = 0; i < p.num_loops; ++i) {
    const MicaLoop& loop = p.loops[i];
    MICA_CHECK(loop.trip_count < p.num_dims) << "loop " << i;
    MICA_CHECK(in_range(loop.first_step, loop.num_steps, p.num_loop_steps)) << "loop " << i;
    MICA_CHECK(in_range(loop.first_slice, loop.num_slices, p.num_loop_slices)) << "loop " << i;
    MICA_CHECK(in_range(loop.first_carry, loop.num_carries, p.num_loop_carries)) << "loop " << i;
    for (const MicaLoopCarry& carry : carries_of(loop)) check_carry(carry);
    for (const MicaLoopSlice& slice : slices_of(loop)) {
      MICA_CHECK(slice.buffer < p.num_buffers && slice.whole < p.num_buffers) << "loop " << i;
      const MicaBuffer& view = buffer(slice.buffer);
      MICA_CHECK(view.space == MICA_VIEW && view.link == slice.whole && buffer(slice.whole).rank > 0) << view.name;
    }
  }
}

void Tables::check_carry(const MicaLoopCarry& carry) const {
  for (const std::uint32_t i : {carry.state, carry.next, carry.initial, carry.last, carry.spare}) {
    MICA_CHECK(i < program_.num_buffers) << "a state of a loop";
  }
  for (const std::uint32_t i : {carry.state, carry.next}) {
    MICA_CHECK(buffer(i).space == MICA_VIEW) << buffer(i).name << " cannot move";
  }
  MICA_CHECK(carry.last != carry.spare && carry.last != carry.initial) << buffer(carry.last).name;
}

void Tables::order_views() {
  const std::uint32_t count = program_.num_buffers;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> by_depth;
  base_.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t depth = 0;
    base_[i] = i;
    while (buffer(base_[i]).space == MICA_VIEW) {
      base_[i] = buffer(base_[i]).link;
      MICA_CHECK(++depth <= count) << buffer(i).name << " is a view of itself";
    }
    if (depth > 0) by_depth.emplace_back(depth, i);
  }
  std::sort(by_depth.begin(), by_depth.end());
  for (const auto& [depth, view] : by_depth) views_.push_back(view);
}

void Tables::find_live_ranges() {
  live_.resize(program_.num_buffers);
  for (std::uint32_t i = 0; i < program_.num_buffers; ++i) {
    if (buffer(i).space != MICA_ARENA) continue;
    MICA_CHECK(buffer(i).first_step <= buffer(i).last_step) << buffer(i).name;
    live_[i].include(buffer(i).first_step);
    live_[i].include(buffer(i).last_step);
  }
  for (std::uint32_t s = 0; s < program_.num_run; ++s) include_uses(program_.run[s], s, 0);
}

void Tables::include_uses(const MicaStep& step, std::uint32_t run_step, int depth) {
  MICA_CHECK(depth <= kMaxLoopDepth) << label(step) << " is a loop in itself or in too many others";
  for (const std::uint32_t arg : args_of(step)) live_[base_[arg]].include(run_step);
  if (step.kind != MICA_LOOP) return;
  const MicaLoop& loop = program_.loops[step.callee];
  for (const MicaLoopSlice& slice : slices_of(loop)) live_[base_[slice.whole]].include(run_step);
  for (const MicaLoopCarry& carry : carries_of(loop)) {
    for (const std::uint32_t i : {carry.initial, carry.last, carry.spare}) live_[base_[i]].include(run_step);
  }
  for (std::uint32_t s = 0; s < loop.num_steps; ++s) {
    include_uses(program_.loop_steps[loop.first_step + s], run_step, depth + 1);
  }
}

void Tables::find_init_reads() {
  std::vector<bool> read(program_.num_variables);
  for (const MicaStep& step : init().steps) {
    MICA_CHECK(step.kind != MICA_LOOP) << label(step) << ": loops belong to the run";
    for (const std::uint32_t arg : args_of(step)) {
      const std::uint8_t space = buffer(base_[arg]).space;
      MICA_CHECK(space == MICA_VARIABLE || space == MICA_INIT || space == MICA_CONSTANT)
          << "init step " << label(step) << " uses " << buffer(arg).name;
      if (space == MICA_VARIABLE) read[position_[base_[arg]]] = true;
    }
  }
  for (std::uint32_t i = 0; i < read.size(); ++i) {
    if (read[i]) init_variables_.push_back(i);
  }
}

void Tables::find_loop_patches() {
  for (std::uint32_t i = 0; i < program_.num_loops; ++i) {
    const MicaLoop& loop = program_.loops[i];
    std::vector<bool> moving(program_.num_buffers);
    for (const MicaLoopSlice& slice : slices_of(loop)) moving[slice.buffer] = true;
    for (const MicaLoopCarry& carry : carries_of(loop)) moving[carry.state] = moving[carry.next] = true;
    LoopPatch patch;
    for (const std::uint32_t view : views_) {
      if (moving[view] || !moving[buffer(view).link]) continue;
      moving[view] = true;
      patch.views.push_back(view);
    }
    collect_slots(loop, moving, patch, 0);
    loop_patches_.push_back(std::move(patch));
  }
}

void Tables::collect_slots(const MicaLoop& loop, const std::vector<bool>& moving, LoopPatch& patch, int depth) const {
  MICA_CHECK(depth <= kMaxLoopDepth) << "a loop in itself or in too many others";
  for (std::uint32_t s = 0; s < loop.num_steps; ++s) {
    const MicaStep& step = program_.loop_steps[loop.first_step + s];
    for (std::uint32_t slot = step.first_arg; slot < step.first_arg + step.num_args; ++slot) {
      if (moving[program_.args[slot]]) patch.slots.push_back({slot, program_.args[slot]});
    }
    if (step.kind == MICA_LOOP) collect_slots(program_.loops[step.callee], moving, patch, depth + 1);
  }
}

}  // namespace mica::rt
