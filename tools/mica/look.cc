// mica summary, dump and plot.
#include <cstdio>
#include <span>

#include "frontend/files/atomic_file.h"
#include "frontend/files/file_error.h"
#include "frontend/graph/dump.h"
#include "tools/mica/commands.h"

namespace mica::tool {
namespace {

constexpr Stage kAllStages[] = {Stage::kCalls, Stage::kGraph, Stage::kFused,  Stage::kLoop,
                                Stage::kLlvm,  Stage::kAsm,   Stage::kProgram};

template <class DumpStage>
std::string dump_text(const DumpArguments& arguments, const DumpStage& dump_stage, std::span<const Stage> all) {
  if (arguments.stage != "all") return dump_stage(internal::stage_named(arguments.stage));
  std::string text;
  for (Stage stage : all) {
    if (!text.empty()) text += "\n";
    text += "// " + std::string(internal::stage_name(stage)) + "\n" + dump_stage(stage);
  }
  return text;
}

std::string dump_text(const DumpArguments& arguments) {
  const std::span all(kAllStages);
  if (is_graph_file(arguments.path)) {
    auto dump_stage = [&](Stage stage) { return dump_graph_file(arguments.path, stage, arguments.options); };
    return dump_text(arguments, dump_stage, all.subspan(1));
  }
  const Model model = load_model(arguments.path);
  return dump_text(arguments, [&](Stage stage) { return model.dump(stage, arguments.options); }, all);
}

}  // namespace

void summary(const std::string& path, const SummaryOptions& options) {
  std::fputs(load_model(path).summary(options).c_str(), stdout);
}

void dump(const DumpArguments& arguments) {
  const std::string text = dump_text(arguments);
  if (arguments.output.empty()) {
    std::fputs(text.c_str(), stdout);
  } else {
    files::throw_if_error(files::write_file(arguments.output, text));
  }
}

void plot(const std::string& path, const std::string& picture, const PlotOptions& options) {
  load_model(path).plot(picture, options);
}

}  // namespace mica::tool
