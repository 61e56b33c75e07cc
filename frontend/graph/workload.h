// Workload: the pending calls that run together, and what of them is kept.
//
// The results are what was asked for, every Variable's pending value, and every pending value that somebody still holds
// and that shares work with those: nothing is computed twice. Calls stand in the order of recording. A graph of calls
// is known by its key: the signatures, how they are wired, which operands are Variables and which results replace one.
// Operands are numbered by first use; arrays and numbers are never part of it.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/graph/value.h"

namespace mica::internal {

class Workload {
 public:
  using Key = std::vector<std::uint32_t>;

  // `cells`: the Variables whose values are asked for.
  Workload(std::span<const ValueRef> asked, std::span<const CellRef> cells, const PendingCalls& pending);

  bool empty() const { return calls_.empty(); }
  const std::vector<CallRef>& calls() const { return calls_; }
  const std::vector<ValueRef>& operands() const { return operands_; }
  const std::vector<ValueRef>& results() const { return results_; }
  // Of each result the operand that it replaces, the former value of its Variable; -1: none.
  const std::vector<int>& replaced() const { return replaced_; }
  const Key& key() const { return key_; }
  // The graph with the key. The locations say which call made a node: "encoder/dense@17", see where_of.
  std::unique_ptr<ir::Graph> graph() const;
  // Of each operand whether the evaluation is its last holder: its storage may be overwritten.
  std::vector<bool> released() const;
  // Binds the arrays of the results, and forgets how they came about where no gradient needs it.
  void settle(std::vector<rt::Array> arrays);
  // The error of a Program with the key, named after the calls of this graph.
  std::string name_calls(std::string_view message) const;

 private:
  void need(const ValueRef& value);
  void enter(const CallRef& call);
  void drain();
  void want(const ValueRef& value);
  bool want_sharing(const PendingCalls& pending);
  bool is_made_here(const ValueNode& value) const;
  void number_operands();
  void find_replaced(std::span<const CellRef> cells);
  void write_key();
  void count_uses();
  bool forgets(const Call& call, const ValueNode& value) const;

  std::uint64_t walk_;
  std::size_t drained_ = 0;
  std::vector<CallRef> calls_;
  std::vector<ValueRef> operands_, results_;
  std::vector<int> replaced_;
  Key key_;
};

}  // namespace mica::internal
