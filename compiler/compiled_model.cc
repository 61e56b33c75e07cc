// Compiled models, the ones known in this process, and their dumps.
#include <map>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "compiler/codegen_library.h"
#include "compiler/compile.h"
#include "compiler/passes/groups.h"
#include "compiler/stages.h"

namespace mica::compiler {
namespace {

// Layers whose epilogue was split say so in the fused graph.
std::string print_fused(ir::Graph& fused) {
  for (const auto& node : fused.nodes()) {
    if (ir::is_library_group(*node) && node->attrs().flag("split_by_tap"))
      node->set_loc(absl::StrCat(node->loc(), "  # split by tap"));
  }
  return ir::print(fused);
}

std::string print_code(const std::vector<loop::Kernel>& kernels, const Options& options, Stage stage) {
  std::string text;
  for (const loop::Kernel& kernel : kernels) {
    text += stage == Stage::kPtx    ? codegen_library().ptx(kernel, options.compute_capability)
            : stage == Stage::kLlvm ? codegen_library().llvm_ir(kernel, options.target)
                                    : codegen_library().assembly(kernel, options.target);
  }
  return text;
}

}  // namespace

std::string Options::key() const { return absl::StrCat(target.name(), libraries ? "" : ",no-libraries"); }

std::unique_ptr<ir::Graph> optimized(const ir::Graph& graph, const Options& options) {
  return compile_until(graph, options, Stage::kFused).graph;
}

program::Plan plan_of(const ir::Graph& fused, const Options& options) { return planned(fused, options); }

std::string dump(const ir::Graph& graph, Stage stage, const Options& options) {
  Compilation made = compile_until(graph, options, stage);
  switch (stage) {
    case Stage::kGraph:
      return ir::print(*made.graph);
    case Stage::kFused:
      return print_fused(*made.graph);
    case Stage::kLoop:
      return program::print_kernels(made.plan);
    case Stage::kLlvm:
    case Stage::kAsm:
    case Stage::kPtx:
      return print_code(made.kernels, options, stage);
    default:
      return program::print(made.plan);
  }
}

std::string ptx_of(const ir::Graph& graph, int sm) {
  return dump(graph, Stage::kPtx, {.libraries = false, .compute_capability = sm});
}

CompiledModel::CompiledModel(std::unique_ptr<ir::Graph> source, Options options)
    : source_(std::move(source)), options_(std::move(options)), program_(compile_until(*source_, options_).program) {}

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
