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
constexpr const char* kRowNames[] = {"j", "k", "l", "m", "n"};

class ScanLowering {
 public:
  explicit ScanLowering(const ir::Node& node)
      : node_(node),
        scan_(*scan_of(node)),
        body_(scan_.body()),
        num_states_(static_cast<std::size_t>(scan_.attrs().integer("num_states"))),
        num_xs_(static_cast<std::size_t>(scan_.attrs().integer("num_xs"))) {}

  absl::StatusOr<Kernel> run() {
    if (absl::Status status = find_rows(); !status.ok()) return status;
    bind();
    StmtRef step = time_step();
    if (!status_.ok()) return status_;
    if (local_bytes_ > kMaxLocalBytes) return refuse(absl::StrCat("the rows of a step take ", local_bytes_, " bytes"));
    std::vector<StmtRef> row = allocs_;
    load_states(row);
    row.push_back(loop_over(LoopKind::kSerial, time_, dim(steps_), step));
    store_states(row);
    kernel_.name = "scan";
    kernel_.body = loop_over(LoopKind::kSerial, row_, dim(rows_), block(std::move(row)));
    kernel_.in_place.assign(kernel_.params.size(), -1);
    return kernel_;
  }

 private:
  absl::Status refuse(std::string_view why) const {
    return absl::UnimplementedError(absl::StrCat("scan: ", std::string(why)));
  }

  // The first axis of every state is the row; without states of rank 1 or more there is one row.
  absl::Status find_rows() {
    if (num_states_ == 0 || num_xs_ + scan_.bodies()[0]->outputs().size() == num_states_)
      return refuse("no states, or nothing to run over");
    if (num_xs_ == 0) return refuse("the number of steps comes from no operand");
    steps_ = scan_.operand(static_cast<int>(num_states_)).type().dim(0);
    for (std::size_t i = 0; i < num_states_; ++i) {
      const ir::Dims& dims = scan_.operand(static_cast<int>(i)).dims();
      if (dims.empty()) return refuse("a state without rows");
      if (i == 0) rows_ = dims[0];
      if (!(dims[0] == rows_)) return refuse("states of different numbers of rows");
      if (!ir::all_static(ir::Dims(dims.begin() + 1, dims.end()))) return refuse("a state of symbolic size");
    }
    return absl::OkStatus();
  }

  BufferRef local(std::string name, DType dtype, const ir::Dims& dims) {
    auto buffer = std::make_shared<Buffer>(
        Buffer{std::move(name), dtype, ir::Dims(dims.begin() + 1, dims.end()), Space::kLocal, Access::kInOut});
    std::optional<ir::Dim> size = ir::product(buffer->dims);
    if (!size->is_static()) {
      status_ = refuse(absl::StrCat("a value of symbolic size ", ir::to_string(dims)));
      return buffer;
    }
    local_bytes_ += size->value() * dtype.bytes();
    allocs_.push_back(alloc(buffer));
    return buffer;
  }

  bool is_group() const { return &node_ != &scan_; }

  void add_params() {
    for (int i = 0; i < node_.num_operands(); ++i) {
      ir::Value value = is_group() ? node_.body().inputs()[static_cast<std::size_t>(i)]->result() : node_.operand(i);
      auto buffer = std::make_shared<Buffer>(
          Buffer{absl::StrCat("x", i), value.dtype(), value.dims(), Space::kParam, Access::kIn});
      kernel_.params.push_back(buffer);
      outside_.bind(value, buffer);
      given_[value] = buffer;
    }
    results_.resize(static_cast<std::size_t>(scan_.num_results()));
    for (int i = 0; i < node_.num_results(); ++i) {
      const ir::TensorType& type = node_.result_types()[static_cast<std::size_t>(i)];
      int result = is_group() ? node_.body().outputs()[static_cast<std::size_t>(i)].value.index : i;
      auto buffer =
          std::make_shared<Buffer>(Buffer{absl::StrCat("y", i), type.dtype, type.dims, Space::kParam, Access::kOut});
      kernel_.params.push_back(buffer);
      results_[static_cast<std::size_t>(result)] = buffer;
    }
  }

  // Body inputs are bound to stand-ins of their own shape; loads of stand-ins become loads of local rows and of the
  // time slice.
  void bind() {
    add_params();
    for (int i = 0; i < scan_.num_operands() && status_.ok(); ++i) {
      std::size_t at = static_cast<std::size_t>(i);
      bool is_state = at < num_states_, is_x = !is_state && at < num_states_ + num_xs_;
      ir::Value inner = body_.inputs()[at]->result();
      if (is_state) {
        states_.push_back(local(absl::StrCat("state", i), inner.dtype(), inner.dims()));
        rows_of_[bind_stand_in(inner).get()] = states_.back();
      } else if (is_x) {
        slices_[bind_stand_in(inner).get()] = scan_.operand(i);
      } else if (auto given = given_.find(scan_.operand(i)); given != given_.end()) {
        inliner_.bind(inner, given->second);
      } else {
        status_ = refuse("a captured value that the group computes");
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

  Expr time_index() const { return scan_.attrs().flag("reverse") ? dim(steps_) - 1 - var(time_) : var(time_); }

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
      if (x->args[0]->kind != ExprKind::kVar || x->args[0]->var != row_) status_ = refuse("the body mixes rows");
      Exprs index;
      for (std::size_t i = 1; i < x->args.size(); ++i) index.push_back(localized(x->args[i]));
      return load(row->second, std::move(index));
    });
  }

  // for j… { into[prefix…, j…] = value[row, j…] }
  void compute_row(ir::Value value, const BufferRef& into, const Exprs& prefix, std::vector<StmtRef>& out) {
    if (value.rank() == 0 || !(value.dims()[0] == rows_)) {
      status_ = refuse(absl::StrCat("a result of other rows, ", value.type().to_string()));
      return;
    }
    std::vector<VarRef> vars;
    Exprs index{var(row_)}, target = prefix;
    for (int axis = 1; axis < value.rank(); ++axis) {
      vars.push_back(
          make_var(kRowNames[std::min<std::size_t>(static_cast<std::size_t>(axis - 1), std::size(kRowNames) - 1)]));
      index.push_back(var(vars.back()));
      target.push_back(var(vars.back()));
    }
    absl::StatusOr<Expr> element = inliner_.at(value, index);
    if (!element.ok()) {
      status_ = element.status();
      return;
    }
    if (is_contraction(*value.node) && has_window(*element)) {
      status_ = refuse(absl::StrCat("a window slides in ", value.node->op().name));
      return;
    }
    NestBuilder builder;
    builder.enter(row_);
    builder.enter(time_);
    ir::Dims extents(value.dims().begin() + 1, value.dims().end());
    out.push_back(build_nest(vars, extents, {{into, target, localized(*element)}}, builder));
  }

  StmtRef time_step() {
    std::vector<StmtRef> out;
    for (const auto& node : body_.nodes()) {
      bool folds = is_contraction(*node) || node->op().fusion == ir::FusionClass::kReduction;
      if (!folds || !depends_on_row(*node)) continue;
      for (int r = 0; r < node->num_results() && status_.ok(); ++r) {
        ir::Value value = node->result(r);
        BufferRef row = local(absl::StrCat(node->op().name, next_row_++), value.dtype(), value.dims());
        compute_row(value, row, {}, out);
        rows_of_[bind_stand_in(value).get()] = row;
      }
    }
    std::vector<BufferRef> next;
    for (std::size_t i = 0; i < body_.outputs().size() && status_.ok(); ++i) {
      ir::Value value = body_.outputs()[i].value;
      if (i >= num_states_) {
        if (results_[i]) compute_row(value, results_[i], {time_index(), var(row_)}, out);
        continue;
      }
      next.push_back(local(absl::StrCat("next", i), value.dtype(), value.dims()));
      compute_row(value, next.back(), {}, out);
      rows_of_[bind_stand_in(value).get()] = next.back();  // the outputs often are the new state: computed once
    }
    for (std::size_t i = 0; i < next.size(); ++i) {
      copy_row(states_[i], {}, next[i]->dims, [&](const Exprs& index) { return load(next[i], index); }, out);
    }
    return block(std::move(out));
  }

  static bool is_contraction(const ir::Node& node) { return node.op().fusion == ir::FusionClass::kContraction; }

  // What slides a window over a row has better kernels of its own than a fold inside this one.
  static bool has_window(const Expr& contraction) {
    bool found = false;
    visit(contraction, [&](const ExprNode& e) { found |= e.kind == ExprKind::kReduce && e.extents.size() > 1; });
    return found;
  }

  bool depends_on_row(const ir::Node& node) const {
    for (int r = 0; r < node.num_results(); ++r) {
      const ir::Dims& dims = node.result_types()[static_cast<std::size_t>(r)].dims;
      if (!dims.empty() && dims[0] == rows_) return true;
    }
    return false;
  }

  // for j… { into[prefix…, j…] = element(j…) }
  static void copy_row(const BufferRef& into, const Exprs& prefix, const ir::Dims& dims,
                       const std::function<Expr(const Exprs&)>& element, std::vector<StmtRef>& out) {
    std::vector<VarRef> vars;
    Exprs index, target = prefix;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      vars.push_back(make_var(kRowNames[std::min(axis, std::size(kRowNames) - 1)]));
      index.push_back(var(vars.back()));
      target.push_back(var(vars.back()));
    }
    StmtRef copy = store(into, target, element(index));
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      copy = loop_over(LoopKind::kSerial, vars[axis], dim(dims[axis]), copy);
    }
    out.push_back(copy);
  }

  void load_states(std::vector<StmtRef>& out) {
    for (std::size_t i = 0; i < num_states_; ++i) {
      auto initial = [&](const Exprs& index) {
        Exprs full{var(row_)};
        full.insert(full.end(), index.begin(), index.end());
        return outside(scan_.operand(static_cast<int>(i)), full);
      };
      copy_row(states_[i], {}, states_[i]->dims, initial, out);
    }
  }

  void store_states(std::vector<StmtRef>& out) const {
    for (std::size_t i = 0; i < num_states_; ++i) {
      if (!results_[i]) continue;
      copy_row(
          results_[i], {var(row_)}, states_[i]->dims, [&](const Exprs& index) { return load(states_[i], index); }, out);
    }
  }

  const ir::Node &node_, &scan_;
  const ir::Graph& body_;
  std::size_t num_states_, num_xs_;
  ir::Dim rows_, steps_;
  VarRef row_ = make_var("b"), time_ = make_var("t");
  Kernel kernel_;
  Inliner inliner_, outside_;                   // of the body; of the group around the scan
  std::map<ir::Value, BufferRef> given_;        // operands of the group
  std::vector<BufferRef> results_;              // of the scan; null: nobody reads it
  std::map<const Buffer*, ir::Value> slices_;   // stand-in -> operand of all steps
  std::map<const Buffer*, BufferRef> rows_of_;  // stand-in -> local row
  std::vector<BufferRef> states_;
  std::vector<StmtRef> allocs_;
  std::int64_t local_bytes_ = 0;
  int next_row_ = 0;
  absl::Status status_;
};

}  // namespace

const ir::Node* scan_of(const ir::Node& node) {
  if (node.is("scan")) return &node;
  if (!node.is("fusion")) return nullptr;
  for (const auto& inner : node.body().nodes()) {
    if (inner->is("scan")) return inner.get();
  }
  return nullptr;
}

absl::StatusOr<Kernel> lower_scan(const ir::Node& node) { return ScanLowering(node).run(); }

}  // namespace mica::loop
