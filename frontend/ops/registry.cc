#include <map>

#include "frontend/graph/apply.h"
#include "frontend/ops/families.h"
#include "runtime/error.h"

namespace mica::internal {

namespace {

using Operations = std::map<std::string_view, OperationDef>;  // by class name

const Operations& operations() {
  static const auto* known = [] {
    auto* all = new Operations();
    for (auto family : {elementwise_operations, reduction_operations, shape_operations, indexing_operations,
                        neural_operations, linear_algebra_operations, sorting_operations}) {
      for (OperationDef& def : family()) {
        bool is_new = all->emplace(def.class_name, def).second;
        MICA_CHECK(is_new) << "two operations of class " << def.class_name;
      }
    }
    return all;
  }();
  return *known;
}

}  // namespace

const OperationDef* find_operation(std::string_view class_name) {
  auto it = operations().find(class_name);
  return it == operations().end() ? nullptr : &it->second;
}

const OperationDef* operation_same_as(std::string_view op) {
  static const auto* known = [] {
    auto* all = new std::map<std::string_view, const OperationDef*>();
    for (const auto& [name, def] : operations()) {
      if (!def.same_as.op.empty()) all->emplace(def.same_as.op, &def);
    }
    return all;
  }();
  auto it = known->find(op);
  return it == known->end() ? nullptr : it->second;
}

Operand operand(const Arguments& arguments, std::string_view name) {
  if (const Argument* argument = arguments.find(name)) {
    if (const auto* truth = argument->get_if<bool>()) return {*truth, {}};
    if (const auto* integer = argument->get_if<std::int64_t>()) return {*integer, {}};
    if (const auto* real = argument->get_if<double>()) return {*real, {}};
  }
  return {{}, arguments.tensor(name)};
}

Tensor promoted(std::string_view op, const Arguments& arguments, std::string_view name_a, std::string_view name_b,
                bool to_float) {
  Operand a = operand(arguments, name_a), b = operand(arguments, name_b);
  if (b.number) return apply_promoted(op, a.number ? arguments.tensor(name_a) : a.tensor, *b.number, to_float);
  return a.number ? apply_promoted(op, *a.number, b.tensor, to_float)
                  : apply_promoted(op, a.tensor, b.tensor, to_float);
}

std::vector<std::int64_t> axes_of(const Arguments& arguments, std::string_view name, const Tensor& x) {
  std::vector<std::int64_t> axes;
  if (!arguments.find(name)) {
    for (int i = 0; i < x.dim(); ++i) axes.push_back(i);
    return axes;
  }
  for (std::int64_t axis : arguments.integers(name)) axes.push_back(checked_axis(axis, x.dim(), name));
  return axes;
}

}  // namespace mica::internal
