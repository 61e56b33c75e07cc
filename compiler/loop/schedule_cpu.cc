#include "compiler/loop/schedule_cpu.h"

#include <algorithm>
#include <set>

#include "compiler/loop/access.h"
#include "compiler/loop/collapse.h"
#include "compiler/loop/partition.h"
#include "compiler/loop/vectorize.h"

namespace mica::loop {
namespace {

// Below this many operations on vectors (a microsecond or two) a piece of work is not worth a thread.
constexpr std::int64_t kWorthAThread = 4096;
// Extents shorter than this are not run in vectors when there is a choice.
constexpr std::int64_t kShortExtent = 4;
// Rows that are worth running together at most.
constexpr std::int64_t kMostRows = 8;

struct Loop {
  VarRef var;
  Expr extent;
};

bool is_serial_loop(const StmtRef& stmt) { return stmt->kind == StmtKind::kFor && stmt->loop == LoopKind::kSerial; }

// The loops around `core`, outermost first.
struct Nest {
  std::vector<Loop> loops;
  StmtRef core;
};

Nest peel(const StmtRef& body) {
  Nest nest;
  StmtRef at = body;
  while (is_serial_loop(at)) {
    nest.loops.push_back({at->var, at->extent});
    at = at->children[0];
  }
  nest.core = at;
  return nest;
}

bool is_short(const Expr& extent) {
  std::optional<std::int64_t> value = as_integer(extent);
  return value && *value < kShortExtent;
}

// How many accesses inside the innermost loops are contiguous or uniform when `v` runs in vectors; -1 when none is
// contiguous.
int score(const StmtRef& scope, const Var* v) {
  int good = 0, contiguous = 0;
  visit_accesses(scope, [&](const AccessSite& site) {
    if (site.buffer->space != Space::kParam) return;
    std::optional<ir::Dim> step = stride(*site.buffer, *site.index, v);
    if (step && step->is(1)) ++contiguous;
    if (step && (step->is(1) || step->is(0))) ++good;
  });
  return contiguous > 0 ? good : -1;
}

void innermost_loops(const StmtRef& stmt, std::vector<StmtRef>& out) {
  if (is_serial_loop(stmt) && !contains_loop(stmt->children[0])) {
    out.push_back(stmt);
    return;
  }
  for (const StmtRef& child : stmt->children) innermost_loops(child, out);
}

// Whether iterations of the loop over `v` keep apart what they store into locals: a scalar of the body becomes one a
// lane, but a row that `v` does not index is one for all of them, or is handed on from one to the next.
bool keeps_apart(const StmtRef& body, const Var* v) {
  std::set<const Buffer*> inside;
  bool apart = true;
  visit_stmts(body, [&](const Stmt& s) {
    if (s.kind == StmtKind::kAlloc) inside.insert(s.buffer.get());
    if (s.kind != StmtKind::kStore || s.buffer->space != Space::kLocal) return;
    bool indexed = std::any_of(s.index.begin(), s.index.end(), [&](const Expr& e) { return uses(e, v); });
    apart &= indexed || (s.buffer->dims.empty() && inside.count(s.buffer.get()));
  });
  return apart;
}

// The loop of the nest to run in vectors around serial inner loops, or -1 when the inner loops themselves should.
int lane_loop(const Nest& nest) {
  std::vector<StmtRef> inner;
  innermost_loops(nest.core, inner);
  int best = -1, best_score = 0;
  for (const StmtRef& loop : inner)
    best_score += is_short(loop->extent) ? 0 : std::max(0, score(loop->children[0], loop->var.get()));
  for (std::size_t i = nest.loops.size(); i-- > 0;) {
    const Var* v = nest.loops[i].var.get();
    if (is_short(nest.loops[i].extent) || !keeps_apart(nest.core, v)) continue;
    int total = 0;
    for (const StmtRef& loop : inner) total += std::max(0, score(loop->children[0], v));
    if (total > best_score) {
      best = static_cast<int>(i);
      best_score = total;
    }
  }
  return best;
}

// A loop over a few rows whose folds read something that is the same for all of them (a row of a matrix), or -1: run
// together, they read it once.
int row_loop(const Nest& nest) {
  std::vector<StmtRef> inner;
  innermost_loops(nest.core, inner);
  for (std::size_t i = nest.loops.size(); i-- > 0;) {
    const Var* v = nest.loops[i].var.get();
    std::optional<std::int64_t> extent = as_integer(nest.loops[i].extent);
    if (!extent || *extent > kMostRows || *extent < 2 || !keeps_apart(nest.core, v)) continue;
    bool shares = false;
    for (const StmtRef& loop : inner) {
      visit_accesses(loop->children[0], [&](const AccessSite& site) {
        std::optional<ir::Dim> step = stride(*site.buffer, *site.index, v);
        shares |= site.buffer->space == Space::kParam && step && step->is(0);
      });
    }
    if (shares && !inner.empty()) return static_cast<int>(i);
  }
  return -1;
}

// The sums of all rows stay in registers: 32 of 16 lanes, 16 of fewer.
int vectors_beside_rows(int lanes) { return lanes >= 16 ? 2 : 1; }

StmtRef wrap(const std::vector<Loop>& loops, StmtRef body) {
  for (std::size_t i = loops.size(); i-- > 0;) body = loop_over(LoopKind::kSerial, loops[i].var, loops[i].extent, body);
  return body;
}

// Several loops as one parallel loop, whose variable is taken apart again: a batch of one still fills all cores.
StmtRef join(const std::vector<Loop>& loops, StmtRef body) {
  if (loops.size() < 2) return wrap(loops, body);
  VarRef piece = make_var("piece");
  Expr total = integer(1), rest = var(piece);
  for (std::size_t i = loops.size(); i-- > 0;) {
    body = substitute(body, loops[i].var, i == 0 ? rest : rest % loops[i].extent);
    rest = rest / loops[i].extent;
    total = total * loops[i].extent;
  }
  return loop_over(LoopKind::kSerial, piece, total, body);
}

bool accumulates(const StmtRef& body) {
  bool found = false;
  visit_stmts(body, [&](const Stmt& s) { found |= s.kind == StmtKind::kStore && s.buffer->space == Space::kLocal; });
  return found;
}

StmtRef blocked(const Loop& loop, const StmtRef& core, int lanes) {
  LaneBlocks blocks = lane_blocks(loop.var, loop.extent, core, lanes);
  return blocks.var ? loop_over(LoopKind::kSerial, blocks.var, blocks.extent, blocks.body) : blocks.body;
}

// Each nest of `body` in vectors, loops that carry state (the time of a recurrent layer) left as they are.
StmtRef in_vectors(const StmtRef& body, int lanes, bool outermost) {
  Nest nest = peel(body);
  if (nest.loops.empty()) {
    auto copy = std::make_shared<Stmt>(*body);
    for (StmtRef& child : copy->children) child = in_vectors(child, lanes, false);
    return copy;
  }
  if (!contains_loop(nest.core)) {  // a map
    Loop last = nest.loops.back();
    nest.loops.pop_back();
    bool only_loop = outermost && nest.loops.empty();
    if (only_loop && !accumulates(nest.core))
      return blocked(last, nest.core, lanes);  // whole blocks can run in parallel
    return wrap(nest.loops, vector_loop(last.var, last.extent, nest.core, lanes));
  }
  int lane = lane_loop(nest);
  if (lane < 0) return wrap(nest.loops, in_vectors(nest.core, lanes, false));
  Loop around = nest.loops[static_cast<std::size_t>(lane)];
  nest.loops.erase(nest.loops.begin() + lane);
  int rows = row_loop(nest);
  LaneBlocks blocks =
      lane_blocks(around.var, around.extent, nest.core, lanes, rows < 0 ? 4 : vectors_beside_rows(lanes));
  if (rows >= 0) {
    Loop tile = nest.loops[static_cast<std::size_t>(rows)];
    nest.loops.erase(nest.loops.begin() + rows);
    blocks.body = jammed(tile.var, *as_integer(tile.extent), blocks.body);
  }
  if (blocks.var) nest.loops.push_back({blocks.var, blocks.extent});
  return join(nest.loops, blocks.body);
}

// Iterations of the outermost loop that are worth a thread.
std::int64_t grain_of(const StmtRef& loop) {
  return std::max<std::int64_t>(1, kWorthAThread / std::max<std::int64_t>(1, cost(loop->children[0])));
}

StmtRef in_parallel(const StmtRef& body, Kernel& kernel) {
  if (!is_serial_loop(body)) return body;
  auto outer = std::make_shared<Stmt>(*body);
  outer->loop = LoopKind::kParallel;
  kernel.grain = grain_of(body);
  return outer;
}

// Whether a loop inside a template copies or computes neighbours from what it does not write: then order says nothing.
bool is_plain_map(const Stmt& loop) {
  std::set<const Buffer*> read, written;
  bool plain = loop.loop == LoopKind::kSerial && !contains_loop(loop.children[0]) && !is_short(loop.extent);
  visit_stmts(loop.children[0], [&](const Stmt& s) {
    plain &= s.kind == StmtKind::kStore || s.kind == StmtKind::kLet || s.kind == StmtKind::kBlock;
  });
  visit_accesses(loop.children[0], [&](const AccessSite& site) {
    std::optional<ir::Dim> step = stride(*site.buffer, *site.index, loop.var.get());
    plain &= site.buffer->space == Space::kParam && step && (step->is(1) || (step->is(0) && !site.is_store));
  });
  return plain;
}

// A template chose its loops, whose order may matter: those that are plain maps run in vectors.
StmtRef maps_in_vectors(const StmtRef& stmt, int lanes) {
  if (stmt->kind == StmtKind::kFor && is_plain_map(*stmt))
    return vector_loop(stmt->var, stmt->extent, stmt->children[0], lanes);
  auto copy = std::make_shared<Stmt>(*stmt);
  for (StmtRef& child : copy->children) child = maps_in_vectors(child, lanes);
  return copy;
}

}  // namespace

Kernel schedule_cpu(const Kernel& naive, const CpuSchedule& options) {
  Kernel kernel = collapse(partition(naive, options.lanes));
  bool scheduled = false;
  visit_stmts(kernel.body,
              [&](const Stmt& stmt) { scheduled |= stmt.kind == StmtKind::kFor && stmt.loop != LoopKind::kSerial; });
  if (scheduled) {
    kernel.body = maps_in_vectors(kernel.body, options.lanes);
    if (kernel.body->loop == LoopKind::kParallel) kernel.grain = grain_of(kernel.body);
  } else {
    kernel.body = in_parallel(in_vectors(kernel.body, options.lanes, true), kernel);
  }
  return kernel;
}

}  // namespace mica::loop
