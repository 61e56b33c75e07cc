#include "compiler/ops/kernel_builder.h"

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {

using loop::Expr;
using loop::Exprs;
using loop::StmtRef;

Expr flat_position(const Dims& dims, const Exprs& index) {
  Expr flat = loop::integer(0);
  for (std::size_t i = 0; i < dims.size(); ++i) flat = flat * loop::dim(dims[i]) + index[i];
  return flat;
}

Exprs index_at(const Dims& dims, Expr flat) {
  Exprs index(dims.size());
  for (std::size_t i = dims.size(); i-- > 0;) {
    index[i] = i == 0 ? flat : flat % loop::dim(dims[i]);
    flat = flat / loop::dim(dims[i]);
  }
  return index;
}

Exprs concatenated(Exprs a, const Exprs& b, const Exprs& c) {
  a.insert(a.end(), b.begin(), b.end());
  a.insert(a.end(), c.begin(), c.end());
  return a;
}

KernelBuilder::KernelBuilder(const Node& node) : num_operands_(node.num_operands()) {
  kernel_.name = node.op().name;
  auto add = [&](std::string name, const TensorType& type, loop::Access access) {
    kernel_.params.push_back(std::make_shared<loop::Buffer>(
        loop::Buffer{std::move(name), type.dtype, type.dims, loop::Space::kParam, access}));
  };
  for (int i = 0; i < node.num_operands(); ++i) add(absl::StrCat("x", i), node.operand(i).type(), loop::Access::kIn);
  for (int i = 0; i < node.num_results(); ++i) {
    add(absl::StrCat("y", i), node.result_types()[static_cast<std::size_t>(i)], loop::Access::kOut);
  }
  kernel_.in_place.assign(kernel_.params.size(), -1);
}

loop::VarRef KernelBuilder::fresh(const std::string& name, DType dtype) {
  return loop::make_var(absl::StrCat(name, next_++), dtype);
}

Expr KernelBuilder::let(const std::string& name, const Expr& value) {
  loop::VarRef v = fresh(name, value->dtype);
  lets_.push_back(loop::let(v, value));
  return loop::var(v);
}

StmtRef KernelBuilder::iteration(const Exprs& index, const Body& body) {
  std::vector<StmtRef> outer = std::move(lets_);
  lets_.clear();
  std::vector<StmtRef> statements = body(index);
  statements.insert(statements.begin(), lets_.begin(), lets_.end());
  lets_ = std::move(outer);
  return statements.size() == 1 ? statements[0] : loop::block(std::move(statements));
}

loop::Kernel KernelBuilder::rows(const Dims& dims, const Body& body) {
  loop::VarRef row = fresh("i");
  StmtRef statements = iteration(index_at(dims, loop::var(row)), body);
  kernel_.body = loop::loop_over(loop::LoopKind::kParallel, row, loop::dim(product(dims)), statements);
  kernel_.grain = 64;
  return kernel_;
}

loop::Kernel KernelBuilder::elements(int i, const Body& body) {
  loop::BufferRef& buffer = kernel_.params[static_cast<std::size_t>(num_operands_ + i)];
  loop::Buffer flat = *buffer;
  flat.dims = {product(flat.dims)};
  buffer = std::make_shared<loop::Buffer>(flat);
  loop::VarRef element = fresh("i");
  StmtRef statements = iteration({loop::var(element)}, body);
  kernel_.body = loop::loop_over(loop::LoopKind::kSerial, element, loop::dim(flat.dims[0]), statements);
  return kernel_;
}

StmtRef KernelBuilder::range(const Expr& begin, const Expr& end, const Body& body) {
  loop::VarRef i = fresh("j");
  StmtRef statement = iteration({begin + loop::var(i)}, body);
  return loop::loop_over(loop::LoopKind::kSerial, i, end - begin, statement);
}

StmtRef KernelBuilder::each(const Dims& dims, const Body& body) {
  std::vector<loop::VarRef> vars;
  Exprs index;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    vars.push_back(fresh("j"));
    index.push_back(loop::var(vars.back()));
  }
  StmtRef statement = iteration(index, body);
  for (std::size_t i = dims.size(); i-- > 0;) {
    statement = loop::loop_over(loop::LoopKind::kSerial, vars[i], loop::dim(dims[i]), statement);
  }
  return statement;
}

}  // namespace mica::ir
