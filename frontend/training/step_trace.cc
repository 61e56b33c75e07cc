#include "frontend/training/step_trace.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/graph/layer_state.h"
#include "frontend/training/optimizers/conditional.h"
#include "frontend/training/step.h"

namespace mica::internal {

// Where a target has the rank of the prediction it shares its open dims too.
ir::TensorType target_type(const rt::Array& array, const ir::TensorType* prediction) {
  ir::TensorType type = type_of(array);
  for (std::size_t axis = 1; axis < type.dims.size() && prediction && axis < prediction->dims.size(); ++axis) {
    if (!prediction->dims[axis].is_static()) type.dims[axis] = prediction->dims[axis];
  }
  type.dims[0] = ir::Dim::symbol("N");
  return type;
}

namespace {

// Elementwise losses compare like with like: a target that would only broadcast is a mistake.
void check_target(const std::string& output, const LossImpl& loss, const ir::TensorType& target,
                  const ir::TensorType& prediction) {
  bool is_index = loss.targets == Targets::kClassIndices;
  if (!is_index && loss.targets != Targets::kValues) return;
  ir::Dims wanted = prediction.dims;
  if (is_index) wanted.erase(wanted.begin() + checked_axis(loss.class_axis, prediction.rank(), output));
  auto without_ones = [](ir::Dims dims) {
    while (dims.size() > 1 && dims.back().is(1)) dims.pop_back();
    return dims;
  };
  if (without_ones(wanted) == without_ones(target.dims)) return;
  throw Error({.where = output,
               .expected = absl::StrCat("targets of shape ", describe({target.dtype, wanted})),
               .received = describe(target),
               .hint = is_index ? "This loss takes class indices." : "The targets must have the shape of the output."});
}

// Targets that nobody gave: as the loss takes them for such predictions.
ir::TensorType expected_target(const LossImpl* loss, const ir::TensorType& prediction) {
  if (!loss || loss->targets == Targets::kValues || loss->targets == Targets::kAny) return prediction;
  if (loss->targets == Targets::kLabels) return {kInt32, {prediction.dims[0], ir::Dim::symbol("L")}};
  ir::TensorType type{kInt32, prediction.dims};
  type.dims.erase(type.dims.begin() + checked_axis(loss->class_axis, prediction.rank(), loss->name));
  return type;
}

void check_reduced(const std::string& output, const Tensor& loss) {
  if (loss.dim() == 0) return;
  throw Error({.where = output,
               .expected = "a loss that is reduced to one number",
               .received = describe(loss),
               .hint = "reduction = \"none\" is for losses that are called by hand."});
}

Tensor regularization(const CustomLayer& model) {
  Tensor sum;
  for (const Variable& weight : all_weights(model)) {
    const TensorFn& regularizer = defined_node(weight)->cell->regularizer;
    if (!regularizer) continue;
    FunctionScope scope(absl::StrCat("loss/", weight.path()));
    Tensor term = regularizer(weight);
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

// An update that only happens when all gradients are finite; says of which variable they were.
class CheckedUpdate {
 public:
  CheckedUpdate(Parameters slots, const Parameters& variables, const Tensors& grads)
      : update_(with(std::move(slots), variables)) {
    for (std::size_t i = 0; i < variables.size(); ++i)
      finite_.emplace_back(absl::StrCat(std::string(kGradientPrefix), variables[i].path()), all_finite(grads[i]));
  }
  void finish(std::vector<std::pair<std::string, Tensor>>& checks) const {
    Tensor all;
    for (const auto& [name, finite] : finite_) all = all.defined() ? all & finite : finite;
    if (all.defined()) update_.only_if(all);
    checks.insert(checks.end(), finite_.begin(), finite_.end());
  }

 private:
  static Parameters with(Parameters slots, const Parameters& variables) {
    slots.insert(slots.end(), variables.begin(), variables.end());
    return slots;
  }

  ConditionalUpdate update_;
  std::vector<std::pair<std::string, Tensor>> finite_;
};

class StepTrace {
 public:
  StepTrace(const Model& model, TrainingConfig& config, const TrainingData& example, bool training)
      : model_(model),
        config_(config),
        example_(example),
        training_(training),
        outer_(running_),
        trace_({.name = model.name(), .training = training, .hooks = true}) {
    running_ = this;
  }
  ~StepTrace() { running_ = outer_; }
  StepTrace(const StepTrace&) = delete;
  StepTrace& operator=(const StepTrace&) = delete;

  // The innermost one of this thread, or null.
  static StepTrace* running() { return running_; }

  TracedStep build() {
    Tensors x;
    for (std::size_t i = 0; i < example_.x.types.size(); ++i)
      x.push_back(trace_.input(example_.x.types[i], example_.x.names[i]));
    auto* custom = model_.get_if<CustomModel>();
    if (custom && !model_state(model_).graph) {
      const Logs logs = own_step(*custom, x);
      for (const auto& [name, value] : logs.traced()) trace_.output(value, absl::StrCat(std::string(kLogPrefix), name));
    } else {
      standard_step(x, {});
    }
    for (const auto& [name, finite] : checks_) trace_.output(cast(finite, kFloat32), name);
    return {trace_.finish(), std::move(optimizers_)};
  }

  // What fit() does with a batch when nobody says otherwise. Targets that are not given become inputs of the graph, of
  // the shapes that the predictions have.
  void standard_step(const Tensors& x, Tensors y) {
    const Tensors predictions = forward(*model_.impl(), x);
    check_losses(predictions.size());
    for (std::size_t i = y.size(); i < config_.heads.size(); ++i) y.push_back(target(i, &type_of(predictions[i])));
    if (!weights_) weights_ = weight_inputs();
    const Tensor total = total_loss(y, predictions, *weights_);
    if (training_) optimize(total);
    report(predictions, y, *weights_, total);
  }

  // The losses of compile(), with what was added to them. `weights`: one an output, or none.
  Tensor total_loss(const Tensors& y, const Tensors& predictions, const Tensors& weights) {
    check_count("targets", y.size());
    check_count("predictions", predictions.size());
    if (!weights.empty()) check_count("sample weights", weights.size());
    head_losses_.clear();
    losses_ = {};
    for (std::size_t i = 0; i < config_.heads.size(); ++i) choose_loss(i, y[i], predictions[i]);
    return losses(predictions, y, weights);
  }

  // Of the batch: inputs of the graph behind its targets.
  const Tensors& weights() const { return *weights_; }

  // An update by `optimizer`: what changes from step to step is an operand of the graph.
  void apply(const Optimizer& optimizer, const Tensors& grads, const Parameters& variables) {
    OptimizerImpl& impl = optimizer.impl();
    const bool is_second = std::any_of(optimizers_.begin(), optimizers_.end(),
                                       [&](const Optimizer& other) { return &other.impl() == &impl; });
    if (is_second) {
      throw Error({.where = impl.name(),
                   .expected = "one apply() of an optimizer in a train_step",
                   .received = "two",
                   .hint = "Give it all variables at once."});
    }
    impl.build(variables);
    std::string prefix = impl.name();
    if (!optimizers_.empty()) absl::StrAppend(&prefix, "_", optimizers_.size());
    std::optional<CheckedUpdate> checked;
    if (config_.check_gradients && !impl.takes_any_gradient()) checked.emplace(impl.slots(), variables, grads);
    Tensors operands;
    for (std::size_t i = 0; i < impl.num_operands(); ++i) {
      std::string name = i == 0 ? "learning_rate" : absl::StrCat("factor_", i);
      operands.push_back(trace_.input({kFloat32, {}}, absl::StrCat(prefix, ":", name)));
    }
    optimizers_.push_back(optimizer);
    impl.apply(variables, grads, operands);
    if (checked) checked->finish(checks_);
  }

 private:
  Logs own_step(CustomModel& model, const Tensors& x) {
    Tensors y;
    for (std::size_t i = 0; i < example_.y.size(); ++i) y.push_back(target(i, nullptr));
    weights_ = weight_inputs();
    return training_ ? model.train_step(x, y) : model.test_step(x, y);
  }

  void check_count(const char* what, std::size_t count) const {
    if (count == config_.heads.size()) return;
    throw Error({.where = model_.name(),
                 .expected = absl::StrCat(config_.heads.size(), " ", what, ", one for each output"),
                 .received = absl::StrCat(count),
                 .hint = {}});
  }

  void check_losses(std::size_t outputs) const {
    check_count("predictions", outputs);
    bool any =
        std::any_of(config_.heads.begin(), config_.heads.end(), [](const Head& head) { return head.loss != nullptr; });
    if (!any)
      throw Error({.where = model_.name(),
                   .expected = "a loss",
                   .received = "none",
                   .hint = "Give one to compile({.loss = …})."});
  }

  // Nothing for an output that is compared with nothing.
  Tensor target(std::size_t i, const ir::TensorType* prediction) {
    const Head& head = config_.heads[i];
    const bool is_given = i < example_.y.size();
    if (is_given && !example_.y[i].defined()) return {};
    const ir::TensorType type =
        is_given ? target_type(example_.y[i], prediction) : expected_target(head.loss.get(), *prediction);
    return trace_.input(type, absl::StrCat("target:", head.output));
  }

  void choose_loss(std::size_t i, const Tensor& target, const Tensor& prediction) {
    Head& head = config_.heads[i];
    head_losses_.push_back(head.loss ? loss_for(head.loss, target, prediction) : nullptr);
    const LossImpl* loss = head_losses_.back().get();
    if (loss) check_target(head.output, *loss, type_of(target), type_of(prediction));
    const bool is_index = loss && loss->targets == Targets::kClassIndices;
    head.classes = is_index ? prediction.size(loss->class_axis) : 0;
  }

  Tensors weight_inputs() {
    Tensors weights;
    for (std::size_t i = 0; i < example_.weights.size(); ++i) {
      weights.push_back(
          trace_.input(target_type(example_.weights[i]), absl::StrCat("weight:", config_.heads[i].output)));
    }
    return weights;
  }

  Tensor losses(const Tensors& predictions, const Tensors& targets, const Tensors& weights) {
    Tensor total;
    auto add = [&](const Tensor& term) { total = total.defined() ? total + term : term; };
    for (std::size_t i = 0; i < config_.heads.size(); ++i) {
      const Head& head = config_.heads[i];
      losses_.emplace_back();
      if (!head.loss) continue;
      FunctionScope scope(absl::StrCat("loss/", head.output));
      losses_.back() = loss_of(*head_losses_[i], targets[i], predictions[i], weights.empty() ? Tensor() : weights[i]);
      check_reduced(head.output, losses_.back());
      add(head.weight == 1 ? losses_.back() : losses_.back() * head.weight);
    }
    for (const Tensor& loss : trace_.losses()) add(loss);
    if (Tensor penalty = regularization(*model_.impl()); penalty.defined()) add(penalty);
    return total;
  }

  void optimize(const Tensor& total) {
    const Parameters& weights = config_.trained(model_);
    const Tensor scaled = config_.optimizer.impl().scaled(total);
    apply(config_.optimizer, trace_.gradients(scaled, Tensors(std::vector<Tensor>(weights.begin(), weights.end()))),
          weights);
  }

  // In the order that Tally reads.
  void report(const Tensors& predictions, const Tensors& targets, const Tensors& weights, const Tensor& total) {
    trace_.output(total, "loss");
    for (std::size_t i = 0; i < config_.heads.size() && num_losses(config_) > 1; ++i) {
      if (losses_[i].defined()) trace_.output(losses_[i], absl::StrCat(config_.heads[i].output, "_loss"));
    }
    for (std::size_t i = 0; i < config_.heads.size(); ++i) {
      for (const HeadMetric& m : config_.heads[i].metrics) {
        FunctionScope scope(absl::StrCat("metrics/", m.name));
        Tensor weight = m.weighted && !weights.empty() ? weights[i] : Tensor();
        Tensors parts = m.metric.impl().contribution(targets[i], predictions[i], weight);
        std::vector<std::string_view> sums = m.metric.impl().sums();
        for (std::size_t part = 0; part < parts.size(); ++part)
          trace_.output(parts[part], absl::StrCat(m.name, "/", std::string(sums[part])));
      }
    }
  }

  static thread_local StepTrace* running_;
  const Model& model_;
  TrainingConfig& config_;
  const TrainingData& example_;
  bool training_;
  StepTrace* outer_;
  Trace trace_;
  std::vector<std::shared_ptr<const LossImpl>> head_losses_;  // of each head, as the shapes decide; null: not trained
  Tensors losses_;
  std::vector<Optimizer> optimizers_;
  std::optional<Tensors> weights_;                      // once they are inputs of the graph
  std::vector<std::pair<std::string, Tensor>> checks_;  // behind the outputs that are reported
};

thread_local StepTrace* StepTrace::running_ = nullptr;

StepTrace& running_step(const char* method) {
  if (StepTrace* step = StepTrace::running()) return *step;
  throw Error({.where = method,
               .expected = "to be called by fit(), evaluate() and the like",
               .received = "a call of its own",
               .hint = "Call train_on_batch()."});
}

}  // namespace

TracedStep trace_step(const Model& model, TrainingConfig& config, const TrainingData& example, bool training) {
  return StepTrace(model, config, example, training).build();
}

TracedStep trace_step(const Model& model, TrainingConfig& config, const ir::Types& inputs) {
  resolve_heads(config, model, model.output_names());
  return trace_step(model, config, {.x = {.names = model.input_names(), .types = inputs}}, /*training=*/true);
}

bool apply_in_step(const Optimizer& optimizer, const Tensors& grads, const Parameters& variables) {
  if (!StepTrace::running()) return false;
  StepTrace::running()->apply(optimizer, grads, variables);
  return true;
}

}  // namespace mica::internal

namespace mica {

// The logs of a standard step are made from what it reports; they stand beside those that an override returns.
Logs CustomModel::train_step(const Tensors& x, const Tensors& y) {
  internal::running_step("train_step").standard_step(x, y);
  return {};
}
Logs CustomModel::test_step(const Tensors& x, const Tensors& y) {
  internal::running_step("test_step").standard_step(x, y);
  return {};
}
Tensors CustomModel::sample_weights() const { return internal::running_step("sample_weights").weights(); }
Tensor CustomModel::compute_loss(const Tensors& y, const Tensors& y_pred, const Tensors& sample_weight) {
  return internal::running_step("compute_loss").total_loss(y, y_pred, sample_weight);
}

}  // namespace mica
