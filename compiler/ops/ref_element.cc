#include "compiler/ops/ref_element.h"

#include <array>

#include "compiler/loop/scalar_eval.h"

namespace mica::ir {
std::int64_t flat_index(const Ints& dims, const Ints& index) {
  std::int64_t flat = 0;
  for (std::size_t i = 0; i < dims.size(); ++i) flat = flat * dims[i] + index[i];
  return flat;
}

double element(const RefTensor& x, const Ints& index) {
  return x.data[static_cast<std::size_t>(flat_index(x.dims, index))];
}

double broadcast_element(const RefTensor& x, const Ints& index) {
  std::size_t skip = index.size() - x.dims.size();
  std::int64_t flat = 0;
  for (std::size_t i = 0; i < x.dims.size(); ++i) flat = flat * x.dims[i] + (x.dims[i] == 1 ? 0 : index[skip + i]);
  return x.data[static_cast<std::size_t>(flat)];
}

void for_each_index(const Ints& dims, const std::function<void(const Ints& index)>& f) {
  for (std::int64_t dim : dims) {
    if (dim == 0) return;
  }
  Ints index(dims.size(), 0);
  while (true) {
    f(index);
    std::size_t axis = dims.size();
    while (axis > 0 && ++index[axis - 1] == dims[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

ReferenceFn each_element(ElementFn f) {
  return [f = std::move(f)](const RefContext& c) {
    std::size_t next = 0;
    for_each_index(c.results[0].dims, [&](const Ints& index) { c.results[0].data[next++] = f(c, index); });
    return absl::OkStatus();
  };
}

absl::Status evaluate_scalar_op(loop::ScalarOp op, const RefContext& c) {
  RefTensor& result = c.results[0];
  const loop::ScalarOpInfo& info = loop::info(op);
  const bool exact = info.type_rule == loop::ScalarClass::kSame && !result.dtype.is_floating();
  std::size_t next = 0;
  std::array<double, 3> x{};
  for_each_index(result.dims, [&](const Ints& index) {
    for (std::size_t i = 0; i < c.operands.size(); ++i) x[i] = broadcast_element(*c.operands[i], index);
    if (exact) {
      std::array<std::int64_t, 3> n{};
      for (std::size_t i = 0; i < 3; ++i) n[i] = static_cast<std::int64_t>(x[i]);
      result.data[next++] = static_cast<double>(loop::evaluate_integer(op, result.dtype, n.data()));
    } else {
      result.data[next++] = info.evaluate(x.data());
    }
  });
  return absl::OkStatus();
}

double convert(double value, DType from, DType to) {
  if (to.is_floating()) return value;
  std::int64_t whole = from.is_floating() || to.is_bool() ? loop::float_to_integer(value, to)
                                                          : loop::wrap_to(static_cast<std::int64_t>(value), to);
  return static_cast<double>(whole);
}

}  // namespace mica::ir
