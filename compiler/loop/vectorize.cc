#include "compiler/loop/vectorize.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "compiler/loop/access.h"
#include "compiler/loop/nest.h"

namespace mica::loop {
namespace {

constexpr int kMostVectors = 4;

// Hardware vectors side by side: cheap statements need several to hide latency, long ones fill the registers alone.
int unroll_for(const StmtRef& body) {
  std::int64_t longest = 0;
  visit_stmts(body, [&](const Stmt& stmt) {
    if (stmt.kind != StmtKind::kFor && stmt.children.empty())
      longest = std::max(longest, cost(std::make_shared<Stmt>(stmt)));
  });
  return longest < 12 ? kMostVectors : longest < 40 ? 2 : 1;
}

// The widest multiple of the hardware vector that divides a known extent, else one that leaves little to the mask.
int choose_width(const Expr& extent, const StmtRef& body, int lanes, int most_vectors) {
  int most = std::min(unroll_for(body), most_vectors) * lanes;
  std::optional<std::int64_t> known = as_integer(extent);
  if (!known) return most;
  for (int width = most; width >= lanes; width /= 2) {
    if (*known % width == 0) return width;
  }
  std::int64_t cover = (*known + lanes - 1) / lanes * lanes;
  return static_cast<int>(std::min<std::int64_t>(most, std::max<std::int64_t>(lanes, cover)));
}

std::vector<StmtRef> statements_of(const StmtRef& body) {
  return body->kind == StmtKind::kBlock ? body->children : std::vector<StmtRef>{body};
}

StmtRef flat_block(std::vector<StmtRef> statements) {
  return statements.size() == 1 ? statements.front() : block(std::move(statements));
}

BufferRef lane_buffer(const Buffer& scalar, int width) {
  Buffer lanes = scalar;
  lanes.name = absl::StrCat(scalar.name, "v");
  lanes.dims.push_back(ir::Dim(width));
  return std::make_shared<Buffer>(lanes);
}

StmtRef vector_over(const VarRef& lane, const Expr& count, const StmtRef& body, int width) {
  return loop_over(LoopKind::kVector, lane, count, body, width);
}

// The vector form of an accumulating or storing body, in the order: setup, loops, folds.
class StripMine {
 public:
  StripMine(const VarRef& v, const Expr& extent, const StmtRef& body, int lanes)
      : v_(v),
        extent_(extent),
        width_(choose_width(extent, body, lanes, kMostVectors)),
        body_(body),
        lane_(make_var("l")),
        outer_(make_var(v->name + "o")) {}

  StmtRef run() {
    for (const StmtRef& stmt : statements_of(body_)) prepare(stmt);
    Expr width = integer(width_), full = extent_ / width, rest = extent_ % width;
    std::vector<StmtRef> out = setup_;
    if (as_integer(full) != 0) {
      StmtRef piece = vector_over(lane_, width, at(var(outer_) * width + var(lane_)), width_);
      out.push_back(as_integer(full) == 1 ? substitute(piece, outer_, integer(0))
                                          : loop_over(LoopKind::kSerial, outer_, full, piece));
    }
    if (as_integer(rest) != 0) out.push_back(vector_over(lane_, rest, at(full * width + var(lane_)), width_));
    out.insert(out.end(), folds_.begin(), folds_.end());
    return flat_block(std::move(out));
  }

 private:
  void prepare(const StmtRef& stmt) {
    std::optional<Accumulation> fold = accumulation(*stmt);
    if (!fold) {
      inner_.push_back(stmt);
      return;
    }
    BufferRef lanes = lane_buffer(*stmt->buffer, width_);
    VarRef l = make_var("l");
    setup_.push_back(alloc(lanes));
    setup_.push_back(
        vector_over(l, integer(width_), store(lanes, {var(l)}, neutral(fold->reducer, lanes->dtype)), width_));
    inner_.push_back(store(lanes, {var(lane_)}, combine(fold->reducer, load(lanes, {var(lane_)}), fold->term)));
    folds_.push_back(fold_lanes(lanes, stmt->buffer, fold->reducer));
  }

  // Halves until one lane is left: the order of the sum depends on the width alone, and log2(width) vector steps are
  // short.
  StmtRef fold_lanes(const BufferRef& lanes, const BufferRef& into, Reducer reducer) const {
    std::vector<StmtRef> steps;
    int width = width_;
    for (; width > 2 && width % 2 == 0; width /= 2) {
      VarRef l = make_var("l");
      Expr low = load(lanes, {var(l)}), high = load(lanes, {var(l) + width / 2});
      steps.push_back(
          vector_over(l, integer(width / 2), store(lanes, {var(l)}, combine(reducer, low, high)), width / 2));
    }
    Expr total = load(lanes, {integer(0)});
    for (int l = 1; l < width; ++l) total = combine(reducer, total, load(lanes, {integer(l)}));
    steps.push_back(store(into, {}, combine(reducer, load(into, {}), total)));
    return flat_block(std::move(steps));
  }

  StmtRef at(const Expr& position) const { return substitute(flat_block(inner_), v_, position); }

  VarRef v_;
  Expr extent_;
  int width_;
  StmtRef body_;
  VarRef lane_, outer_;
  std::vector<StmtRef> setup_, inner_, folds_;
};

// Gives every rank-0 local of the body a lane axis and puts every statement without loops inside a vector loop over the
// lanes.
class LaneRewriter {
 public:
  LaneRewriter(const VarRef& v, const Expr& position, const Expr& count, const VarRef& lane, int width)
      : v_(v), position_(position), count_(count), lane_(lane), width_(width) {}

  StmtRef run(const StmtRef& stmt) {
    switch (stmt->kind) {
      case StmtKind::kBlock:
        return run_block(*stmt);
      case StmtKind::kFor: {
        auto copy = std::make_shared<Stmt>(*stmt);
        copy->children[0] = run(stmt->children[0]);
        return copy;
      }
      case StmtKind::kAlloc:
        return stmt->buffer->dims.empty() ? alloc(lanes_of(stmt->buffer)) : stmt;
      default:
        return vector_over(lane_, count_, leaf(stmt), width_);
    }
  }

 private:
  // Neighbouring stores, and the variables they read, share one vector loop.
  StmtRef run_block(const Stmt& stmts) {
    std::vector<StmtRef> out, run_of_leaves;
    auto flush = [&] {
      if (run_of_leaves.empty()) return;
      out.push_back(vector_over(lane_, count_, flat_block(std::move(run_of_leaves)), width_));
      run_of_leaves.clear();
    };
    for (const StmtRef& child : stmts.children) {
      if (child->kind == StmtKind::kStore || child->kind == StmtKind::kLet) {
        run_of_leaves.push_back(leaf(child));
        continue;
      }
      flush();
      out.push_back(run(child));
    }
    flush();
    return flat_block(std::move(out));
  }

  // Allocations stand before their uses, so what has lanes is known when it is met.
  bool has_lanes(const BufferRef& buffer) const { return buffers_.count(buffer.get()) > 0; }

  BufferRef lanes_of(const BufferRef& scalar) {
    BufferRef& lanes = buffers_[scalar.get()];
    if (!lanes) lanes = lane_buffer(*scalar, width_);
    return lanes;
  }

  StmtRef leaf(const StmtRef& stmt) {
    StmtRef moved = map_exprs(stmt, [&](const Expr& e) {
      return rewrite(e, [&](const Expr& x) -> Expr {
        if (x->kind == ExprKind::kVar && x->var == v_) return position_;
        if (x->kind == ExprKind::kLoad && has_lanes(x->buffer)) return load(lanes_of(x->buffer), {var(lane_)});
        return nullptr;
      });
    });
    if (moved->kind != StmtKind::kStore || !has_lanes(stmt->buffer)) return moved;
    return store(lanes_of(stmt->buffer), {var(lane_)}, moved->value);
  }

  VarRef v_;
  Expr position_, count_;
  VarRef lane_;
  int width_;
  std::map<const Buffer*, BufferRef> buffers_;
};

// Gives every local of the body a row axis and puts every statement that is no serial loop inside an unrolled loop over
// the rows.
class RowJam {
 public:
  RowJam(const VarRef& r, std::int64_t rows) : r_(r), rows_(rows) {}

  StmtRef run(const StmtRef& stmt) {
    const bool is_loop = stmt->kind == StmtKind::kFor && stmt->loop == LoopKind::kSerial;
    if (is_loop || stmt->kind == StmtKind::kBlock || stmt->kind == StmtKind::kIf) {
      auto copy = std::make_shared<Stmt>(*stmt);
      for (StmtRef& child : copy->children) child = run(child);
      return copy;
    }
    if (stmt->kind == StmtKind::kAlloc) return alloc(rows_of(stmt->buffer));
    return loop_over(LoopKind::kUnroll, r_, integer(rows_), with_rows(stmt));
  }

 private:
  BufferRef rows_of(const BufferRef& buffer) {
    BufferRef& rows = buffers_[buffer.get()];
    if (!rows) {
      Buffer more = *buffer;
      more.name = absl::StrCat(buffer->name, "r");
      more.dims.insert(more.dims.begin(), ir::Dim(rows_));
      rows = std::make_shared<Buffer>(more);
    }
    return rows;
  }

  StmtRef with_rows(const StmtRef& stmt) {
    StmtRef moved = map_exprs(stmt, [&](const Expr& e) {
      return rewrite(e, [&](const Expr& x) -> Expr {
        if (x->kind != ExprKind::kLoad || !buffers_.count(x->buffer.get())) return nullptr;
        return load(buffers_[x->buffer.get()], row_first(x->args));
      });
    });
    return stores_with_rows(moved);
  }

  StmtRef stores_with_rows(const StmtRef& stmt) {
    if (stmt->kind == StmtKind::kStore && buffers_.count(stmt->buffer.get()))
      return store(buffers_[stmt->buffer.get()], row_first(stmt->index), stmt->value);
    auto copy = std::make_shared<Stmt>(*stmt);
    for (StmtRef& child : copy->children) child = stores_with_rows(child);
    return copy;
  }

  Exprs row_first(const Exprs& index) const {
    Exprs all{var(r_)};
    all.insert(all.end(), index.begin(), index.end());
    return all;
  }

  VarRef r_;
  std::int64_t rows_;
  std::map<const Buffer*, BufferRef> buffers_;  // locals of the body
};

}  // namespace

StmtRef vector_loop(const VarRef& v, const Expr& extent, const StmtRef& body, int lanes) {
  return StripMine(v, extent, body, lanes).run();
}

LaneBlocks lane_blocks(const VarRef& v, const Expr& extent, const StmtRef& body, int lanes, int most_vectors) {
  int width = choose_width(extent, body, lanes, most_vectors);
  Expr w = integer(width), full = extent / w, rest = extent % w;
  VarRef outer = make_var(v->name + "o"), lane = make_var("l");
  auto in_lanes = [&](const Expr& block_index, const Expr& count) {
    return LaneRewriter(v, block_index * w + var(lane), count, lane, width).run(body);
  };
  if (as_integer(rest) == 0) {
    if (as_integer(full) == 1) return {nullptr, nullptr, in_lanes(integer(0), w)};
    return {outer, full, in_lanes(var(outer), w)};
  }
  if (as_integer(full) == 0) return {nullptr, nullptr, in_lanes(integer(0), rest)};
  StmtRef either = if_then(lt(var(outer), full), in_lanes(var(outer), w), in_lanes(full, rest));
  return {outer, (extent + (width - 1)) / w, either};
}

StmtRef jammed(const VarRef& r, std::int64_t rows, const StmtRef& body) { return RowJam(r, rows).run(body); }

}  // namespace mica::loop
