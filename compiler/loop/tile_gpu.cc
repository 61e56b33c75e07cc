#include "compiler/loop/tile_gpu.h"

#include "compiler/loop/access.h"
#include "compiler/loop/nest.h"

namespace mica::loop {
namespace {

// acc = init; for k { acc = acc + a*b }; what uses acc.
struct Product {
  BufferRef acc;
  Expr init;
  VarRef k;
  Expr depth, a, b;
  std::vector<StmtRef> after;
};

bool is_load(const Expr& e) { return e->kind == ExprKind::kLoad && e->buffer->space == Space::kParam; }

std::optional<Product> match(const StmtRef& core) {
  if (core->kind != StmtKind::kBlock || core->children.size() < 4) return std::nullopt;
  const std::vector<StmtRef>& s = core->children;
  if (s[0]->kind != StmtKind::kAlloc || s[1]->kind != StmtKind::kStore || s[2]->kind != StmtKind::kFor)
    return std::nullopt;
  std::optional<Accumulation> fold = accumulation(*s[2]->children[0]);
  if (!fold || fold->reducer != Reducer::kSum || fold->term->kind != ExprKind::kOp || fold->term->op != ScalarOp::k_mul)
    return std::nullopt;
  const Expr &a = fold->term->args[0], &b = fold->term->args[1];
  if (!is_load(a) || !is_load(b)) return std::nullopt;
  Product product{s[0]->buffer, s[1]->value, s[2]->var, s[2]->extent, a, b, {s.begin() + 3, s.end()}};
  for (const StmtRef& stmt : product.after) {
    if (contains_loop(stmt)) return std::nullopt;
  }
  return product;
}

// The two loops that a tile spans: `row` moves with one factor only, `column` with the other.
bool spans(const Product& p, const Var* row, const Var* column) {
  return uses(p.a, row) && !uses(p.a, column) && uses(p.b, column) && !uses(p.b, row) && uses(p.a, p.k.get()) &&
         uses(p.b, p.k.get());
}

Expr zero_of(const Expr& e) { return e->dtype.is_floating() ? constant(0, e->dtype) : integer(0, e->dtype); }

class TiledProduct {
 public:
  TiledProduct(const LoopNest& nest, Product product, int tile) : nest_(nest), p_(std::move(product)), tile_(tile) {}

  StmtRef build() {
    const NestLoop &rows = nest_.loops[nest_.loops.size() - 2], &columns = nest_.loops.back();
    LoopNest outer{{nest_.loops.begin(), nest_.loops.end() - 2}, nullptr};
    VarRef bx = make_var("bx"), by = make_var("by"), bz = make_var("bz");
    Expr i = var(by) * tile_ + var(ty_), j = var(bx) * tile_ + var(tx_);

    StmtRef body = block({alloc(p_.acc), store(p_.acc, {}, p_.init), alloc(a_), alloc(b_),
                          depth_loop(rows, columns, i, j), finish(rows, columns, i, j)});
    body = substitute(substitute(body, rows.var, i), columns.var, j);
    body = loop_over(LoopKind::kThreadY, ty_, integer(tile_), loop_over(LoopKind::kThreadX, tx_, integer(tile_), body));
    body = loop_over(LoopKind::kBlockY, by, blocks(rows.extent),
                     loop_over(LoopKind::kBlockX, bx, blocks(columns.extent), body));
    if (outer.loops.empty()) return body;
    outer.core = body;
    return loop_over(LoopKind::kBlockZ, bz, outer.iterations(), outer.at(var(bz)));
  }

 private:
  Expr blocks(const Expr& extent) const { return (extent + (tile_ - 1)) / tile_; }

  BufferRef shared(const char* name, DType dtype) const {
    return std::make_shared<Buffer>(
        Buffer{name, dtype, {ir::Dim(tile_), ir::Dim(tile_)}, Space::kShared, Access::kInOut});
  }

  // Elements outside the operands are stored as 0, which adds nothing.
  StmtRef fill(const BufferRef& into, const Expr& factor, const Expr& k, const Expr& inside) const {
    Expr element = substitute(factor, p_.k, k), y = var(ty_), x = var(tx_);
    return if_then(inside, store(into, {y, x}, element), store(into, {y, x}, zero_of(element)));
  }

  StmtRef depth_loop(const NestLoop& rows, const NestLoop& columns, const Expr& i, const Expr& j) const {
    VarRef ko = make_var("ko"), kk = make_var("kk");
    Expr ka = var(ko) * tile_ + var(tx_), kb = var(ko) * tile_ + var(ty_);
    StmtRef multiply =
        store(p_.acc, {}, load(p_.acc, {}) + load(a_, {var(ty_), var(kk)}) * load(b_, {var(kk), var(tx_)}));
    return loop_over(LoopKind::kSerial, ko, blocks(p_.depth),
                     block({fill(a_, p_.a, ka, logical_and(lt(i, rows.extent), lt(ka, p_.depth))),
                            fill(b_, p_.b, kb, logical_and(lt(j, columns.extent), lt(kb, p_.depth))), barrier(),
                            loop_over(LoopKind::kUnroll, kk, integer(tile_), multiply), barrier()}));
  }

  StmtRef finish(const NestLoop& rows, const NestLoop& columns, const Expr& i, const Expr& j) const {
    return if_then(logical_and(lt(i, rows.extent), lt(j, columns.extent)), block(p_.after));
  }

  const LoopNest& nest_;
  Product p_;
  int tile_;
  VarRef tx_ = make_var("tx"), ty_ = make_var("ty");
  BufferRef a_ = shared("a_tile", p_.a->dtype), b_ = shared("b_tile", p_.b->dtype);
};

}  // namespace

LoopNest LoopNest::peel(const StmtRef& body) {
  LoopNest nest;
  nest.core = body;
  while (nest.core->kind == StmtKind::kFor && nest.core->loop == LoopKind::kSerial) {
    nest.loops.push_back({nest.core->var, nest.core->extent});
    nest.core = nest.core->children[0];
  }
  return nest;
}

Expr LoopNest::iterations() const {
  Expr total = integer(1);
  for (const NestLoop& loop : loops) total = total * loop.extent;
  return total;
}

StmtRef LoopNest::at(const Expr& iteration) const {
  StmtRef body = core;
  Expr rest = iteration;
  for (std::size_t i = loops.size(); i-- > 0;) {
    body = substitute(body, loops[i].var, i == 0 ? rest : rest % loops[i].extent);
    rest = rest / loops[i].extent;
  }
  return body;
}

std::optional<StmtRef> tiled_product(const LoopNest& nest, int tile) {
  if (nest.loops.size() < 2) return std::nullopt;
  std::optional<Product> product = match(nest.core);
  if (!product) return std::nullopt;
  const Var *row = nest.loops[nest.loops.size() - 2].var.get(), *column = nest.loops.back().var.get();
  if (!spans(*product, row, column)) {
    std::swap(product->a, product->b);
    if (!spans(*product, row, column)) return std::nullopt;
  }
  return TiledProduct(nest, *std::move(product), tile).build();
}

}  // namespace mica::loop
