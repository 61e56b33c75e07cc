// Pass: a function over a Graph with a declared contract, and the manager that runs a table of them.
//
// After each pass the manager verifies the graph and the invariants that the pass gives, measures it (MICA_TIME_PASSES)
// and dumps the graph when it changed (MICA_DUMP, MICA_DUMP_DIR). check_order proves the order of a table sound.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "compiler/graph/graph.h"

namespace mica::ir {

// Properties of a graph, as bits. Those that can be decided by looking have a checker (invariants.cc).
using Invariants = std::uint32_t;
inline constexpr Invariants kNone = 0;
inline constexpr Invariants kCanonical = 1 << 0;       // the rules of canonicalize have been applied
inline constexpr Invariants kDifferentiated = 1 << 1;  // no `gradient` node
inline constexpr Invariants kFolded = 1 << 2;          // constant arithmetic is done
inline constexpr Invariants kLaidOut = 1 << 3;         // transposes absorbed, normalisation folded where possible
inline constexpr Invariants kClaimed = 1 << 4;         // every library call has its group and its epilogue
inline constexpr Invariants kLegal = 1 << 5;           // no composite is left
inline constexpr Invariants kClean = 1 << 6;           // no dead nodes
inline constexpr Invariants kFused = 1 << 7;           // every computation is a group, a view or opaque: one step each
inline constexpr Invariants kTemplated = 1 << 8;       // a template takes every scan that is left
inline constexpr Invariants kOpen = 1 << 9;            // no `checkpoint` node
std::string to_string(Invariants invariants);
// The first broken one of `claimed` that can be decided by looking.
absl::Status check_invariants(const Graph& graph, Invariants claimed);

struct Pass;

struct PassOptions {
  bool libraries = true;           // false: every operation through generated code (MICA_DISABLE=onednn)
  std::int64_t fold_limit = 4096;  // results with more elements than this stay computed
  bool verify = true;              // after each pass
  // Called after each pass with its place in the table: snapshots for dumps.
  std::function<void(int place, const Pass& pass, const Graph& graph)> observe = nullptr;
};

struct Pass {
  std::string_view name;
  absl::Status (*run)(Graph&, const PassOptions&);
  Invariants needs, gives, breaks;
  std::string_view why;  // one sentence: why it stands at its place
};

// Proves without a graph that every `needs` is given before, and not broken in between.
absl::Status check_order(std::span<const Pass> passes);

absl::Status run_passes(Graph& graph, std::span<const Pass> passes, const PassOptions& options);

// Calls `f` on the bodies of the nodes, innermost first, then on the graph. Fused groups are left alone.
absl::Status for_each_region(Graph& graph, const std::function<absl::Status(Graph&)>& f);

}  // namespace mica::ir
