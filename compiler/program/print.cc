// The text of a plan: what `mica dump --stage program` shows.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/program/plan.h"

namespace mica::program {
namespace {

constexpr std::size_t kLayerColumn = 92;

// Eight hexadecimal digits of the kernel's structure: equal kernels in other dumps carry the same.
std::string short_key(const loop::Kernel& kernel) {
  std::uint64_t hash = 1469598103934665603ull;  // FNV-1a: stable between processes
  for (char c : kernel.structural_key()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return absl::StrFormat("%08x", static_cast<std::uint32_t>(hash ^ (hash >> 32)));
}

std::string buffer_line(const PlanBuffer& buffer, std::size_t i) {
  std::string line = absl::StrFormat(" buffer %-3d %-9s", i, space_name(buffer.space));
  absl::StrAppend(&line, buffer.type.to_string(), "  \"", buffer.name, "\"");
  if (buffer.space == MICA_ARENA) absl::StrAppend(&line, "  live ", buffer.first_step, "..", buffer.last_step);
  if (buffer.link >= 0) absl::StrAppend(&line, buffer.space == MICA_VIEW ? "  of " : "  variable ", buffer.link);
  if (buffer.in_place) line += "  in place";
  return line + "\n";
}

std::string epilogue_list(const PlanCall& call) {
  std::string list = call.call.has_bias ? "bias" : "";
  for (const MicaEpilogue& epilogue : call.epilogues) absl::StrAppend(&list, list.empty() ? "" : ", ", epilogue.op);
  return list.empty() ? "" : absl::StrCat("  [", list, "]");
}

std::string call_name(const MicaLibraryCall& call) {
  constexpr const char* kNames[] = {"matmul",           "conv",        "conv_grad_input",
                                    "conv_grad_kernel", "pack_matmul", "pack_conv"};
  return absl::StrCat("onednn.", kNames[call.kind]);
}

std::string loop_lines(const Plan& plan, const PlanLoop& loop, const std::string& indent);

std::string step_line(const Plan& plan, const PlanStep& step, const char* part, std::size_t i,
                      const std::string& indent = "") {
  std::string line = absl::StrFormat("%s %-4s %-3d ", indent, part, i);
  const bool library = step.kind == MICA_LIBRARY;
  const auto callee = static_cast<std::size_t>(step.callee);
  line += step_name(plan, step);
  for (bool outs : {false, true}) {
    std::string list;
    for (std::size_t arg = 0; arg < step.args.size(); ++arg) {
      if (step.writes[arg] == outs) absl::StrAppend(&list, list.empty() ? "" : " ", step.args[arg]);
    }
    if (!list.empty()) absl::StrAppend(&line, outs ? "  @out " : "  @in ", list);
  }
  if (library) line += epilogue_list(plan.calls[callee]);
  if (step.kind == MICA_KERNEL) {
    const loop::Kernel& kernel = plan.kernels[callee];
    absl::StrAppend(&line, "  range ", step.extent.to_string(), "  ", short_key(kernel));
  }
  if (!step.layer.empty()) {
    line.resize(std::max(line.size() + 1, kLayerColumn), ' ');
    absl::StrAppend(&line, "# ", step.layer);
  }
  if (step.split_by_tap) line += "  # split by tap";
  line += "\n";
  if (step.kind == MICA_LOOP) line += loop_lines(plan, plan.loops[callee], indent + "   ");
  return line;
}

// What moves, then the steps of one iteration.
std::string loop_lines(const Plan& plan, const PlanLoop& loop, const std::string& indent) {
  std::string text;
  for (const MicaLoopCarry& carry : loop.carries) {
    absl::StrAppend(&text, indent, " state    buffer ", carry.state, " becomes ", carry.next, ", from ", carry.initial,
                    " to ", carry.last, ", spare ", carry.spare, "\n");
  }
  for (const MicaLoopSlice& slice : loop.slices) {
    absl::StrAppend(&text, indent, " row      buffer ", slice.buffer, " of ", slice.whole, "\n");
  }
  for (std::size_t i = 0; i < loop.steps.size(); ++i) text += step_line(plan, loop.steps[i], "step", i, indent);
  return text;
}

}  // namespace

const char* space_name(MicaSpace space) {
  constexpr const char* kNames[] = {"input", "variable", "result", "update", "arena", "init", "constant", "view"};
  return kNames[space];
}

std::string step_name(const Plan& plan, const PlanStep& step) {
  const auto callee = static_cast<std::size_t>(step.callee);
  switch (step.kind) {
    case MICA_LIBRARY:
      return call_name(plan.calls[callee].call);
    case MICA_COPY:
      return "copy";
    case MICA_LOOP:
      return absl::StrCat("loop ", plan.loops[callee].trips.to_string(), " times",
                          plan.loops[callee].reverse ? ", last row first" : "");
    default:
      return absl::StrCat("kernel ", step.name);
  }
}

std::string print(const Plan& plan) {
  std::string text = absl::StrCat("program @", plan.name, "  abi ", MICA_ABI_VERSION, "  ", plan.init.size(),
                                  " init steps  ", plan.run.size(), " run steps  ", plan.kernels.size(), " kernels\n");
  for (std::size_t i = 0; i < plan.buffers.size(); ++i) text += buffer_line(plan.buffers[i], i);
  for (const PlanBound& bound : plan.bounds) {
    absl::StrAppend(&text, " needs  ", bound.slack.to_string(), " >= 0  (", bound.expected, ")  # ", bound.layer, "\n");
  }
  for (std::size_t i = 0; i < plan.init.size(); ++i) text += step_line(plan, plan.init[i], "init", i);
  for (std::size_t i = 0; i < plan.run.size(); ++i) text += step_line(plan, plan.run[i], "run", i);
  for (std::size_t i = 0; i < plan.results.size(); ++i)
    absl::StrAppend(&text, " result \"", plan.result_names[i], "\" = buffer ", plan.results[i], "\n");
  return text;
}

std::string print_kernels(const Plan& plan) {
  std::string text;
  for (const loop::Kernel& kernel : plan.kernels) absl::StrAppend(&text, loop::print(kernel), "\n");
  return text;
}

}  // namespace mica::program
