#include "compiler/loop/schedule_gpu.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/loop/access.h"
#include "compiler/loop/collapse.h"
#include "compiler/loop/nest.h"
#include "compiler/loop/tile_gpu.h"

namespace mica::loop {
namespace {

std::vector<StmtRef> statements_of(const StmtRef& body) {
  return body->kind == StmtKind::kBlock ? body->children : std::vector<StmtRef>{body};
}

StmtRef flat_block(std::vector<StmtRef> statements) {
  return statements.size() == 1 ? statements.front() : block(std::move(statements));
}

// One thread for each combination of the loops; the last block is cut by a condition.
StmtRef one_thread_each(const LoopNest& nest, int threads) {
  if (nest.loops.empty())
    return loop_over(LoopKind::kBlockX, make_var("block"), integer(1),
                     loop_over(LoopKind::kThreadX, make_var("t"), integer(1), nest.core));
  VarRef grid = make_var("block"), thread = make_var("t");
  Expr element = var(grid) * threads + var(thread), total = nest.iterations();
  StmtRef guarded = if_then(lt(element, total), nest.at(element));
  return loop_over(LoopKind::kBlockX, grid, (total + (threads - 1)) / threads,
                   loop_over(LoopKind::kThreadX, thread, integer(threads), guarded));
}

// One block a row. Loops over the row are strided over by the threads.
class RowKernel {
 public:
  RowKernel(const LoopNest& nest, int threads) : nest_(nest), threads_(threads), thread_(make_var("t")) {}

  StmtRef build() {
    VarRef row = make_var("block");
    std::vector<StmtRef> out;
    for (const StmtRef& stmt : statements_of(nest_.at(var(row)))) rewrite(stmt, out);
    return loop_over(LoopKind::kBlockX, row, nest_.iterations(),
                     loop_over(LoopKind::kThreadX, thread_, integer(threads_), block(std::move(out))));
  }

 private:
  void rewrite(const StmtRef& stmt, std::vector<StmtRef>& out) {
    if (stmt->kind == StmtKind::kFor) return strided(*stmt, out);
    bool to_memory = stmt->kind == StmtKind::kStore && stmt->buffer->space == Space::kParam;
    out.push_back(to_memory ? if_then(eq(var(thread_), integer(0)), stmt) : stmt);
  }

  // for r in 0..n { body }  ->  each thread takes r = t, t + threads, …; accumulations go to a part of the thread's
  // own.
  void strided(const Stmt& loop, std::vector<StmtRef>& out) {
    std::vector<StmtRef> body, folds;
    for (const StmtRef& stmt : statements_of(loop.children[0])) {
      std::optional<Accumulation> fold = accumulation(*stmt);
      if (!fold) {
        body.push_back(stmt);
        continue;
      }
      auto part = std::make_shared<Buffer>(
          Buffer{absl::StrCat(stmt->buffer->name, "_part"), stmt->buffer->dtype, {}, Space::kLocal, Access::kInOut});
      out.push_back(alloc(part));
      out.push_back(store(part, {}, neutral(fold->reducer, part->dtype)));
      body.push_back(store(part, {}, combine(fold->reducer, load(part, {}), fold->term)));
      fold_in_shared(part, stmt->buffer, fold->reducer, folds);
    }
    VarRef turn = make_var("turn");
    Expr position = var(turn) * threads_ + var(thread_);
    StmtRef guarded = if_then(lt(position, loop.extent), substitute(flat_block(std::move(body)), loop.var, position));
    out.push_back(loop_over(LoopKind::kSerial, turn, (loop.extent + (threads_ - 1)) / threads_, guarded));
    out.insert(out.end(), folds.begin(), folds.end());
  }

  // A tree over the threads' parts, in an order that the number of threads fixes. The last barrier lets the buffer be
  // used again.
  void fold_in_shared(const BufferRef& part, const BufferRef& into, Reducer reducer, std::vector<StmtRef>& out) {
    auto shared = std::make_shared<Buffer>(
        Buffer{absl::StrCat(into->name, "_shared"), part->dtype, {ir::Dim(threads_)}, Space::kShared, Access::kInOut});
    Expr t = var(thread_);
    out.push_back(alloc(shared));
    out.push_back(store(shared, {t}, load(part, {})));
    out.push_back(barrier());
    for (int step = threads_ / 2; step > 0; step /= 2) {
      out.push_back(if_then(lt(t, integer(step)),
                            store(shared, {t}, combine(reducer, load(shared, {t}), load(shared, {t + step})))));
      out.push_back(barrier());
    }
    out.push_back(store(into, {}, combine(reducer, load(into, {}), load(shared, {integer(0)}))));
    out.push_back(barrier());
  }

  const LoopNest& nest_;
  int threads_;
  VarRef thread_;
};

// Rows: every loop of the core is innermost and contiguous along its own variable.
bool runs_along_rows(const LoopNest& nest) {
  bool along = true;
  for (const StmtRef& stmt : statements_of(nest.core)) {
    if (stmt->kind != StmtKind::kFor) continue;
    along &= !contains_loop(stmt->children[0]);
    bool contiguous = false;
    visit_accesses(stmt->children[0], [&](const AccessSite& site) {
      std::optional<ir::Dim> step =
          site.buffer->space == Space::kParam ? stride(*site.buffer, *site.index, stmt->var.get()) : std::nullopt;
      contiguous |= step && step->is(1);
      along &= site.buffer->space != Space::kParam || (step && (step->is(1) || step->is(0)));
    });
    along &= contiguous;
  }
  return along;
}

// Iterations of a parallel loop are independent by contract; what lies inside one keeps its order.
std::optional<LoopNest> parallel_loop(const StmtRef& body) {
  if (body->kind != StmtKind::kFor || body->loop != LoopKind::kParallel) return std::nullopt;
  return LoopNest{{{body->var, body->extent}}, body->children[0]};
}

}  // namespace

Kernel schedule_gpu(const Kernel& naive, const GpuSchedule& options) {
  LoopNest original = LoopNest::peel(naive.body);
  Kernel kernel = naive;
  if (std::optional<LoopNest> own = parallel_loop(naive.body)) {
    kernel.body = one_thread_each(*own, options.threads);
  } else if (std::optional<StmtRef> tiled = tiled_product(original, options.tile)) {
    kernel.body = *tiled;
  } else {
    kernel = collapse(naive);
    LoopNest nest = LoopNest::peel(kernel.body);
    bool rows = contains_loop(nest.core) && runs_along_rows(nest);
    kernel.body = rows ? RowKernel(nest, options.threads).build() : one_thread_each(nest, options.threads);
  }
  kernel.grain = 0;
  return kernel;
}

}  // namespace mica::loop
