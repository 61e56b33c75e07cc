// KernelBuilder: the frame of the kernels that operations write themselves: params in the order of the node, one
// parallel loop over rows with plain loops inside, or one loop over elements.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/loop/kernel.h"

namespace mica::ir {

// Row-major position of an index, and the index of a position.
loop::Expr flat_position(const Dims& dims, const loop::Exprs& index);
loop::Exprs index_at(const Dims& dims, loop::Expr flat);

loop::Exprs concatenated(loop::Exprs a, const loop::Exprs& b, const loop::Exprs& c = {});

class KernelBuilder {
 public:
  explicit KernelBuilder(const Node& node);
  const loop::BufferRef& param(int i) const { return kernel_.params[static_cast<std::size_t>(i)]; }
  const loop::BufferRef& result(int i) const { return param(num_operands_ + i); }

  // The statements of one iteration, in order.
  using Body = std::function<std::vector<loop::StmtRef>(const loop::Exprs& index)>;
  // The kernel whose parallel loop runs over all indices of `dims`.
  loop::Kernel rows(const Dims& dims, const Body& body);
  // The kernel whose loop runs over the elements of result `i`, taken as flat. The schedule brings it into vectors and
  // threads; index[0] is the flat position.
  loop::Kernel elements(int i, const Body& body);
  // Serial loops over all indices of `dims`.
  loop::StmtRef each(const Dims& dims, const Body& body);
  // A serial loop over begin … end - 1.
  loop::StmtRef range(const loop::Expr& begin, const loop::Expr& end, const Body& body);
  // A variable that holds `value` from the start of the iteration whose body is being made.
  loop::Expr let(const std::string& name, const loop::Expr& value);

 private:
  loop::StmtRef iteration(const loop::Exprs& index, const Body& body);
  loop::VarRef fresh(const std::string& name, DType dtype = kInt64);
  loop::Kernel kernel_;
  int num_operands_;
  int next_ = 0;
  std::vector<loop::StmtRef> lets_;
};

}  // namespace mica::ir
