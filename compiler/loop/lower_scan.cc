#include "compiler/loop/lower_scan.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/loop/access.h"
#include "compiler/loop/nest.h"
#include "compiler/ops/op_def.h"
#include "runtime/error.h"

namespace mica::loop {
namespace {

// Local rows live on the stack of a worker.
constexpr std::int64_t kMaxLocalBytes = 256 * 1024;
// Rows that one pass over a matrix serves: as many as registers hold sums of beside each other.
constexpr int kTileRows = 8;
// Operations on an element that are not worth a local row.
constexpr std::int64_t kCheap = 8;
constexpr const char* kRowNames[] = {"j", "k", "l", "m", "n"};

// What all tiles of rows of one scan share: its parts, and the parameters of the kernel.
struct ScanParts {
  explicit ScanParts(const ir::Node& n)
      : node(n),
        scan(*scan_of(n)),
        body(scan.body()),
        num_states(static_cast<std::size_t>(scan.attrs().integer("num_states"))),
        num_xs(static_cast<std::size_t>(scan.attrs().integer("num_xs"))) {}

  absl::Status refuse(std::string_view why) const {
    return absl::UnimplementedError(absl::StrCat("scan: ", std::string(why)));
  }

  // The first axis of every state is the row; without states of rank 1 or more there is one row.
  absl::Status find_rows() {
    if (num_states == 0 || num_xs + scan.bodies()[0]->outputs().size() == num_states)
      return refuse("no states, or nothing to run over");
    if (num_xs == 0) return refuse("the number of steps comes from no operand");
    steps = scan.operand(static_cast<int>(num_states)).type().dim(0);
    for (std::size_t i = 0; i < num_states; ++i) {
      const ir::Dims& dims = scan.operand(static_cast<int>(i)).dims();
      if (dims.empty()) return refuse("a state without rows");
      if (i == 0) rows = dims[0];
      if (!(dims[0] == rows)) return refuse("states of different numbers of rows");
      if (!ir::all_static(ir::Dims(dims.begin() + 1, dims.end()))) return refuse("a state of symbolic size");
    }
    return absl::OkStatus();
  }

  void add_params(Kernel& kernel) {
    const bool is_group = &node != &scan;
    for (int i = 0; i < node.num_operands(); ++i) {
      ir::Value value = is_group ? node.body().inputs()[static_cast<std::size_t>(i)]->result() : node.operand(i);
      auto buffer = std::make_shared<Buffer>(
          Buffer{absl::StrCat("x", i), value.dtype(), value.dims(), Space::kParam, Access::kIn});
      kernel.params.push_back(buffer);
      given[value] = buffer;
    }
    results.resize(static_cast<std::size_t>(scan.num_results()));
    for (int i = 0; i < node.num_results(); ++i) {
      const ir::TensorType& type = node.result_types()[static_cast<std::size_t>(i)];
      int result = is_group ? node.body().outputs()[static_cast<std::size_t>(i)].value.index : i;
      auto buffer =
          std::make_shared<Buffer>(Buffer{absl::StrCat("y", i), type.dtype, type.dims, Space::kParam, Access::kOut});
      kernel.params.push_back(buffer);
      results[static_cast<std::size_t>(result)] = buffer;
    }
  }

  const ir::Node &node, &scan;
  const ir::Graph& body;
  std::size_t num_states, num_xs;
  ir::Dim rows, steps;
  std::map<ir::Value, BufferRef> given;  // operands of the group
  std::vector<BufferRef> results;        // of the scan; null: nobody reads it
};

// All steps of `height` neighbouring rows: each value of a step is a local of one row after the other, so that what a
// product reads of its matrix serves all of them.
class RowTile {
 public:
  // `first` is the first row of the tile.
  RowTile(const ScanParts& parts, int height, Expr first)
      : parts_(parts), scan_(parts.scan), body_(parts.body), height_(height), first_(std::move(first)) {}

  absl::StatusOr<StmtRef> run() {
    bind();
    StmtRef step = time_step();
    if (!status_.ok()) return status_;
    std::vector<StmtRef> row = allocs_;
    load_states(row);
    row.push_back(loop_over(LoopKind::kSerial, time_, dim(parts_.steps), step));
    store_states(row);
    return block(std::move(row));
  }

  std::int64_t local_bytes() const { return local_bytes_; }

 private:
  BufferRef local(std::string name, DType dtype, const ir::Dims& dims) {
    auto buffer = std::make_shared<Buffer>(Buffer{std::move(name), dtype, dims, Space::kLocal, Access::kInOut});
    if (height_ == 1) {
      buffer->dims.erase(buffer->dims.begin());
    } else {
      buffer->dims[0] = ir::Dim(height_);
    }
    std::optional<ir::Dim> size = ir::product(buffer->dims);
    if (!size->is_static()) {
      status_ = parts_.refuse(absl::StrCat("a value of symbolic size ", ir::to_string(dims)));
      return buffer;
    }
    local_bytes_ += size->value() * dtype.bytes();
    allocs_.push_back(alloc(buffer));
    return buffer;
  }

  // Body inputs are bound to stand-ins of their own shape; loads of stand-ins become loads of local rows and of the
  // time slice.
  void bind() {
    for (const auto& [value, buffer] : parts_.given) outside_.bind(value, buffer);
    for (int i = 0; i < scan_.num_operands() && status_.ok(); ++i) {
      std::size_t at = static_cast<std::size_t>(i);
      bool is_state = at < parts_.num_states, is_x = !is_state && at < parts_.num_states + parts_.num_xs;
      ir::Value inner = body_.inputs()[at]->result();
      if (is_state) {
        states_.push_back(local(absl::StrCat("state", i), inner.dtype(), inner.dims()));
        rows_of_[bind_stand_in(inner).get()] = states_.back();
      } else if (is_x) {
        slices_[bind_stand_in(inner).get()] = scan_.operand(i);
      } else if (auto given = parts_.given.find(scan_.operand(i)); given != parts_.given.end()) {
        inliner_.bind(inner, given->second);
      } else {
        status_ = parts_.refuse("a captured value that the group computes");
      }
    }
  }

  // An element of an operand of the scan, read through what the group does with it.
  Expr outside(ir::Value operand, const Exprs& index) {
    absl::StatusOr<Expr> element = outside_.at(operand, index);
    if (element.ok()) return *element;
    status_ = element.status();
    return constant(0, operand.dtype());
  }

  BufferRef bind_stand_in(ir::Value value) {
    auto stand_in = std::make_shared<Buffer>(Buffer{"row", value.dtype(), value.dims(), Space::kLocal, Access::kIn});
    inliner_.bind(value, stand_in);
    return stand_in;
  }

  Expr time_index() const { return scan_.attrs().flag("reverse") ? dim(parts_.steps) - 1 - var(time_) : var(time_); }

  // Loads of stand-ins at the row being computed; another row would break the independence that the parallel loop
  // needs.
  Expr localized(const Expr& e) {
    return rewrite(e, [&](const Expr& x) -> Expr {
      if (x->kind != ExprKind::kLoad) return nullptr;
      if (auto slice = slices_.find(x->buffer.get()); slice != slices_.end()) {
        Exprs index{time_index()};
        for (const Expr& i : x->args) index.push_back(localized(i));
        return outside(slice->second, index);
      }
      auto row = rows_of_.find(x->buffer.get());
      if (row == rows_of_.end()) return nullptr;
      if (x->args[0]->kind != ExprKind::kVar || x->args[0]->var != row_) status_ = parts_.refuse("the body mixes rows");
      Exprs index = lane_index();
      for (std::size_t i = 1; i < x->args.size(); ++i) index.push_back(localized(x->args[i]));
      return load(row->second, std::move(index));
    });
  }

  // The place of the tile's row in a local.
  Exprs lane_index() const { return height_ == 1 ? Exprs{} : Exprs{var(lane_)}; }
  // `e` at the tile's row.
  Expr at_row(const Expr& e) const { return substitute(e, row_, height_ == 1 ? first_ : first_ + var(lane_)); }

  // The loops over the rows of the tile and over a row: variables, extents, and what they index.
  struct RowLoops {
    std::vector<VarRef> vars;
    ir::Dims extents;
    Exprs index;  // of the row
  };
  RowLoops loops_over(const ir::Dims& row_dims) const {
    RowLoops loops;
    if (height_ > 1) {
      loops.vars.push_back(lane_);
      loops.extents.push_back(ir::Dim(height_));
    }
    for (std::size_t axis = 0; axis < row_dims.size(); ++axis) {
      loops.vars.push_back(make_var(kRowNames[std::min(axis, std::size(kRowNames) - 1)]));
      loops.extents.push_back(row_dims[axis]);
      loops.index.push_back(var(loops.vars.back()));
    }
    return loops;
  }
  static Exprs joined(Exprs prefix, const Exprs& index) {
    prefix.insert(prefix.end(), index.begin(), index.end());
    return prefix;
  }

  // for j… { into[prefix…, j…] = value[row, j…] }
  void compute_row(ir::Value value, const BufferRef& into, const Exprs& prefix, std::vector<StmtRef>& out) {
    if (value.rank() == 0 || !(value.dims()[0] == parts_.rows)) {
      status_ = parts_.refuse(absl::StrCat("a result of other rows, ", value.type().to_string()));
      return;
    }
    RowLoops loops = loops_over(ir::Dims(value.dims().begin() + 1, value.dims().end()));
    Exprs index = joined({var(row_)}, loops.index), target = joined(prefix, loops.index);
    absl::StatusOr<Expr> element = inliner_.at(value, index);
    if (!element.ok()) {
      status_ = element.status();
      return;
    }
    if (is_contraction(*value.node) && has_window(*element)) {
      status_ = parts_.refuse(absl::StrCat("a window slides in ", value.node->op().name));
      return;
    }
    NestBuilder builder;
    builder.enter(time_);
    visit(first_, [&](const ExprNode& e) {
      if (e.kind == ExprKind::kVar) builder.enter(e.var);
    });
    out.push_back(build_nest(loops.vars, loops.extents, {{into, target, at_row(localized(*element))}}, builder));
  }

  StmtRef time_step() {
    std::vector<StmtRef> out;
    for (const auto& node : body_.nodes()) {
      if (node->is("input") || !depends_on_row(*node)) continue;
      for (int r = 0; r < node->num_results() && status_.ok(); ++r) {
        if (!deserves_row(node->result(r))) continue;
        keep_row(absl::StrCat(node->op().name, next_row_++), node->result(r), out);
      }
    }
    std::vector<BufferRef> next;
    for (std::size_t i = 0; i < body_.outputs().size() && status_.ok(); ++i) {
      ir::Value value = body_.outputs()[i].value;
      if (i >= parts_.num_states) {
        if (parts_.results[i]) compute_row(value, parts_.results[i], {time_index(), at_row(var(row_))}, out);
        continue;
      }
      if (!kept_.count(value)) keep_row(absl::StrCat("next", i), value, out);  // often an output, too: computed once
      next.push_back(kept_.at(value));
    }
    for (std::size_t i = 0; i < next.size(); ++i) {
      copy_row(
          i, lane_index(), states_[i], [&](const Exprs& index) { return load(next[i], joined(lane_index(), index)); },
          out);
    }
    return block(std::move(out));
  }

  static bool is_contraction(const ir::Node& node) { return node.op().fusion == ir::FusionClass::kContraction; }
  static bool folds(const ir::Node& node) {
    return is_contraction(node) || node.op().fusion == ir::FusionClass::kReduction;
  }

  // Whether a value is computed once a step, into a local row, rather than wherever it is read: what folds, what a fold
  // reads once for each of its results, and what costs much and is read in several places.
  bool deserves_row(ir::Value value) {
    const ir::Node& node = *value.node;
    if (folds(node)) return true;
    if (node.op().fusion != ir::FusionClass::kElementwise) return false;
    const std::vector<ir::Use>& uses = node.uses(value.index);
    if (std::any_of(uses.begin(), uses.end(), [](const ir::Use& use) { return folds(*use.user); })) return true;
    bool moves = std::any_of(uses.begin(), uses.end(),
                             [](const ir::Use& use) { return use.user->op().fusion == ir::FusionClass::kInjective; });
    const auto& outputs = body_.outputs();
    auto results =
        std::count_if(outputs.begin(), outputs.end(), [&](const auto& output) { return output.value == value; });
    return (moves || uses.size() + static_cast<std::size_t>(results) > 1) && cost_of(value) > kCheap;
  }

  std::int64_t cost_of(ir::Value value) {
    Exprs index;
    for (int axis = 0; axis < value.rank(); ++axis) index.push_back(var(row_));
    absl::StatusOr<Expr> element = inliner_.at(value, index);
    return element.ok() ? cost(*element) : 0;
  }

  void keep_row(std::string name, ir::Value value, std::vector<StmtRef>& out) {
    BufferRef row = local(std::move(name), value.dtype(), value.dims());
    compute_row(value, row, lane_index(), out);
    rows_of_[bind_stand_in(value).get()] = row;
    kept_[value] = row;
  }

  // What slides a window over a row has better kernels of its own than a fold inside this one.
  static bool has_window(const Expr& contraction) {
    bool found = false;
    visit(contraction, [&](const ExprNode& e) { found |= e.kind == ExprKind::kReduce && e.extents.size() > 1; });
    return found;
  }

  bool depends_on_row(const ir::Node& node) const {
    for (int r = 0; r < node.num_results(); ++r) {
      const ir::Dims& dims = node.result_types()[static_cast<std::size_t>(r)].dims;
      if (!dims.empty() && dims[0] == parts_.rows) return true;
    }
    return false;
  }

  // for j… { into[prefix…, j…] = element(j…) }, for a row of state `i`.
  void copy_row(std::size_t i, const Exprs& prefix, const BufferRef& into,
                const std::function<Expr(const Exprs&)>& element, std::vector<StmtRef>& out) {
    const ir::Dims& dims = scan_.operand(static_cast<int>(i)).dims();
    RowLoops loops = loops_over(ir::Dims(dims.begin() + 1, dims.end()));
    StmtRef copy = store(into, joined(prefix, loops.index), at_row(element(loops.index)));
    for (std::size_t axis = loops.vars.size(); axis-- > 0;) {
      copy = loop_over(LoopKind::kSerial, loops.vars[axis], dim(loops.extents[axis]), copy);
    }
    out.push_back(copy);
  }

  void load_states(std::vector<StmtRef>& out) {
    for (std::size_t i = 0; i < parts_.num_states; ++i) {
      auto initial = [&](const Exprs& index) {
        return outside(scan_.operand(static_cast<int>(i)), joined({var(row_)}, index));
      };
      copy_row(i, lane_index(), states_[i], initial, out);
    }
  }

  void store_states(std::vector<StmtRef>& out) {
    for (std::size_t i = 0; i < parts_.num_states; ++i) {
      if (!parts_.results[i]) continue;
      auto last = [&](const Exprs& index) { return load(states_[i], joined(lane_index(), index)); };
      copy_row(i, {at_row(var(row_))}, parts_.results[i], last, out);
    }
  }

  const ScanParts& parts_;
  const ir::Node& scan_;
  const ir::Graph& body_;
  int height_;
  Expr first_;
  VarRef row_ = make_var("row"), lane_ = make_var("r"), time_ = make_var("t");
  Inliner inliner_, outside_;                   // of the body; of the group around the scan
  std::map<const Buffer*, ir::Value> slices_;   // stand-in -> operand of all steps
  std::map<const Buffer*, BufferRef> rows_of_;  // stand-in -> local row
  std::map<ir::Value, BufferRef> kept_;         // what has a local row in this step
  std::vector<BufferRef> states_;
  std::vector<StmtRef> allocs_;
  std::int64_t local_bytes_ = 0;
  int next_row_ = 0;
  absl::Status status_;
};

// The rows one by one, or as many tiles as they fill and the rest one by one.
absl::StatusOr<Kernel> lower(ScanParts& parts) {
  if (absl::Status status = parts.find_rows(); !status.ok()) return status;
  Kernel kernel;
  kernel.name = "scan";
  parts.add_params(kernel);
  kernel.in_place.assign(kernel.params.size(), -1);

  VarRef piece = make_var("b");
  const std::int64_t most = parts.rows.is_static() ? parts.rows.value() : kTileRows;
  RowTile single(parts, 1, var(piece));
  absl::StatusOr<StmtRef> one = single.run();
  if (!one.ok()) return one.status();
  if (single.local_bytes() > kMaxLocalBytes)
    return parts.refuse(absl::StrCat("the rows of a step take ", single.local_bytes(), " bytes"));
  int height = kTileRows;
  while (height > 1 && (height > most || height * single.local_bytes() > kMaxLocalBytes)) height /= 2;
  if (height == 1) {
    kernel.body = loop_over(LoopKind::kSerial, piece, dim(parts.rows), *one);
    return kernel;
  }
  Expr full = dim(parts.rows) / height;
  absl::StatusOr<StmtRef> tile = RowTile(parts, height, var(piece) * height).run();
  if (!tile.ok()) return tile.status();
  // After the tiles, piece p is row p - full + full * height.
  Expr rest = dim(parts.rows) - full * (height - 1);
  StmtRef either = *tile;
  if (as_integer(dim(parts.rows) % height) != 0) {
    absl::StatusOr<StmtRef> left = RowTile(parts, 1, var(piece) + full * (height - 1)).run();
    if (!left.ok()) return left.status();
    either = if_then(lt(var(piece), full), *tile, *left);
  }
  kernel.body = loop_over(LoopKind::kSerial, piece, rest, either);
  return kernel;
}

}  // namespace

const ir::Node* scan_of(const ir::Node& node) {
  if (node.is("scan")) return &node;
  if (!node.is("fusion")) return nullptr;
  for (const auto& inner : node.body().nodes()) {
    if (inner->is("scan")) return inner.get();
  }
  return nullptr;
}

absl::StatusOr<Kernel> lower_scan(const ir::Node& node) {
  ScanParts parts(node);
  return lower(parts);
}

}  // namespace mica::loop
