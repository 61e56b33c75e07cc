#include "compiler/program/assemble.h"

#include <deque>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "runtime/error.h"

namespace mica::program {
namespace {

std::uint32_t index(std::size_t i) { return static_cast<std::uint32_t>(i); }

bool can_fail(const loop::StmtRef& statement) {
  if (!statement) return false;
  if (statement->kind == loop::StmtKind::kFail) return true;
  for (const loop::StmtRef& child : statement->children) {
    if (can_fail(child)) return true;
  }
  return false;
}

class Tables : public ProgramTables {
 public:
  absl::Status build(const Plan& plan, std::span<const MicaKernelFn> functions) {
    find_symbol_axes(plan);
    name_ = plan.name;
    kernels_.assign(functions.begin(), functions.end());
    for (const PlanBuffer& buffer : plan.buffers) add_buffer(buffer);
    for (const PlanBound& bound : plan.bounds) {
      bounds_.push_back({dim(bound.slack), dim(bound.received), keep(bound.expected), keep(bound.layer)});
    }
    for (const PlanCall& call : plan.calls) add_call(call);
    for (const PlanStep& step : plan.init) init_.push_back(make_step(step, plan));
    for (const PlanStep& step : plan.run) run_.push_back(make_step(step, plan));
    for (const PlanLoop& loop : plan.loops) add_loop(loop, plan);
    for (auto [from, to] : {std::pair(&plan.inputs, &inputs_), std::pair(&plan.variables, &variables_),
                            std::pair(&plan.results, &results_), std::pair(&plan.updates, &updates_)}) {
      to->assign(from->begin(), from->end());
    }
    if (!missing_.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the size ", missing_, " cannot be read from the shape of an input: it stands alone in no axis"));
    }
    fill();
    return absl::OkStatus();
  }

  const MicaProgram& abi() const override { return program_; }
  const std::string& expected(std::uint32_t number) const override { return expected_.at(step(number).name); }

 private:
  void find_symbol_axes(const Plan& plan) {
    for (int input : plan.inputs) {
      const ir::Dims& dims = plan.buffers[static_cast<std::size_t>(input)].type.dims;
      for (std::size_t axis = 0; axis < dims.size(); ++axis) {
        std::vector<ir::Dim::Term> terms = dims[axis].terms();
        if (terms.size() != 1 || terms[0].coefficient != 1 || terms[0].factors.size() != 1) continue;
        if (!terms[0].factors[0]->numerator)
          axes_.emplace(terms[0].factors[0], std::pair(index(static_cast<std::size_t>(input)), index(axis)));
      }
    }
  }

  const char* keep(std::string text) { return names_.emplace_back(std::move(text)).c_str(); }

  std::uint32_t symbol(const ir::Symbol* wanted) {
    if (auto it = symbol_numbers_.find(wanted); it != symbol_numbers_.end()) return it->second;
    MicaSymbol entry = {.name = keep(wanted->name), .divisor = 0, .numerator = 0, .buffer = 0, .axis = 0};
    if (wanted->numerator) {
      entry.divisor = wanted->divisor;
      entry.numerator = dim(*wanted->numerator);  // its symbols come before this one
    } else if (auto it = axes_.find(wanted); it != axes_.end()) {
      std::tie(entry.buffer, entry.axis) = it->second;
    } else {
      missing_ = wanted->name;
    }
    symbols_.push_back(entry);
    return symbol_numbers_[wanted] = index(symbols_.size() - 1);
  }

  std::uint32_t dim(const ir::Dim& wanted) {
    std::string key = wanted.to_string();
    if (auto it = dim_numbers_.find(key); it != dim_numbers_.end()) return it->second;
    std::uint32_t number = append_dim(wanted);
    return dim_numbers_[std::move(key)] = number;
  }

  std::uint32_t append_dim(const ir::Dim& wanted) {
    std::vector<ir::Dim::Term> terms = wanted.terms();
    std::vector<std::vector<std::uint32_t>> factors;  // first: symbols append dims of their own
    for (const ir::Dim::Term& term : terms) {
      factors.emplace_back();
      for (const ir::Symbol* factor : term.factors) factors.back().push_back(symbol(factor));
    }
    dims_.push_back({index(terms_.size()), index(terms.size())});
    for (std::size_t i = 0; i < terms.size(); ++i) {
      terms_.push_back({terms[i].coefficient, index(factors_.size()), index(factors[i].size())});
      factors_.insert(factors_.end(), factors[i].begin(), factors[i].end());
    }
    return index(dims_.size() - 1);
  }

  // Consecutive entries of `dims`: shapes are not shared.
  std::uint32_t shape(const ir::Dims& wanted) {
    for (const ir::Dim& axis : wanted) dim(axis);  // symbols and their numerators first
    std::uint32_t first = index(dims_.size());
    for (const ir::Dim& axis : wanted) append_dim(axis);
    return first;
  }

  void add_buffer(const PlanBuffer& buffer) {
    MicaBuffer entry = {};
    entry.name = keep(buffer.name);
    entry.space = static_cast<std::uint8_t>(buffer.space);
    entry.dtype = static_cast<std::uint8_t>(buffer.type.dtype.kind());
    entry.in_place = buffer.in_place;
    entry.rank = static_cast<std::uint8_t>(buffer.type.dims.size());
    entry.first_dim = shape(buffer.type.dims);
    entry.link = buffer.link < 0 ? 0 : static_cast<std::uint32_t>(buffer.link);
    entry.offset = buffer.space == MICA_VIEW ? dim(0) : 0;
    entry.first_step = buffer.first_step;
    entry.last_step = buffer.last_step;
    buffers_.push_back(entry);
  }

  void add_call(const PlanCall& call) {
    MicaLibraryCall entry = call.call;
    entry.first_epilogue = index(epilogues_.size());
    entry.num_epilogues = index(call.epilogues.size());
    epilogues_.insert(epilogues_.end(), call.epilogues.begin(), call.epilogues.end());
    library_.push_back(entry);
  }

  void add_loop(const PlanLoop& loop, const Plan& plan) {
    loops_.push_back({.trip_count = dim(loop.trips),
                      .first_step = index(loop_steps_.size()),
                      .num_steps = index(loop.steps.size()),
                      .reverse = loop.reverse,
                      .first_slice = index(loop_slices_.size()),
                      .num_slices = index(loop.slices.size()),
                      .first_carry = index(loop_carries_.size()),
                      .num_carries = index(loop.carries.size())});
    for (const PlanStep& step : loop.steps) loop_steps_.push_back(make_step(step, plan));
    loop_slices_.insert(loop_slices_.end(), loop.slices.begin(), loop.slices.end());
    loop_carries_.insert(loop_carries_.end(), loop.carries.begin(), loop.carries.end());
  }

  MicaStep make_step(const PlanStep& step, const Plan& plan) {
    MicaStep entry = {};
    entry.kind = static_cast<std::uint8_t>(step.kind);
    entry.callee = step.callee < 0 ? 0 : static_cast<std::uint32_t>(step.callee);
    entry.first_arg = index(args_.size());
    entry.num_args = index(step.args.size());
    args_.insert(args_.end(), step.args.begin(), step.args.end());
    entry.name = keep(step.name);
    entry.layer = keep(step.layer);
    expected_.emplace(entry.name, step.expected);
    entry.first_dim = index(step_dims_.size());
    entry.extent = dim(1);
    if (step.kind == MICA_KERNEL) {
      const loop::Kernel& kernel = plan.kernels[static_cast<std::size_t>(step.callee)];
      for (const ir::Symbol* needed : step.symbols) step_dims_.push_back(dim(ir::Dim::symbol(needed->name)));
      entry.num_dims = index(step_dims_.size()) - entry.first_dim;
      entry.extent = dim(step.extent);
      entry.grain = kernel.grain;
      entry.has_error_word = can_fail(kernel.body);
    }
    return entry;
  }

  void fill() {
    program_ = {};
    program_.abi_version = MICA_ABI_VERSION;
    program_.name = name_.c_str();
    auto table = [](const auto& entries, auto*& data, std::uint32_t& count) {
      data = entries.data();
      count = index(entries.size());
    };
    table(buffers_, program_.buffers, program_.num_buffers);
    table(symbols_, program_.symbols, program_.num_symbols);
    table(dims_, program_.dims, program_.num_dims);
    table(terms_, program_.terms, program_.num_terms);
    table(bounds_, program_.bounds, program_.num_bounds);
    table(factors_, program_.factors, program_.num_factors);
    table(step_dims_, program_.step_dims, program_.num_step_dims);
    table(args_, program_.args, program_.num_args);
    table(init_, program_.init, program_.num_init);
    table(run_, program_.run, program_.num_run);
    table(loop_steps_, program_.loop_steps, program_.num_loop_steps);
    table(loops_, program_.loops, program_.num_loops);
    table(loop_slices_, program_.loop_slices, program_.num_loop_slices);
    table(loop_carries_, program_.loop_carries, program_.num_loop_carries);
    table(kernels_, program_.kernels, program_.num_kernels);
    table(library_, program_.library, program_.num_library);
    table(epilogues_, program_.epilogues, program_.num_epilogues);
    table(inputs_, program_.inputs, program_.num_inputs);
    table(variables_, program_.variables, program_.num_variables);
    table(results_, program_.results, program_.num_results);
    table(updates_, program_.updates, program_.num_updates);
  }

  MicaProgram program_ = {};
  std::string name_, missing_;
  std::deque<std::string> names_;
  std::vector<MicaBuffer> buffers_;
  std::vector<MicaSymbol> symbols_;
  std::vector<MicaBound> bounds_;
  std::vector<MicaDim> dims_;
  std::vector<MicaDimTerm> terms_;
  std::vector<std::uint32_t> factors_, step_dims_, args_, inputs_, variables_, results_, updates_;
  std::vector<MicaStep> init_, run_, loop_steps_;
  std::unordered_map<const char*, std::string> expected_;  // by the name of a step, which is its own
  std::vector<MicaLoop> loops_;
  std::vector<MicaLoopSlice> loop_slices_;
  std::vector<MicaLoopCarry> loop_carries_;
  std::vector<MicaKernelFn> kernels_;
  std::vector<MicaLibraryCall> library_;
  std::vector<MicaEpilogue> epilogues_;
  std::unordered_map<const ir::Symbol*, std::pair<std::uint32_t, std::uint32_t>> axes_;  // buffer and axis of an input
  std::unordered_map<const ir::Symbol*, std::uint32_t> symbol_numbers_;
  std::unordered_map<std::string, std::uint32_t> dim_numbers_;
};

}  // namespace

const MicaStep& ProgramTables::step(std::uint32_t number) const {
  const MicaProgram& program = abi();
  if (number < program.num_run) return program.run[number];
  number -= program.num_run;
  return number < program.num_init ? program.init[number] : program.loop_steps[number - program.num_init];
}

absl::StatusOr<std::shared_ptr<const ProgramTables>> assemble(const Plan& plan,
                                                              std::span<const MicaKernelFn> functions) {
  MICA_CHECK(functions.size() == plan.kernels.size()) << "a program of other kernels";
  auto tables = std::make_shared<Tables>();
  if (absl::Status status = tables->build(plan, functions); !status.ok()) return status;
  return std::shared_ptr<const ProgramTables>(std::move(tables));
}

}  // namespace mica::program
