#include "frontend/layers/recurrence.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/closure.h"
#include "frontend/graph/scope.h"

namespace mica::internal {
namespace {

// The operands of a scan from the left: states, then what it runs over.
class Loop {
 public:
  Loop(const Tensor& xs, const Tensors& states, const Step& step, const RecurrenceOptions& options)
      : xs_(xs.transpose(0, 1)), states_(states), step_(step), options_(options) {
    if (options_.mask.defined()) valid_ = options_.mask.transpose(0, 1);
  }

  Recurrence run() {
    if (repeats_outputs()) previous_ = zeros_like_output();
    Trace body({.name = "step", .training = options_.training});
    Closure closure(body);
    trace_step(body, previous_.defined());
    Tensors operands = states_;
    if (previous_.defined()) operands.push_back(previous_);
    ir::Attrs attrs = {{"num_states", static_cast<std::int64_t>(operands.size())},
                       {"num_xs", std::int64_t{valid_.defined() ? 2 : 1}},
                       {"reverse", options_.backwards}};
    operands.push_back(xs_);
    if (valid_.defined()) operands.push_back(valid_);
    operands.insert(operands.end(), closure.captured().begin(), closure.captured().end());
    std::shared_ptr<const ir::Graph> graph = body.finish().graph;
    return results_of(apply_all("scan", operands, std::move(attrs), {std::move(graph)}));
  }

 private:
  bool repeats_outputs() const { return valid_.defined() && !options_.zero_output_for_mask; }

  // What the first step repeats when it is masked. Only the step itself knows the type.
  Tensor zeros_like_output() {
    ir::TensorType type;
    {
      Trace trial({.name = "trial", .training = options_.training});
      Closure closure(trial);
      type = trace_step(trial, false);
    }
    return apply("constant", {}, {{"value", 0.0}, {"dtype", type.dtype}, {"shape", type.dims}});
  }

  // One step as a graph: (states …[, previous output], x[, valid]) -> (new states …[, output], output). Returns the
  // type of the output.
  ir::TensorType trace_step(Trace& body, bool carries_output) {
    Tensors states;
    for (const Tensor& state : states_) states.push_back(body.input(type_of(state), absl::StrCat("s", states.size())));
    Tensor previous = carries_output ? body.input(type_of(previous_), "previous") : Tensor();
    Tensor x = body.input(slice_of(xs_), "x");
    Tensor valid = valid_.defined() ? body.input(slice_of(valid_), "valid") : Tensor();

    Tensors results = step_(x, states);
    check_results(results);
    if (!body.losses().empty()) throw_effect_in_body("add_loss");
    Tensor output = results[0];
    if (valid.defined()) output = chosen(valid, output, previous);
    for (std::size_t i = 0; i < states.size(); ++i) {
      Tensor next = valid.defined() ? chosen(valid, results[i + 1], states[i]) : results[i + 1];
      if (body.lift(results[0]) == body.lift(next)) output_state_ = i;
      body.output(next, absl::StrCat("s", i));
    }
    if (carries_output) body.output(output, "previous");
    body.output(output, "y");
    return type_of(output);
  }

  static ir::TensorType slice_of(const Tensor& all) {
    ir::TensorType type = type_of(all);
    type.dims.erase(type.dims.begin());
    return type;
  }

  // `next` in the rows that are valid, else `old`; zero where there is none.
  static Tensor chosen(const Tensor& valid, const Tensor& next, const Tensor& old) {
    ir::Dims dims(static_cast<std::size_t>(next.dim()), ir::Dim(1));
    dims[0] = dims_of(valid)[0];
    Tensor rows = reshape_dims(valid, dims);
    return old.defined() ? where(rows, next, old) : where(rows, next, 0);
  }

  void check_results(const Tensors& results) const {
    bool fits = results.size() == states_.size() + 1;
    for (std::size_t i = 0; fits && i < states_.size(); ++i) fits = type_of(results[i + 1]) == type_of(states_[i]);
    if (fits) return;
    std::string expected, received;
    for (const Tensor& state : states_) absl::StrAppend(&expected, ", ", describe(state));
    for (const Tensor& result : results) absl::StrAppend(&received, received.empty() ? "" : ", ", describe(result));
    throw Error({.where = LayerScope::current_path(),
                 .expected = absl::StrCat("{output, new states} of the cell: {output", expected, "}"),
                 .received = absl::StrCat("{", received, "}"),
                 .hint = "A step hands on as many states as it got, each of the same type."});
  }

  Recurrence results_of(const Tensors& results) const {
    Recurrence out;
    out.states.assign(results.begin(), results.begin() + static_cast<std::ptrdiff_t>(states_.size()));
    const Tensor& ys = results.back();
    out.outputs = ys.transpose(0, 1);
    if (previous_.defined()) {
      out.last = results[states_.size()];
    } else if (output_state_) {
      out.last = out.states[*output_state_];
    } else {
      ir::Dim time = options_.backwards ? ir::Dim(0) : dims_of(ys)[0] - ir::Dim(1);
      Tensor last = apply("slice", {ys},
                          {{"axis", std::int64_t{0}},
                           {"start", ir::Dims{time}},
                           {"stop", ir::Dims{time + ir::Dim(1)}},
                           {"step", std::int64_t{1}}});
      out.last = last.squeeze(0);
    }
    return out;
  }

  Tensor xs_, valid_;  // [T, N, …]
  const Tensors& states_;
  const Step& step_;
  const RecurrenceOptions& options_;
  Tensor previous_;                          // the output before the first step, where steps may repeat it
  std::optional<std::size_t> output_state_;  // the state that is the output too
};

}  // namespace

Recurrence recur(const Tensor& xs, const Tensors& states, const Step& step, const RecurrenceOptions& options) {
  return Loop(xs, states, step, options).run();
}

Tensor flipped(const Tensor& x, int axis) {
  int from_front = checked_axis(axis, x.dim(), "flipped");
  return apply("slice", {x},
               {{"axis", static_cast<std::int64_t>(from_front)},
                {"start", ir::Dims{dims_of(x)[static_cast<std::size_t>(from_front)] - ir::Dim(1)}},
                {"stop", ir::Dims{ir::Dim(-1)}},
                {"step", std::int64_t{-1}}});
}

}  // namespace mica::internal
