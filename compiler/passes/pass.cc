#include "compiler/passes/pass.h"

#include <chrono>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "compiler/passes/dump.h"

namespace mica::ir {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

absl::Status in_pass(const Pass& pass, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat("pass ", std::string(pass.name), ": ", std::string(status.message())));
}

// Dumps a pass's result when it differs from the text before it, which it replaces.
void dump_if_changed(const Graph& graph, int place, std::string_view name, double milliseconds, std::string& before) {
  std::string text = print(graph);
  bool changed = text != before;
  before = text;
  if (!dump_wanted(name)) return;
  std::string file = absl::StrFormat("%02d-%s.mica", place, std::string(name));
  std::string heading = absl::StrFormat("# %s  (%s, %.1f ms)\n", file, changed ? "changed" : "unchanged", milliseconds);
  write_dump(file, changed ? heading + text : heading);
}

}  // namespace

absl::Status check_order(std::span<const Pass> passes) {
  Invariants held = kNone;
  for (const Pass& pass : passes) {
    if (Invariants missing = pass.needs & ~held)
      return absl::InternalError(absl::StrCat("pass ", std::string(pass.name), " needs ", to_string(missing)));
    held = (held & ~pass.breaks) | pass.gives;
  }
  return absl::OkStatus();
}

absl::Status run_passes(Graph& graph, std::span<const Pass> passes, const PassOptions& options) {
  const bool time = environment_flag("MICA_TIME_PASSES");
  const bool dump = environment_flag("MICA_DUMP");
  std::string text;
  if (dump) dump_if_changed(graph, 0, "graph", 0, text);
  int place = 0;
  for (const Pass& pass : passes) {
    ++place;
    Clock::time_point start = Clock::now();
    if (absl::Status status = pass.run(graph, options); !status.ok()) return in_pass(pass, status);
    double elapsed = milliseconds_since(start);
    if (time) {
      std::fprintf(stderr, "%-14s %8.3f ms  %zu nodes\n", std::string(pass.name).c_str(), elapsed,
                   graph.nodes().size());
    }
    if (dump) dump_if_changed(graph, place, pass.name, elapsed, text);
    if (options.verify) {
      if (absl::Status status = verify(graph); !status.ok()) return in_pass(pass, status);
      if (absl::Status status = check_invariants(graph, pass.gives); !status.ok()) return in_pass(pass, status);
    }
    if (options.observe) options.observe(place, pass, graph);
  }
  return absl::OkStatus();
}

absl::Status for_each_region(Graph& graph, const std::function<absl::Status(Graph&)>& f) {
  for (const auto& node : graph.nodes()) {
    if (node->is("fusion")) continue;
    for (const auto& body : node->bodies()) {
      if (absl::Status status = for_each_region(*body, f); !status.ok()) return status;
    }
  }
  return f(graph);
}

}  // namespace mica::ir
