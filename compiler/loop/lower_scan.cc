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
  explicit ScanLowering(const ir::Node& scan)
      : scan_(scan),
        body_(scan.body()),
        num_states_(static_cast<std::size_t>(scan.attrs().integer("num_states"))),
        num_xs_(static_cast<std::size_t>(scan.attrs().integer("num_xs"))) {}

  absl::StatusOr<Kernel> run() {
    if (absl::Status status = find_rows(); !status.ok()) return status;
    bind();
    StmtRef step = time_step();
    if (!status_.ok()) return status_;
    if (local_bytes_ > kMaxLocalBytes) return refuse(absl::StrCat("the rows of a step take ", local_bytes_, " bytes"));
    std::vector<StmtRef> row = allocs_;
    copy_states(row, /*load_initial=*/true);
    row.push_back(loop_over(LoopKind::kSerial, time_, dim(steps_), step));
    copy_states(row, /*load_initial=*/false);
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

  BufferRef param(const ir::Value& value, std::string name, Access access) {
    auto buffer = std::make_shared<Buffer>(Buffer{std::move(name), value.dtype(), value.dims(), Space::kParam, access});
    kernel_.params.push_back(buffer);
    return buffer;
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

  // Body inputs are bound to stand-ins of their own shape; loads of stand-ins become loads of local rows and of the
  // time slice.
  void bind() {
    for (int i = 0; i < scan_.num_operands(); ++i) {
      std::size_t at = static_cast<std::size_t>(i);
      bool is_state = at < num_states_, is_x = !is_state && at < num_states_ + num_xs_;
      BufferRef operand = param(scan_.operand(i), absl::StrCat(is_state ? "s" : is_x ? "x" : "c", i), Access::kIn);
      ir::Value inner = body_.inputs()[at]->result();
      if (!is_state && !is_x) {
        inliner_.bind(inner, operand);
        continue;
      }
      BufferRef stand_in = bind_stand_in(inner);
      if (is_x) {
        slices_[stand_in.get()] = operand;
      } else {
        states_.push_back(local(absl::StrCat("state", i), inner.dtype(), inner.dims()));
        rows_of_[stand_in.get()] = states_.back();
      }
    }
    for (int i = 0; i < scan_.num_results(); ++i) {
      kernel_.params.push_back(std::make_shared<Buffer>(
          Buffer{absl::StrCat("y", i), scan_.result_types()[static_cast<std::size_t>(i)].dtype,
                 scan_.result_types()[static_cast<std::size_t>(i)].dims, Space::kParam, Access::kOut}));
    }
  }

  BufferRef bind_stand_in(ir::Value value) {
    auto stand_in = std::make_shared<Buffer>(Buffer{"row", value.dtype(), value.dims(), Space::kLocal, Access::kIn});
    inliner_.bind(value, stand_in);
    return stand_in;
  }

  const BufferRef& result_param(std::size_t i) const {
    return kernel_.params[static_cast<std::size_t>(scan_.num_operands()) + i];
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
        return load(slice->second, std::move(index));
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
    NestBuilder builder;
    builder.enter(row_);
    builder.enter(time_);
    ir::Dims extents(value.dims().begin() + 1, value.dims().end());
    out.push_back(build_nest(vars, extents, {{into, target, localized(*element)}}, builder));
  }

  StmtRef time_step() {
    std::vector<StmtRef> out;
    for (const auto& node : body_.nodes()) {
      bool folds =
          node->op().fusion == ir::FusionClass::kContraction || node->op().fusion == ir::FusionClass::kReduction;
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
        compute_row(value, result_param(i), {time_index(), var(row_)}, out);
        continue;
      }
      next.push_back(local(absl::StrCat("next", i), value.dtype(), value.dims()));
      compute_row(value, next.back(), {}, out);
      rows_of_[bind_stand_in(value).get()] = next.back();  // the outputs often are the new state: computed once
    }
    for (std::size_t i = 0; i < next.size(); ++i) copy_row(next[i], {}, states_[i], {}, out);
    return block(std::move(out));
  }

  bool depends_on_row(const ir::Node& node) const {
    for (int r = 0; r < node.num_results(); ++r) {
      const ir::Dims& dims = node.result_types()[static_cast<std::size_t>(r)].dims;
      if (!dims.empty() && dims[0] == rows_) return true;
    }
    return false;
  }

  static void copy_row(const BufferRef& from, const Exprs& from_prefix, const BufferRef& into, const Exprs& into_prefix,
                       std::vector<StmtRef>& out) {
    const ir::Dims& dims = from->space == Space::kLocal ? from->dims : into->dims;
    std::vector<VarRef> vars;
    Exprs source = from_prefix, target = into_prefix;
    for (std::size_t axis = 0; axis < dims.size(); ++axis) {
      vars.push_back(make_var(kRowNames[std::min(axis, std::size(kRowNames) - 1)]));
      source.push_back(var(vars.back()));
      target.push_back(var(vars.back()));
    }
    StmtRef copy = store(into, target, load(from, source));
    for (std::size_t axis = dims.size(); axis-- > 0;)
      copy = loop_over(LoopKind::kSerial, vars[axis], dim(dims[axis]), copy);
    out.push_back(copy);
  }

  void copy_states(std::vector<StmtRef>& out, bool load_initial) {
    for (std::size_t i = 0; i < num_states_; ++i) {
      if (load_initial) {
        copy_row(kernel_.params[i], {var(row_)}, states_[i], {}, out);
      } else {
        copy_row(states_[i], {}, result_param(i), {var(row_)}, out);
      }
    }
  }

  const ir::Node& scan_;
  const ir::Graph& body_;
  std::size_t num_states_, num_xs_;
  ir::Dim rows_, steps_;
  VarRef row_ = make_var("b"), time_ = make_var("t");
  Kernel kernel_;
  Inliner inliner_;
  std::map<const Buffer*, BufferRef> slices_, rows_of_;  // stand-in -> operand of all steps, local row
  std::vector<BufferRef> states_;
  std::vector<StmtRef> allocs_;
  std::int64_t local_bytes_ = 0;
  int next_row_ = 0;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<Kernel> lower_scan(const ir::Node& scan) { return ScanLowering(scan).run(); }

}  // namespace mica::loop
