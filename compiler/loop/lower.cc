#include "compiler/loop/lower.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/loop/lower_scan.h"
#include "compiler/loop/nest.h"
#include "compiler/ops/op_def.h"
#include "runtime/error.h"

namespace mica::loop {
namespace {

constexpr const char* kNestNames[] = {"i", "j", "k", "l", "m", "n", "o", "p"};

// A result of the group: its element over the loop variables, and where it is stored.
struct Result {
  ir::Value value;
  BufferRef buffer;
  Exprs index;
  Expr element;
};

class MapLowering {
 public:
  MapLowering(const ir::Node& node, Kernel& kernel) : node_(node), kernel_(kernel) {}

  absl::Status run() {
    bind_operands();
    collect_results();
    if (absl::Status status = define_results(); !status.ok()) return status;
    mark_in_place();
    std::vector<NestStore> stores;
    for (std::size_t r : store_order()) stores.push_back({results_[r].buffer, results_[r].index, results_[r].element});
    NestBuilder builder;
    kernel_.body = build_nest(vars_, extents_, stores, builder);
    return absl::OkStatus();
  }

 private:
  bool is_group() const { return !node_.bodies().empty(); }

  void bind_operands() {
    for (int i = 0; i < node_.num_operands(); ++i) {
      ir::Value value = is_group() ? node_.body().inputs()[static_cast<std::size_t>(i)]->result() : node_.operand(i);
      auto buffer = std::make_shared<Buffer>(
          Buffer{absl::StrCat("x", i), value.dtype(), value.dims(), Space::kParam, Access::kIn});
      kernel_.params.push_back(buffer);
      inliner_.bind(value, buffer);
    }
  }

  void collect_results() {
    for (int i = 0; i < node_.num_results(); ++i) {
      ir::Value value = is_group() ? node_.body().outputs()[static_cast<std::size_t>(i)].value
                                   : ir::Value{const_cast<ir::Node*>(&node_), i};
      auto buffer = std::make_shared<Buffer>(
          Buffer{absl::StrCat("y", i), value.dtype(), value.dims(), Space::kParam, Access::kOut});
      kernel_.params.push_back(buffer);
      results_.push_back({value, buffer, {}, nullptr});
    }
  }

  // Axes that need a loop, then all of them.
  static std::pair<std::ptrdiff_t, int> axes_of(ir::Value value) {
    const ir::Dims& dims = value.dims();
    return {std::count_if(dims.begin(), dims.end(), [](const ir::Dim& dim) { return !dim.is(1); }), value.rank()};
  }

  // The loops run over the result of the most axes. Smaller results take their variables from how the large ones
  // read them (the maximum of a row that softmax subtracts), else from an axis of equal extent.
  absl::Status define_results() {
    const Result* main = &results_.front();
    for (const Result& result : results_) {
      if (axes_of(result.value) > axes_of(main->value)) main = &result;
    }
    const ir::Dims& space = main->value.dims();
    for (std::size_t axis = 0; axis < space.size(); ++axis) {
      vars_.push_back(make_var(axis < std::size(kNestNames) ? kNestNames[axis] : absl::StrCat("i", axis)));
      extents_.push_back(space[axis]);
    }
    for (int pass = 0; pass < 2; ++pass) {  // the full ones first: they make the demands
      for (Result& result : results_) {
        bool full = result.value.dims() == space;
        if (full != (pass == 0)) continue;
        absl::StatusOr<Exprs> index = full ? all_vars() : index_of(result.value);
        if (!index.ok()) return index.status();
        result.index = *std::move(index);
        absl::StatusOr<Expr> element = inliner_.at(result.value, result.index);
        if (!element.ok()) return element.status();
        result.element = *std::move(element);
      }
    }
    return absl::OkStatus();
  }

  Exprs all_vars() const {
    Exprs index;
    for (const VarRef& v : vars_) index.push_back(var(v));
    return index;
  }

  absl::StatusOr<Exprs> index_of(ir::Value value) const {
    for (const Exprs& demand : inliner_.demands(value)) {
      if (is_row_index(demand, value.dims())) return demand;
    }
    Exprs index;
    std::size_t next = 0;
    for (const ir::Dim& dim : value.dims()) {
      if (dim.is(1)) {
        index.push_back(integer(0));
        continue;
      }
      while (next < extents_.size() && !(extents_[next] == dim)) ++next;
      if (next == extents_.size()) {
        return absl::InvalidArgumentError(absl::StrCat("results ", ir::to_string(value.dims()), " and ",
                                                       ir::to_string(extents_), " share no row space"));
      }
      index.push_back(var(vars_[next++]));
    }
    return index;
  }

  // Distinct loop variables that run over the whole extent, and zeros.
  bool is_row_index(const Exprs& index, const ir::Dims& dims) const {
    std::set<const Var*> used;
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      if (as_integer(index[axis]) == 0 && dims[axis].is(1)) continue;
      if (index[axis]->kind != ExprKind::kVar) return false;
      auto it = std::find(vars_.begin(), vars_.end(), index[axis]->var);
      if (it == vars_.end() || !(extents_[static_cast<std::size_t>(it - vars_.begin())] == dims[axis])) return false;
      if (!used.insert(it->get()).second) return false;
    }
    return true;
  }

  // A result may take the storage of an operand that is read only at the element being written; first those that are
  // made of it, as what a variable becomes is made of what it was.
  void mark_in_place() {
    kernel_.in_place.assign(kernel_.params.size(), -1);
    for (bool made_of_it : {true, false}) {
      for (std::size_t r = 0; r < results_.size(); ++r) {
        if (in_place_of(r) < 0) in_place_of(r) = storage_for(results_[r], made_of_it);
      }
    }
  }

  int storage_for(const Result& result, bool made_of_it) const {
    if (!is_full(result)) return -1;
    for (int k = 0; k < node_.num_operands(); ++k) {
      const Buffer& operand = *kernel_.params[static_cast<std::size_t>(k)];
      const bool fits = operand.dtype == result.buffer->dtype && operand.dims == result.buffer->dims;
      const bool taken = std::find(kernel_.in_place.begin(), kernel_.in_place.end(), k) != kernel_.in_place.end();
      if (!fits || taken || reads(result.element, &operand) != made_of_it) continue;
      if (is_read_only_where_written(operand, result)) return k;
    }
    return -1;
  }

  // Whether every iteration stores an element of its own: none comes twice.
  bool is_full(const Result& result) const {
    for (std::size_t axis = 0; axis < vars_.size(); ++axis) {
      const bool indexed = std::any_of(result.index.begin(), result.index.end(), [&](const Expr& e) {
        return e->kind == ExprKind::kVar && e->var == vars_[axis];
      });
      if (!indexed && !extents_[axis].is(1)) return false;
    }
    return true;
  }

  // Whether an element of the result may be stored over the operand's: whoever reads the operand reads that element,
  // and is stored in the same loop, where store_order decides what comes first. Sums of rows, [N,1] beside [N,6], are
  // stored before the elements are.
  bool is_read_only_where_written(const Buffer& operand, const Result& written) const {
    return std::all_of(results_.begin(), results_.end(), [&](const Result& result) {
      if (!reads(result.element, &operand)) return true;
      return result.value.dims() == written.value.dims() && reads_only_at(result.element, operand, written.index);
    });
  }

  static bool reads_only_at(const Expr& element, const Buffer& operand, const Exprs& index) {
    bool only = true;
    visit(element, [&](const ExprNode& e) {
      if (e.kind != ExprKind::kLoad || e.buffer.get() != &operand) return;
      only &= std::equal(e.args.begin(), e.args.end(), index.begin(), index.end(),
                         [](const Expr& a, const Expr& b) { return equal(a, b); });
    });
    return only;
  }

  // A store over an operand destroys what other results still read there, so those are stored before. Where two results
  // read what the other one overwrites, one of them gets a storage of its own.
  std::vector<std::size_t> store_order() {
    std::vector<std::size_t> order;
    std::vector<bool> placed(results_.size());
    while (order.size() < results_.size()) {
      std::size_t next = results_.size(), blocked = 0;
      for (std::size_t r = results_.size(); r-- > 0;) {
        if (placed[r]) continue;
        blocked = r;
        if (!overwrites_what_others_read(r, placed)) next = r;
      }
      if (next == results_.size()) {
        in_place_of(blocked) = -1;
        continue;
      }
      placed[next] = true;
      order.push_back(next);
    }
    return order;
  }

  int& in_place_of(std::size_t result) {
    return kernel_.in_place[static_cast<std::size_t>(node_.num_operands()) + result];
  }

  bool overwrites_what_others_read(std::size_t result, const std::vector<bool>& placed) {
    if (in_place_of(result) < 0) return false;
    const Buffer* overwritten = kernel_.params[static_cast<std::size_t>(in_place_of(result))].get();
    for (std::size_t other = 0; other < results_.size(); ++other) {
      if (other != result && !placed[other] && reads(results_[other].element, overwritten)) return true;
    }
    return false;
  }

  static bool reads(const Expr& element, const Buffer* buffer) {
    bool found = false;
    visit(element, [&](const ExprNode& e) { found |= e.kind == ExprKind::kLoad && e.buffer.get() == buffer; });
    return found;
  }

  const ir::Node& node_;
  Kernel& kernel_;
  Inliner inliner_;
  std::vector<Result> results_;
  std::vector<VarRef> vars_;
  ir::Dims extents_;
};

// "add_relu" from the operations of a group: what a reader of a profile recognises.
std::string kernel_name(const ir::Node& node) {
  if (node.bodies().empty()) return node.op().name;
  std::string name;
  int listed = 0;
  for (const auto& inner : node.body().nodes()) {
    if (inner->is("input") || inner->op().fusion == ir::FusionClass::kInjective) continue;
    if (++listed > 4) break;
    absl::StrAppend(&name, name.empty() ? "" : "_", inner->op().name);
  }
  return name.empty() ? "copy" : name;
}

}  // namespace

absl::StatusOr<Kernel> lower(const ir::Node& node) {
  if (node.op().kernel) return node.op().kernel(node);
  if (scan_of(node)) return lower_scan(node);
  Kernel kernel;
  kernel.name = kernel_name(node);
  if (absl::Status status = MapLowering(node, kernel).run(); !status.ok()) return status;
  return kernel;
}

}  // namespace mica::loop
