#include "compiler/compile.h"

#include <functional>
#include <map>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "compiler/codegen_library.h"
#include "compiler/loop/expand_math.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/schedule_cpu.h"
#include "compiler/loop/schedule_gpu.h"
#include "compiler/loop/simplify.h"
#include "compiler/passes/dump.h"
#include "compiler/passes/groups.h"
#include "compiler/passes/passes.h"
#include "compiler/program/assemble.h"
#include "runtime/error.h"

namespace mica::compiler {
namespace {

void check(const absl::Status& status, const ir::Graph& graph) {
  if (status.ok()) return;
  std::string message(status.message());
  if (absl::IsInternal(status)) throw InternalError(message);
  throw Error(absl::StrCat(graph.name(), ": ", message));
}

template <class T>
T checked(absl::StatusOr<T> value, const ir::Graph& graph) {
  check(value.status(), graph);
  return *std::move(value);
}

ir::PassOptions pass_options(const Options& options) {
  const char* disabled = std::getenv("MICA_DISABLE");
  return {.libraries = options.libraries && !(disabled && std::string_view(disabled) == "onednn")};
}

std::string print_kernels(const program::Plan& plan) {
  std::string text;
  for (const loop::Kernel& kernel : plan.kernels) absl::StrAppend(&text, loop::print(kernel), "\n");
  return text;
}

// The plan's kernels as code generation takes them: elementary functions written out, shared values computed once.
std::vector<loop::Kernel> machine_kernels(const program::Plan& plan) {
  std::vector<loop::Kernel> kernels;
  for (const loop::Kernel& kernel : plan.kernels)
    kernels.push_back(loop::name_shared_values(loop::expand_math(kernel)));
  return kernels;
}

program::Plan plan_with(const ir::Graph& fused, const std::function<loop::Kernel(const loop::Kernel&)>& schedule) {
  auto lower = [&](const ir::Node& node) -> absl::StatusOr<loop::Kernel> {
    absl::StatusOr<loop::Kernel> naive = loop::lower(node);
    if (!naive.ok()) return naive;
    loop::Kernel kernel = loop::simplify(schedule(*naive));
    if (absl::Status status = loop::verify(kernel); !status.ok()) return status;
    return kernel;
  };
  return checked(program::make_plan(fused, lower), fused);
}

// Layers whose epilogue was split say so in the fused graph.
std::string print_fused(ir::Graph& fused) {
  for (const auto& node : fused.nodes()) {
    if (ir::is_library_group(*node) && node->attrs().flag("split_by_tap"))
      node->set_loc(absl::StrCat(node->loc(), "  # split by tap"));
  }
  return ir::print(fused);
}

// Run steps first, then init steps, then those of loops.
const MicaStep& step_at(const MicaProgram& program, std::uint32_t number) {
  if (number < program.num_run) return program.run[number];
  number -= program.num_run;
  return number < program.num_init ? program.init[number] : program.loop_steps[number - program.num_init];
}

// What a kernel found wrong at run time, in the words of the layer.
rt::Program::FailText fail_text(const std::shared_ptr<const program::ProgramTables>& tables) {
  return [tables](const MicaErrorWord& word) {
    const MicaStep& step = step_at(tables->abi(), static_cast<std::uint32_t>(word.step - 1));
    return absl::StrCat(*step.layer ? step.layer : step.name, ": index out of range, received ", word.value,
                        " at position ", word.position);
  };
}

}  // namespace

std::string Options::key() const { return absl::StrCat(target.name(), libraries ? "" : ",no-libraries"); }

std::unique_ptr<ir::Graph> optimized(const ir::Graph& graph, const Options& options) {
  std::unique_ptr<ir::Graph> copy = graph.clone();
  check(ir::verify(*copy), graph);
  check(ir::run_passes(*copy, ir::pipeline(), pass_options(options)), graph);
  return copy;
}

program::Plan plan_of(const ir::Graph& fused, const Options& options) {
  loop::CpuSchedule schedule{.lanes = loop::vector_width(options.target.level, kFloat32)};
  return plan_with(fused, [&](const loop::Kernel& naive) { return loop::schedule_cpu(naive, schedule); });
}

std::string ptx_of(const ir::Graph& graph, int sm) {
  Options options;
  options.libraries = false;
  program::Plan plan =
      plan_with(*optimized(graph, options), [](const loop::Kernel& naive) { return loop::schedule_gpu(naive); });
  std::string text;
  for (const loop::Kernel& kernel : machine_kernels(plan)) text += codegen_library().ptx(kernel, sm);
  return text;
}

CompiledModel::CompiledModel(std::unique_ptr<ir::Graph> source, Options options)
    : source_(std::move(source)), options_(std::move(options)) {
  std::unique_ptr<ir::Graph> fused = optimized(*source_, options_);
  program::Plan plan = plan_of(*fused, options_);
  if (ir::dump_wanted("loop")) ir::write_dump("20-loop.txt", print_kernels(plan));
  if (ir::dump_wanted("program")) ir::write_dump("30-program.txt", program::print(plan));
  auto code = codegen_library().compile(machine_kernels(plan), options_.target);
  auto tables = checked(program::assemble(plan, code->functions), *source_);
  struct Owners {
    std::shared_ptr<const codegen::CompiledKernels> code;
    std::shared_ptr<const program::ProgramTables> tables;
  };
  program_ = std::make_unique<rt::Program>(tables->abi(), std::make_shared<Owners>(Owners{code, tables}));
  program_->set_fail_text(fail_text(tables));
}

std::string CompiledModel::dump(Stage stage) const {
  if (stage == Stage::kGraph) return ir::print(*source_);
  std::unique_ptr<ir::Graph> fused = optimized(*source_, options_);
  if (stage == Stage::kFused) return print_fused(*fused);
  program::Plan plan = plan_of(*fused, options_);
  if (stage == Stage::kProgram) return program::print(plan);
  if (stage == Stage::kLoop) return print_kernels(plan);
  std::string text;
  for (const loop::Kernel& kernel : machine_kernels(plan)) {
    text += stage == Stage::kLlvm ? codegen_library().llvm_ir(kernel, options_.target)
                                  : codegen_library().assembly(kernel, options_.target);
  }
  return text;
}

std::shared_ptr<const CompiledModel> compile(const ir::Graph& graph, const Options& options) {
  static std::mutex mutex;
  static auto* known = new std::map<std::string, std::shared_ptr<const CompiledModel>>();
  // Layers are part of the key: profiles and errors name them.
  std::string key = absl::StrCat(options.key(), "\n", ir::print(graph, {.locations = true, .names = false}));
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto it = known->find(key); it != known->end()) return it->second;
  }
  auto made = std::make_shared<const CompiledModel>(graph.clone(), options);
  std::lock_guard<std::mutex> lock(mutex);
  return known->emplace(std::move(key), std::move(made)).first->second;
}

}  // namespace mica::compiler
