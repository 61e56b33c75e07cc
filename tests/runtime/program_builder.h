// Builds the tables of a MicaProgram by hand, for tests of the runtime without a compiler.
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "runtime/program.h"

namespace mica::rt {

class ProgramBuilder {
 public:
  using Index = std::uint32_t;

  struct Dim {  // coefficient * symbol + constant; symbol < 0: the constant alone
    std::int64_t constant = 0;
    int symbol = -1;
    std::int64_t coefficient = 1;
    Dim(std::int64_t value) : constant(value) {}
    Dim(int symbol_index, std::int64_t factor, std::int64_t add)
        : constant(add), symbol(symbol_index), coefficient(factor) {}
  };
  static Dim symbol(Index index, std::int64_t factor = 1, std::int64_t add = 0) {
    return {static_cast<int>(index), factor, add};
  }

  explicit ProgramBuilder(std::string name = "test") : name_(std::move(name)) {}

  Index plain_symbol(const char* name, Index buffer, Index axis) {
    symbols_.push_back({.name = name, .divisor = 0, .numerator = 0, .buffer = buffer, .axis = axis});
    return static_cast<Index>(symbols_.size()) - 1;
  }
  Index quotient(const char* name, Dim numerator, std::int64_t divisor) {
    symbols_.push_back({.name = name, .divisor = divisor, .numerator = dim(numerator), .buffer = 0, .axis = 0});
    return static_cast<Index>(symbols_.size()) - 1;
  }
  Index dim(Dim d) {
    const auto first = static_cast<Index>(terms_.size());
    if (d.symbol >= 0) {
      terms_.push_back(
          {.coefficient = d.coefficient, .first_factor = static_cast<Index>(factors_.size()), .num_factors = 1});
      factors_.push_back(static_cast<Index>(d.symbol));
    }
    if (d.constant != 0) terms_.push_back({.coefficient = d.constant, .first_factor = 0, .num_factors = 0});
    dims_.push_back({.first_term = first, .num_terms = static_cast<Index>(terms_.size()) - first});
    return static_cast<Index>(dims_.size()) - 1;
  }

  Index buffer(MicaSpace space, const char* name, DType dtype, std::initializer_list<Dim> shape) {
    std::vector<Index> indices;
    for (const Dim& d : shape) indices.push_back(dim(d));
    const auto index = static_cast<Index>(buffers_.size());
    buffers_.push_back({.name = name,
                        .space = static_cast<std::uint8_t>(space),
                        .dtype = dtype.kind(),
                        .in_place = 0,
                        .rank = static_cast<std::uint8_t>(shape.size()),
                        .first_dim = indices.empty() ? 0 : indices.front(),
                        .link = 0,
                        .offset = 0,
                        .data = nullptr,
                        .first_step = 0,
                        .last_step = 0});
    if (space == MICA_INPUT) inputs_.push_back(index);
    if (space == MICA_VARIABLE) variables_.push_back(index);
    if (space == MICA_RESULT) results_.push_back(index);
    if (space == MICA_UPDATE) updates_.push_back(index);
    return index;
  }
  // An input whose dims name a symbol of its own axis need the symbol first: declare the buffer, then the symbol, then
  // the dims.
  void set_dims(Index index, std::initializer_list<Dim> shape) {
    bool first = true;
    for (const Dim& d : shape) {
      const Index at = dim(d);
      if (first) buffers_[index].first_dim = at;
      first = false;
    }
  }
  Index view(const char* name, DType dtype, Index of, Dim offset, std::initializer_list<Dim> shape) {
    const Index offset_dim = dim(offset);
    const Index index = buffer(MICA_VIEW, name, dtype, shape);
    buffers_[index].link = of;
    buffers_[index].offset = offset_dim;
    return index;
  }
  Index update(const char* name, Index variable, bool in_place, DType dtype, std::initializer_list<Dim> shape) {
    const Index index = buffer(MICA_UPDATE, name, dtype, shape);
    buffers_[index].link = variable;
    buffers_[index].in_place = in_place;
    return index;
  }
  Index constant(const char* name, DType dtype, const void* data, std::initializer_list<Dim> shape) {
    const Index index = buffer(MICA_CONSTANT, name, dtype, shape);
    buffers_[index].data = data;
    return index;
  }
  MicaBuffer& at(Index buffer) { return buffers_[buffer]; }
  void pass_through(Index buffer) { results_.push_back(buffer); }

  MicaStep kernel(MicaKernelFn function, std::initializer_list<Index> args, Dim extent, const char* name = "kernel",
                  std::initializer_list<Dim> symbols = {}) {
    kernels_.push_back(function);
    MicaStep step = make_step(MICA_KERNEL, args, name);
    step.callee = static_cast<Index>(kernels_.size()) - 1;
    step.extent = dim(extent);
    step.first_dim = static_cast<Index>(step_dims_.size());
    step.num_dims = static_cast<Index>(symbols.size());
    for (const Dim& d : symbols) step_dims_.push_back(dim(d));
    step.grain = 1;
    return step;
  }
  MicaStep copy(Index from, Index to) { return make_step(MICA_COPY, {from, to}, "copy"); }
  MicaStep library(const MicaLibraryCall& call, std::initializer_list<Index> args,
                   std::vector<MicaEpilogue> epilogues = {}, const char* name = "library") {
    library_.push_back(call);
    library_.back().first_epilogue = static_cast<Index>(epilogues_.size());
    library_.back().num_epilogues = static_cast<Index>(epilogues.size());
    epilogues_.insert(epilogues_.end(), epilogues.begin(), epilogues.end());
    MicaStep step = make_step(MICA_LIBRARY, args, name);
    step.callee = static_cast<Index>(library_.size()) - 1;
    return step;
  }
  struct Slice {
    Index buffer, whole;
  };
  MicaStep loop(Dim trips, bool reverse, std::initializer_list<Slice> slices, const std::vector<MicaStep>& body,
                std::initializer_list<MicaLoopCarry> carries = {}) {
    MicaLoop loop = {};
    loop.trip_count = dim(trips);
    loop.first_step = static_cast<Index>(loop_steps_.size());
    loop.num_steps = static_cast<Index>(body.size());
    loop.reverse = reverse;
    loop.first_slice = static_cast<Index>(slices_.size());
    loop.num_slices = static_cast<Index>(slices.size());
    loop.first_carry = static_cast<Index>(carries_.size());
    loop.num_carries = static_cast<Index>(carries.size());
    carries_.insert(carries_.end(), carries);
    for (const Slice& slice : slices) slices_.push_back({slice.buffer, slice.whole});
    loop_steps_.insert(loop_steps_.end(), body.begin(), body.end());
    loops_.push_back(loop);
    MicaStep step = make_step(MICA_LOOP, {}, "loop");
    step.callee = static_cast<Index>(loops_.size()) - 1;
    return step;
  }
  void run(const MicaStep& step) { run_.push_back(step); }
  void init(const MicaStep& step) { init_.push_back(step); }

  // The builder must outlive the program.
  MicaProgram tables() const {
    MicaProgram p = {};
    p.abi_version = MICA_ABI_VERSION;
    p.name = name_.c_str();
    const auto set = [](const auto& list, auto& pointer, Index& count) {
      pointer = list.data();
      count = static_cast<Index>(list.size());
    };
    set(buffers_, p.buffers, p.num_buffers);
    set(symbols_, p.symbols, p.num_symbols);
    set(dims_, p.dims, p.num_dims);
    set(terms_, p.terms, p.num_terms);
    set(factors_, p.factors, p.num_factors);
    set(step_dims_, p.step_dims, p.num_step_dims);
    set(args_, p.args, p.num_args);
    set(init_, p.init, p.num_init);
    set(run_, p.run, p.num_run);
    set(loop_steps_, p.loop_steps, p.num_loop_steps);
    set(kernels_, p.kernels, p.num_kernels);
    set(library_, p.library, p.num_library);
    set(epilogues_, p.epilogues, p.num_epilogues);
    set(loops_, p.loops, p.num_loops);
    set(slices_, p.loop_slices, p.num_loop_slices);
    set(carries_, p.loop_carries, p.num_loop_carries);
    set(inputs_, p.inputs, p.num_inputs);
    set(variables_, p.variables, p.num_variables);
    set(results_, p.results, p.num_results);
    set(updates_, p.updates, p.num_updates);
    return p;
  }
  std::unique_ptr<Program> build() const { return std::make_unique<Program>(tables(), nullptr); }

 private:
  MicaStep make_step(MicaStepKind kind, std::initializer_list<Index> args, const char* name) {
    MicaStep step = {};
    step.kind = static_cast<std::uint8_t>(kind);
    step.first_arg = static_cast<Index>(args_.size());
    step.num_args = static_cast<Index>(args.size());
    args_.insert(args_.end(), args.begin(), args.end());
    step.name = name;
    step.layer = name;
    return step;
  }

  std::string name_;
  std::vector<MicaBuffer> buffers_;
  std::vector<MicaSymbol> symbols_;
  std::vector<MicaDim> dims_;
  std::vector<MicaDimTerm> terms_;
  std::vector<Index> factors_, step_dims_, args_, inputs_, variables_, results_, updates_;
  std::vector<MicaStep> init_, run_, loop_steps_;
  std::vector<MicaKernelFn> kernels_;
  std::vector<MicaLibraryCall> library_;
  std::vector<MicaEpilogue> epilogues_;
  std::vector<MicaLoop> loops_;
  std::vector<MicaLoopSlice> slices_;
  std::vector<MicaLoopCarry> carries_;
};

}  // namespace mica::rt
