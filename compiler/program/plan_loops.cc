// Loops in a plan: the body's steps, with rows of stacked values and states where the loop finds and leaves them.
//
//   (states, xs, captured) ──▶ body ──▶ (new states, ys)
//
// A state of the body is a view that the runtime moves: the initial value where it lies, then what the iteration before
// wrote. xs and ys are rows of what the loop reads and gives; captured values are the outer buffers themselves, so
// that weights are packed once, as anywhere else.
#include "absl/strings/str_cat.h"
#include "compiler/program/planner.h"

namespace mica::program {

using ir::Node;
using ir::Value;

namespace {

std::uint32_t number(int buffer) { return static_cast<std::uint32_t>(buffer); }

std::size_t num_states(const Node& loop) { return static_cast<std::size_t>(loop.attrs().integer("num_states")); }
std::size_t num_xs(const Node& loop) { return static_cast<std::size_t>(loop.attrs().integer("num_xs")); }

}  // namespace

absl::Status Planner::add_loop(const Node& node, PlanStep step) {
  const ir::Graph& body = node.body();
  PlanLoop loop{.trips = node.operand(static_cast<int>(num_states(node))).type().dim(0),
                .reverse = node.attrs().flag("reverse")};
  bind_loop_inputs(node, step, loop);
  bind_loop_outputs(node, step, loop);
  const int first_buffer = static_cast<int>(plan_.buffers.size());
  std::vector<PlanStep>* outer = std::exchange(steps_, &loop.steps);
  absl::Status status = add_steps(order_steps(body));
  for (const ir::Output& output : body.outputs()) {
    if (status.ok() && !output_buffers_.count(&output)) {
      add_copy(output, buffer_of(output.value), loop_homes_.at(&output));
    }
  }
  steps_ = outer;
  share_storage(loop.steps, first_buffer);
  step.kind = MICA_LOOP;
  step.callee = static_cast<int>(plan_.loops.size());
  plan_.loops.push_back(std::move(loop));
  steps_->push_back(std::move(step));
  return status;
}

void Planner::bind_loop_inputs(const Node& node, const PlanStep& step, PlanLoop& loop) {
  const ir::Graph& body = node.body();
  for (std::size_t i = 0; i < body.inputs().size(); ++i) {
    Value inner = body.inputs()[i]->result();
    const int outer = step.args[i];
    if (i >= num_states(node) + num_xs(node)) {
      buffers_[inner] = outer;
      if (is_fixed(node.operand(static_cast<int>(i)))) fixed_.insert(inner.node);
      continue;
    }
    const int moving = add_buffer(inner.node->name_hint(), MICA_VIEW, inner.type(), outer);
    buffers_[inner] = moving;
    if (i < num_states(node)) {
      loop.carries.push_back({.state = number(moving), .next = 0, .initial = number(outer), .last = 0, .spare = 0});
    } else {
      loop.slices.push_back({number(moving), number(outer)});
    }
  }
}

void Planner::bind_loop_outputs(const Node& node, const PlanStep& step, PlanLoop& loop) {
  const ir::Graph& body = node.body();
  for (std::size_t i = 0; i < body.outputs().size(); ++i) {
    const ir::Output& output = body.outputs()[i];
    const int outer = step.args[body.inputs().size() + i];
    const int moving = add_buffer(output.name, MICA_VIEW, output.value.type(), outer);
    loop_homes_[&output] = moving;
    if (i < num_states(node)) {
      loop.carries[i].next = number(moving);
      loop.carries[i].last = number(outer);
      loop.carries[i].spare = number(add_buffer(absl::StrCat(output.name, ".spare"), MICA_ARENA, output.value.type()));
    } else {
      loop.slices.push_back({number(moving), number(outer)});
    }
  }
  find_owners(body);
}

void Planner::include_loop(const PlanLoop& loop, std::uint32_t run_step) {
  for (const MicaLoopCarry& carry : loop.carries) include_use(static_cast<int>(carry.spare), run_step);
  for (const PlanStep& step : loop.steps) {
    for (int arg : step.args) include_use(arg, run_step);
    if (step.kind == MICA_LOOP) include_loop(plan_.loops[static_cast<std::size_t>(step.callee)], run_step);
  }
}

}  // namespace mica::program
