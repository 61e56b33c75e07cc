#include "compiler/stages.h"

#include "absl/strings/str_cat.h"
#include "compiler/codegen_library.h"
#include "compiler/graph/location.h"
#include "compiler/loop/expand_math.h"
#include "compiler/loop/lower.h"
#include "compiler/loop/schedule_cpu.h"
#include "compiler/loop/schedule_gpu.h"
#include "compiler/loop/simplify.h"
#include "compiler/passes/dump.h"
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

ir::PassOptions pass_options(const Options& options) {
  const char* disabled = std::getenv("MICA_DISABLE");
  return {.libraries = options.libraries && !(disabled && std::string_view(disabled) == "onednn")};
}

loop::Kernel scheduled(const loop::Kernel& naive, const Options& options) {
  if (options.compute_capability > 0) return loop::schedule_gpu(naive);
  return loop::schedule_cpu(naive, {.lanes = loop::vector_width(options.target.level, kFloat32)});
}

// What a kernel found wrong at run time, in the words of the layer.
rt::Program::FailText fail_text(const std::shared_ptr<const program::ProgramTables>& tables) {
  return [tables](const MicaErrorWord& word) {
    const auto number = static_cast<std::uint32_t>(word.step - 1);
    const MicaStep& step = tables->step(number);
    const std::string& expected = tables->expected(number);
    const std::string layer(ir::layer_of(step.layer));
    return std::string(Error({.where = layer.empty() ? step.name : layer,
                              .expected = expected.empty() ? "a value in range" : expected,
                              .received = absl::StrCat(word.value, " at position ", word.position),
                              .hint = layer.empty() ? "" : absl::StrCat("The operation is ", step.name, ".")})
                           .what());
  };
}

}  // namespace

std::unique_ptr<ir::Graph> verified(const ir::Graph& source) {
  check(ir::verify(source), source);
  return source.clone();
}

void run_passes(ir::Graph& graph, const Options& options) {
  check(ir::run_passes(graph, ir::pipeline(), pass_options(options)), graph);
}

program::Plan planned(const ir::Graph& fused, const Options& options) {
  auto lower = [&](const ir::Node& node) -> absl::StatusOr<loop::Kernel> {
    absl::StatusOr<loop::Kernel> naive = loop::lower(node);
    if (!naive.ok()) return naive;
    loop::Kernel kernel = loop::simplify(scheduled(*naive, options));
    if (absl::Status status = loop::verify(kernel); !status.ok()) return status;
    return kernel;
  };
  absl::StatusOr<program::Plan> plan = program::make_plan(fused, lower);
  check(plan.status(), fused);
  if (ir::dump_wanted("loop")) ir::write_dump("20-loop.txt", program::print_kernels(*plan));
  if (ir::dump_wanted("program")) ir::write_dump("30-program.txt", program::print(*plan));
  return *std::move(plan);
}

std::vector<loop::Kernel> machine_kernels(const program::Plan& plan) {
  std::vector<loop::Kernel> kernels;
  for (const loop::Kernel& kernel : plan.kernels)
    kernels.push_back(loop::name_shared_values(loop::expand_math(kernel)));
  return kernels;
}

std::unique_ptr<rt::Program> loaded(const program::Plan& plan, const std::vector<loop::Kernel>& kernels,
                                    const Options& options) {
  struct Owners {
    std::shared_ptr<const codegen::CompiledKernels> code;
    std::shared_ptr<const program::ProgramTables> tables;
  };
  auto code = codegen_library().compile(kernels, options.target);
  auto tables = program::assemble(plan, code->functions);
  if (!tables.ok()) throw Error(absl::StrCat(plan.name, ": ", std::string(tables.status().message())));
  auto program = std::make_unique<rt::Program>((*tables)->abi(), std::make_shared<Owners>(Owners{code, *tables}));
  program->set_fail_text(fail_text(*tables));
  return program;
}

}  // namespace mica::compiler
