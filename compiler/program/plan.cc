#include "compiler/program/plan.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "compiler/graph/location.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"
#include "compiler/passes/groups.h"
#include "compiler/program/planner.h"

namespace mica::program {

using ir::Node;
using ir::Value;

Planner::Planner(const ir::Graph& graph, const LowerFn& lower) : graph_(graph), lower_(lower), steps_(&plan_.run) {
  plan_.name = graph.name();
  fixed_.insert(graph.variables().begin(), graph.variables().end());
  for (const ir::Output& output : graph.outputs()) {
    if (output.target) fixed_.erase(output.target);
  }
}

absl::StatusOr<Plan> Planner::run() {
  add_operands();
  add_bounds(graph_);
  find_owners(graph_);
  if (absl::Status status = add_steps(order_steps(graph_)); !status.ok()) return status;
  add_outputs();
  share_storage(plan_.run, 0);
  find_live_ranges();
  return std::move(plan_);
}

int Planner::add_buffer(std::string name, MicaSpace space, const ir::TensorType& type, int link) {
  plan_.buffers.push_back({std::move(name), space, type, link});
  return static_cast<int>(plan_.buffers.size()) - 1;
}

int Planner::storage_of(int i) {
  while (buffer(i).space == MICA_VIEW) i = buffer(i).link;
  return i;
}

void Planner::add_operands() {
  for (const Node* node : graph_.inputs()) {
    plan_.inputs.push_back(add_buffer(node->name_hint(), MICA_INPUT, node->result_types()[0]));
    buffers_[{const_cast<Node*>(node), 0}] = plan_.inputs.back();
  }
  for (const Node* node : graph_.variables()) {
    plan_.variables.push_back(add_buffer(node->name_hint(), MICA_VARIABLE, node->result_types()[0]));
    buffers_[{const_cast<Node*>(node), 0}] = plan_.variables.back();
  }
}

// Of the nodes as they are computed, those in groups and loops too: no kernel reads beside an array.
void Planner::add_bounds(const ir::Graph& graph) {
  for (const auto& node : graph.nodes()) {
    for (ir::Bound& bound : ir::bounds_of(*node)) {
      const std::string layer(ir::layer_of(node->loc()));
      if (!bounds_.insert(absl::StrCat(bound.slack.to_string(), ";", bound.expected)).second) continue;
      plan_.bounds.push_back({std::move(bound.slack), std::move(bound.received), std::move(bound.expected),
                              layer.empty() ? node->op().name : layer});
    }
    for (const auto& body : node->bodies()) add_bounds(*body);
  }
}

// Each computed value that is handed out gets its storage from one output: an update before a result. Further outputs
// of the same value are copies, unless they are the very same array.
void Planner::find_owners(const ir::Graph& graph) {
  for (bool updates : {true, false}) {
    for (const ir::Output& output : graph.outputs()) {
      if ((output.target != nullptr) == updates) owners_.emplace(base_of(output.value), &output);
    }
  }
}

bool Planner::is_fixed(Value value) const { return fixed_.count(base_of(value).node) > 0; }

// Steps of known size that depend on fixed variables or on nothing, and whose results are not handed out.
bool Planner::is_init(const Node& node) const {
  if (ir::is_loop(node)) return false;
  for (int i = 0; i < node.num_results(); ++i) {
    if (owners_.count({const_cast<Node*>(&node), i}) ||
        !ir::all_static(node.result_types()[static_cast<std::size_t>(i)].dims))
      return false;
  }
  return std::all_of(node.operands().begin(), node.operands().end(), [&](Value operand) { return is_fixed(operand); });
}

// The buffer of an output that owns its storage.
int Planner::home_of(const ir::Output& output) {
  if (auto home = loop_homes_.find(&output); home != loop_homes_.end()) return home->second;
  if (!output.target) return add_buffer(output.name, MICA_RESULT, output.value.type());
  return add_buffer(output.target->name_hint(), MICA_UPDATE, output.value.type(), buffers_.at(output.target->result()));
}

// The buffer that a step writes a result to.
int Planner::result_buffer(Value value, bool init, const std::string& name) {
  const ir::TensorType& type = value.type();
  auto owner = owners_.find(value);
  if (init || owner == owners_.end()) return add_buffer(name, init ? MICA_INIT : MICA_ARENA, type);
  const ir::Output& output = *owner->second;
  int owned = home_of(output);
  output_buffers_[&output] = owned;
  if (type == output.value.type()) return owned;
  buffers_[output.value] = owned;
  return add_buffer(name, MICA_VIEW, type, owned);
}

// Views are made when something needs them.
int Planner::buffer_of(Value value) {
  if (auto it = buffers_.find(value); it != buffers_.end()) return it->second;
  int viewed = buffer_of(value.node->operand(0));
  std::string name = buffer(viewed).name;
  return buffers_[value] = add_buffer(std::move(name), MICA_VIEW, value.type(), viewed);
}

absl::Status Planner::add_steps(const StepOrder& order) {
  for (const Node* step : order.steps) {
    if (absl::Status status = add_step(*step, order); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Planner::add_step(const Node& node, const StepOrder& order) {
  const bool init = is_init(node);
  PlanStep step{.args = {},
                .name = ir::is_group(node) ? node.attrs().text("name") : node.op().name,
                .layer = node.loc(),
                .expected = ir::expected_indices(node)};
  std::optional<LibraryCall> call;
  if (ir::is_library_group(node)) {
    absl::StatusOr<LibraryCall> found = library_call(node);
    if (!found.ok()) return found.status();
    call = *std::move(found);
    step.split_by_tap = node.attrs().flag("split_by_tap");
    for (int operand : call->operands) step.args.push_back(buffer_of(node.operand(operand)));
  } else {
    for (const Value& operand : node.operands()) step.args.push_back(buffer_of(operand));
  }
  step.writes.assign(step.args.size(), false);
  for (int i = 0; i < node.num_results(); ++i) add_result(node, i, init, step);
  if (init) fixed_.insert(&node);
  absl::Status status;
  if (call) {
    add_call(*std::move(call), node, std::move(step), init);
  } else {
    status = ir::is_loop(node) ? add_loop(node, std::move(step)) : add_kernel(node, step, init);
  }
  for (int i = 0; i < node.num_results() && status.ok(); ++i) allow_overwriting(node, i, order);
  return status;
}

void Planner::add_result(const Node& node, int i, bool init, PlanStep& step) {
  Value result{const_cast<Node*>(&node), i};
  int written = result_buffer(result, init, step.name);
  buffers_[result] = written;
  step.args.push_back(written);
  step.writes.push_back(true);
}

absl::Status Planner::add_kernel(const Node& node, PlanStep& step, bool init) {
  absl::StatusOr<KernelUse> use = kernel_of(node, step.name);
  if (!use.ok()) {
    const std::string layer(ir::layer_of(node.loc()));
    return absl::Status(use.status().code(), absl::StrCat(layer.empty() ? "" : absl::StrCat(layer, ": "),
                                                          std::string(use.status().message())));
  }
  step.symbols = use->symbols;
  step.extent = use->extent;
  step.callee = use->number;
  part(init).push_back(std::move(step));
  return absl::OkStatus();
}

// Groups of equal text are one kernel, lowered once: a graph of 100,000 nodes repeats itself.
absl::StatusOr<Planner::KernelUse> Planner::kernel_of(const Node& node, const std::string& name) {
  const std::string text = ir::is_group(node) ? node.body().structural_key() : "";
  if (auto it = kernels_of_groups_.find(text); it != kernels_of_groups_.end()) return it->second;
  absl::StatusOr<loop::Kernel> kernel = lower_(node);
  if (!kernel.ok()) return kernel.status();
  auto [it, is_new] = kernel_numbers_.emplace(kernel->structural_key(), static_cast<int>(plan_.kernels.size()));
  KernelUse use{.number = it->second, .symbols = kernel->symbols(), .extent = kernel->parallel_extent()};
  if (is_new) {
    kernel->name = name;
    plan_.kernels.push_back(*std::move(kernel));
  }
  if (!text.empty()) kernels_of_groups_.emplace(text, use);
  return use;
}

void Planner::add_call(LibraryCall call, const Node& node, PlanStep step, bool init) {
  step.kind = MICA_LIBRARY;
  step.callee = static_cast<int>(plan_.calls.size());
  Value weights = node.operand(call.operands[1]);
  const int pack_kind = init ? -1 : call.pack_kind;
  if (pack_kind >= 0 && is_fixed(weights) && ir::all_static(weights.dims()) && weights.rank() >= 2) {
    if (pack_kind == MICA_PACK_CONV || weights.rank() == 2) {
      pack(call, weights, step, static_cast<MicaLibraryKind>(pack_kind));
      return;
    }
  }
  plan_.calls.push_back(std::move(call.call));
  part(init).push_back(std::move(step));
}

// An init step that brings the weights into the order in which the call reads them.
void Planner::pack(LibraryCall& call, Value weights, PlanStep& step, MicaLibraryKind kind) {
  call.call.call.packed = 1;
  PlanCall packing;
  packing.call = call.call.call;
  packing.call.kind = static_cast<std::uint8_t>(kind);
  packing.call.pack_of = static_cast<std::uint32_t>(step.callee);
  packing.call.has_bias = 0;
  plan_.calls.push_back(std::move(call.call));
  int plain = step.args[1];
  int packed = add_buffer(absl::StrCat(buffer(plain).name, ".packed"), MICA_INIT, weights.type());
  plan_.init.push_back({.kind = MICA_LIBRARY,
                        .callee = static_cast<int>(plan_.calls.size()),
                        .args = {plain, packed},
                        .name = absl::StrCat("pack_", step.name),
                        .layer = step.layer,
                        .writes = {false, true}});
  plan_.calls.push_back(std::move(packing));
  step.args[1] = packed;
  steps_->push_back(std::move(step));
}

// An update overwrites its variable when every other reader has run, and the writer, if it reads the variable, reads
// only the element that it writes.
void Planner::allow_overwriting(const Node& node, int result, const StepOrder& order) {
  int written = buffers_.at({const_cast<Node*>(&node), result});
  if (buffer(written).space != MICA_UPDATE) return;
  auto owner = owners_.find({const_cast<Node*>(&node), result});
  const Node* variable = owner->second->target;
  if (!order.overwritable.count(variable)) return;
  const PlanStep& step = plan_.run.back();
  const int storage = buffers_.at(const_cast<Node*>(variable)->result());
  for (std::size_t arg = 0; arg < step.args.size(); ++arg) {
    if (step.writes[arg] || storage_of(step.args[arg]) != storage) continue;
    if (step.kind != MICA_KERNEL) return;
    const std::vector<int>& in_place = plan_.kernels[static_cast<std::size_t>(step.callee)].in_place;
    std::size_t at = static_cast<std::size_t>(node.num_operands() + result);
    if (at >= in_place.size() || in_place[at] != static_cast<int>(arg)) return;
  }
  buffer(written).in_place = true;
}

void Planner::add_outputs() {
  for (const ir::Output& output : graph_.outputs()) {
    auto owned = output_buffers_.find(&output);
    if (output.target) {
      plan_.updates.push_back(owned != output_buffers_.end() ? owned->second : copy_of(output, MICA_UPDATE));
      continue;
    }
    plan_.result_names.push_back(output.name);
    if (owned != output_buffers_.end()) {
      plan_.results.push_back(owned->second);
    } else {
      int source = buffer_of(output.value);
      MicaSpace space = buffer(source).space;
      bool hand_through = space == MICA_INPUT || space == MICA_VARIABLE || space == MICA_RESULT || space == MICA_UPDATE;
      plan_.results.push_back(hand_through ? source : copy_of(output, MICA_RESULT));
    }
  }
}

int Planner::copy_of(const ir::Output& output, MicaSpace space) {
  int source = buffer_of(output.value);
  std::string name = output.target ? output.target->name_hint() : output.name;
  int link = output.target ? buffers_.at(output.target->result()) : -1;
  int copy = add_buffer(name, space, output.value.type(), link);
  add_copy(output, source, copy);
  return copy;
}

void Planner::add_copy(const ir::Output& output, int source, int copy) {
  steps_->push_back({.kind = MICA_COPY,
                     .args = {source, copy},
                     .name = "copy",
                     .layer = output.value.node->loc(),
                     .writes = {false, true}});
}

// A result of a kernel takes the storage of an operand that nobody reads afterwards. Buffers before `first_buffer`
// belong to others than these steps.
void Planner::share_storage(std::vector<PlanStep>& steps, int first_buffer) {
  std::map<int, std::size_t> last_use;
  for (std::size_t s = 0; s < steps.size(); ++s) {
    for (int arg : steps[s].args) last_use[storage_of(arg)] = s;
  }
  auto is_own = [&](int i) { return buffer(i).space == MICA_ARENA && i >= first_buffer; };
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const PlanStep& step = steps[s];
    if (step.kind != MICA_KERNEL) continue;
    const std::vector<int>& in_place = plan_.kernels[static_cast<std::size_t>(step.callee)].in_place;
    for (std::size_t arg = 0; arg < step.args.size() && arg < in_place.size(); ++arg) {
      if (in_place[arg] < 0 || !is_own(step.args[arg])) continue;
      int storage = storage_of(step.args[static_cast<std::size_t>(in_place[arg])]);
      auto uses =
          std::count_if(step.args.begin(), step.args.end(), [&](int other) { return storage_of(other) == storage; });
      if (!is_own(storage) || last_use[storage] != s || uses != 1) continue;
      last_use[storage] = last_use[step.args[arg]];
      buffer(step.args[arg]).space = MICA_VIEW;
      buffer(step.args[arg]).link = step.args[static_cast<std::size_t>(in_place[arg])];
    }
  }
}

void Planner::find_live_ranges() {
  for (std::size_t s = 0; s < plan_.run.size(); ++s) {
    const PlanStep& step = plan_.run[s];
    for (int arg : step.args) include_use(arg, static_cast<std::uint32_t>(s));
    if (step.kind == MICA_LOOP) {
      include_loop(plan_.loops[static_cast<std::size_t>(step.callee)], static_cast<std::uint32_t>(s));
    }
  }
}

void Planner::include_use(int i, std::uint32_t run_step) {
  PlanBuffer& used = buffer(storage_of(i));
  if (used_.insert(storage_of(i)).second) used.first_step = run_step;
  used.last_step = run_step;
}

absl::StatusOr<Plan> make_plan(const ir::Graph& graph, const LowerFn& lower) { return Planner(graph, lower).run(); }

}  // namespace mica::program
