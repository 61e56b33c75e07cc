#include "frontend/graph/workload.h"

#include <algorithm>
#include <unordered_map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/pending.h"
#include "frontend/graph/region.h"
#include "frontend/graph/signature.h"
#include "frontend/graph/variable.h"
#include "frontend/graph/walk.h"
#include "runtime/error.h"

namespace mica::internal {
namespace {

template <class F>
void for_each_result(const Call& call, F visit) {
  for (const auto* list : {&call.results, &call.copies}) {
    for (const std::weak_ptr<ValueNode>& weak : *list) {
      if (ValueRef value = weak.lock()) visit(value);
    }
  }
}

bool is_gradient(const Call& call) { return call.op->name == "gradient"; }

// `value` is a temporary handle of the caller.
bool is_held_outside(const ValueRef& value) { return value.use_count() - 1 > value->uses.get(); }

}  // namespace

Workload::Workload(std::span<const ValueRef> asked, std::span<const CellRef> cells, const PendingCalls& pending)
    : walk_(next_walk()) {
  for (const ValueRef& value : asked) want(value);
  for (const CellRef& cell : cells) want(cell->value());
  if (results_.empty()) return;
  do drain();
  while (want_sharing(pending));
  auto earlier = [](const CallRef& a, const CallRef& b) { return a->sequence < b->sequence; };
  if (!std::is_sorted(calls_.begin(), calls_.end(), earlier)) std::sort(calls_.begin(), calls_.end(), earlier);
  for (std::size_t i = 0; i < calls_.size(); ++i) calls_[i]->visited.number = static_cast<std::uint32_t>(i);
  number_operands();
  find_replaced(cells);
  write_key();
  count_uses();
}

void Workload::want(const ValueRef& value) {
  if (value->kind != ValueKind::kPending || value->wanted.walk == walk_) return;
  value->wanted = {walk_, static_cast<std::uint32_t>(results_.size())};
  results_.push_back(value);
  need(value);
}

void Workload::need(const ValueRef& value) {
  if (value->kind == ValueKind::kPending) enter(value->producer);
}

void Workload::enter(const CallRef& call) {
  if (call->visited.walk == walk_) return;
  call->visited.walk = walk_;
  calls_.push_back(call);
}

void Workload::drain() {
  for (; drained_ < calls_.size(); ++drained_) {
    CallRef call = calls_[drained_];
    if (is_gradient(*call)) {
      // What is differentiated is part of the graph, even where its values are computed already.
      for (const CallRef& between : calls_between(call->inputs[0], std::span(call->inputs).subspan(1))) enter(between);
    }
    for (const ValueRef& input : call->inputs) need(input);
  }
}

bool Workload::want_sharing(const PendingCalls& pending) {
  const std::size_t known = results_.size();
  std::vector<CallRef> living = pending.living();
  for (CallRef& call : living) {
    bool shares = call->visited.walk == walk_ ||
                  std::any_of(call->inputs.begin(), call->inputs.end(), [&](const ValueRef& input) {
                    return input->kind == ValueKind::kPending && input->producer->shares == walk_;
                  });
    if (!shares) continue;
    call->shares = walk_;
    for_each_result(*call, [&](const ValueRef& value) {
      if (is_held_outside(value)) want(value);
    });
  }
  return results_.size() > known;
}

bool Workload::is_made_here(const ValueNode& value) const {
  return value.producer && value.producer->visited.walk == walk_;
}

void Workload::number_operands() {
  for (const CallRef& call : calls_) {
    for (const ValueRef& input : call->inputs) {
      if (is_made_here(*input) || input->operand.walk == walk_) continue;
      input->operand = {walk_, static_cast<std::uint32_t>(operands_.size())};
      operands_.push_back(input);
    }
  }
}

void Workload::find_replaced(std::span<const CellRef> cells) {
  replaced_.assign(results_.size(), -1);
  std::unordered_map<std::uint64_t, int> latest;  // Variable -> the operand that is its last value
  for (std::size_t i = 0; i < operands_.size(); ++i) {
    if (operands_[i]->variable_id == 0) continue;
    auto [it, is_new] = latest.try_emplace(operands_[i]->variable_id, static_cast<int>(i));
    const ValueRef& other = operands_[static_cast<std::size_t>(it->second)];
    if (other->variable_version < operands_[i]->variable_version) it->second = static_cast<int>(i);
  }
  for (const CellRef& cell : cells) {
    ValueRef value = cell->value();
    if (value->wanted.walk != walk_) continue;
    auto it = latest.find(cell->id);
    if (it != latest.end()) replaced_[value->wanted.number] = std::exchange(it->second, -1);
  }
}

void Workload::write_key() {
  key_.reserve(8 * calls_.size() + 4 * results_.size());
  auto write = [&](const ValueNode& value) {
    if (is_made_here(value)) {
      key_.push_back(value.producer->visited.number << 1);
      key_.push_back(static_cast<std::uint32_t>(value.result));
    } else {
      const bool is_variable = value.variable_id != 0;
      key_.push_back(value.operand.number << 2 | static_cast<std::uint32_t>(is_variable) << 1 | 1);
    }
  };
  std::unordered_map<const Region*, std::uint32_t> regions;  // numbered by first use
  for (const CallRef& call : calls_) {
    const auto requires_grad = static_cast<std::uint32_t>(call->requires_grad);
    key_.push_back(call->signature->id << 2 | static_cast<std::uint32_t>(call->region != nullptr) << 1 | requires_grad);
    if (call->region)
      key_.push_back(regions.emplace(call->region.get(), static_cast<std::uint32_t>(regions.size())).first->second);
    for (const ValueRef& input : call->inputs) write(*input);
  }
  key_.push_back(0);  // no signature
  for (std::size_t i = 0; i < results_.size(); ++i) {
    write(*results_[i]);
    key_.push_back(static_cast<std::uint32_t>(replaced_[i] + 1));
  }
}

void Workload::count_uses() {
  for (const CallRef& call : calls_) {
    for (const ValueRef& input : call->inputs) {
      if (input->used.walk != walk_) input->used = {walk_, 0};
      ++input->used.number;
    }
  }
}

// Whether it is forgotten how a computed value came about: no gradient will ask for it, neither one to come nor one
// that is pending elsewhere.
bool Workload::forgets(const Call& call, const ValueNode& value) const {
  if (call.requires_grad && !call.consumed) return false;
  const long uses_here = value.used.walk == walk_ ? static_cast<long>(value.used.number) : 0;
  return !call.requires_grad || value.uses.get() == uses_here;
}

std::unique_ptr<ir::Graph> Workload::graph() const {
  auto graph = std::make_unique<ir::Graph>("lazy");
  std::vector<ir::Value> operands;
  std::vector<ir::Node*> nodes;
  for (std::size_t i = 0; i < operands_.size(); ++i) {
    const ValueNode& operand = *operands_[i];
    operands.push_back(operand.variable_id != 0 ? graph->variable(operand.type, absl::StrCat("v", i))
                                                : graph->input(operand.type, absl::StrCat("x", i)));
  }
  auto value_of = [&](const ValueNode& value) {
    return is_made_here(value) ? nodes[value.producer->visited.number]->result(value.result)
                               : operands[value.operand.number];
  };
  const bool differentiates =
      std::any_of(calls_.begin(), calls_.end(), [](const CallRef& call) { return is_gradient(*call); });
  RegionNodes regions;
  for (const CallRef& call : calls_) {
    const std::size_t first = graph->nodes().size();
    graph->set_loc(absl::StrCat(call->loc, "@", nodes.size()));
    ir::Values values;
    for (const ValueRef& input : call->inputs) {
      values.push_back(value_of(*input));
      // What was made under no_grad is a constant to what was not.
      if (differentiates && call->requires_grad && !input->requires_grad && is_made_here(*input))
        values.back() = graph->add("stop_gradient", {values.back()});
    }
    const Signature& signature = *call->signature;
    nodes.push_back(graph->add(*call->op, std::move(values), signature.attrs, clones_of(signature.bodies)));
    if (call->region) regions.add(call->region, *graph, first);
  }
  for (std::size_t i = 0; i < results_.size(); ++i) {
    if (replaced_[i] < 0) {
      graph->add_output(value_of(*results_[i]), absl::StrCat("value", i));
    } else {
      graph->add_update(operands[static_cast<std::size_t>(replaced_[i])], value_of(*results_[i]));
    }
  }
  regions.outline(*graph);
  return graph;
}

std::vector<bool> Workload::released() const {
  // A call ends when all its results let go of it, a value that is no result when all calls that use it end: users
  // first.
  auto releases = [&](const Call& call, const ValueRef& value) {
    if (value->kind == ValueKind::kComputed || value->wanted.walk == walk_) return forgets(call, *value);
    return value->released.walk == walk_ && value.use_count() - 1 == static_cast<long>(value->released.number);
  };
  for (auto it = calls_.rbegin(); it != calls_.rend(); ++it) {
    const CallRef& call = *it;
    long holders = 0;
    bool ends = true;
    for_each_result(*call, [&](const ValueRef& value) {
      ++holders;
      ends = ends && releases(*call, value);
    });
    if (!ends || call.use_count() - 1 != holders) continue;
    for (const ValueRef& input : call->inputs) {
      if (input->released.walk != walk_) input->released = {walk_, 0};
      ++input->released.number;
    }
  }
  std::vector<bool> released;
  for (const ValueRef& operand : operands_) {
    released.push_back(operand->released.walk == walk_ &&
                       operand.use_count() - 1 == static_cast<long>(operand->released.number));
  }
  return released;
}

void Workload::settle(std::vector<rt::Array> arrays) {
  for (std::size_t i = 0; i < results_.size(); ++i) {
    results_[i]->array = std::move(arrays[i]);
    results_[i]->kind = ValueKind::kComputed;
  }
  for (const CallRef& call : calls_) {
    if (call->pending) std::exchange(call->pending, nullptr)->remove(*call);
    for_each_result(*call, [&](const ValueRef& value) {
      if (value->kind == ValueKind::kComputed && forgets(*call, *value)) forget(*value);
    });
  }
}

std::string Workload::name_calls(std::string_view message) const {
  // "encoder/dense@17: expected …" as that Program's first graph was named: the number says which call it is here.
  const std::size_t colon = message.find(": "), at = message.rfind('@', colon);
  std::size_t number = 0;
  if (colon == std::string_view::npos || at == std::string_view::npos ||
      !absl::SimpleAtoi(std::string(message.substr(at + 1, colon - at - 1)), &number) || number >= calls_.size()) {
    return std::string(message);
  }
  const Call& call = *calls_[number];
  return absl::StrCat(call.loc.empty() ? call.op->name : call.loc, std::string(message.substr(colon)));
}

}  // namespace mica::internal
