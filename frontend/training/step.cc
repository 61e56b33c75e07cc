#include "frontend/training/step.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/hooks.h"
#include "frontend/graph/layer_state.h"

namespace mica::internal {
namespace {

// Targets and weights share the batch "N"; where a target has the rank of the prediction it shares its open dims too.
ir::TensorType target_type(const rt::Array& array, const ir::TensorType* prediction) {
  ir::TensorType type = type_of(array);
  for (std::size_t axis = 1; axis < type.dims.size() && prediction && axis < prediction->dims.size(); ++axis) {
    if (!prediction->dims[axis].is_static()) type.dims[axis] = prediction->dims[axis];
  }
  type.dims[0] = ir::Dim::symbol("N");
  return type;
}

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
    Tensor term = regularizer(weight);
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

class StepTrace {
 public:
  StepTrace(const Model& model, TrainingConfig& config, const TrainingData& example, bool training)
      : model_(model),
        config_(config),
        example_(example),
        training_(training),
        trace_({.name = model.name(), .training = training, .hooks = true}) {}

  TracedGraph build() {
    Tensors inputs;
    for (std::size_t i = 0; i < example_.x.types.size(); ++i)
      inputs.push_back(trace_.input(example_.x.types[i], example_.x.names[i]));
    Tensors predictions = forward(*model_.impl(), inputs);
    check_losses(predictions.size());
    Tensors targets, weights;
    for (std::size_t i = 0; i < config_.heads.size(); ++i) targets.push_back(target(i, predictions[i]));
    for (std::size_t i = 0; i < example_.weights.size(); ++i) {
      weights.push_back(
          trace_.input(target_type(example_.weights[i], nullptr), absl::StrCat("weight:", config_.heads[i].output)));
    }
    Tensor total = losses(predictions, targets, weights);
    if (training_) optimize(total);
    report(predictions, targets, weights, total);
    return trace_.finish();
  }

 private:
  void check_losses(std::size_t outputs) const {
    if (outputs != config_.heads.size()) {
      throw Error({.where = model_.name(),
                   .expected = absl::StrCat(config_.heads.size(), " outputs"),
                   .received = absl::StrCat(outputs),
                   .hint = {}});
    }
    bool any =
        std::any_of(config_.heads.begin(), config_.heads.end(), [](const Head& head) { return head.loss != nullptr; });
    if (!any)
      throw Error({.where = model_.name(),
                   .expected = "a loss",
                   .received = "none",
                   .hint = "Give one to compile({.loss = …})."});
  }

  Tensor target(std::size_t i, const Tensor& prediction) {
    Head& head = config_.heads[i];
    ir::TensorType type = target_type(example_.y[i], &type_of(prediction));
    Tensor target = trace_.input(type, absl::StrCat("target:", head.output));
    head_losses_.push_back(head.loss ? loss_for(head.loss, target, prediction) : nullptr);
    const LossImpl* loss = head_losses_.back().get();
    if (loss) check_target(head.output, *loss, type, type_of(prediction));
    bool is_index = loss && loss->targets == Targets::kClassIndices;
    head.classes = is_index ? prediction.size(loss->class_axis) : 0;
    return target;
  }

  Tensor losses(const Tensors& predictions, const Tensors& targets, const Tensors& weights) {
    Tensor total;
    auto add = [&](const Tensor& term) { total = total.defined() ? total + term : term; };
    for (std::size_t i = 0; i < config_.heads.size(); ++i) {
      const Head& head = config_.heads[i];
      losses_.emplace_back();
      if (!head.loss) continue;
      losses_.back() = loss_of(*head_losses_[i], targets[i], predictions[i], weights.empty() ? Tensor() : weights[i]);
      check_reduced(head.output, losses_.back());
      add(head.weight == 1 ? losses_.back() : losses_.back() * head.weight);
    }
    for (const Tensor& loss : trace_.losses()) add(loss);
    if (Tensor penalty = regularization(*model_.impl()); penalty.defined()) add(penalty);
    return total;
  }

  void optimize(const Tensor& total) {
    Parameters weights = all_weights(*model_.impl(), /*trainable=*/true);
    OptimizerImpl& optimizer = config_.optimizer.impl();
    optimizer.build(weights);
    Tensors operands;
    for (std::size_t i = 0; i < optimizer.num_operands(); ++i)
      operands.push_back(trace_.input({kFloat32, {}}, absl::StrCat(optimizer.name(), "/", i)));
    Tensors grads =
        trace_.gradients(optimizer.scaled(total), Tensors(std::vector<Tensor>(weights.begin(), weights.end())));
    optimizer.apply(weights, grads, operands);
  }

  // In the order that Tally reads.
  void report(const Tensors& predictions, const Tensors& targets, const Tensors& weights, const Tensor& total) {
    trace_.output(total, "loss");
    for (std::size_t i = 0; i < config_.heads.size() && num_losses(config_) > 1; ++i) {
      if (losses_[i].defined()) trace_.output(losses_[i], absl::StrCat(config_.heads[i].output, "_loss"));
    }
    for (std::size_t i = 0; i < config_.heads.size(); ++i) {
      for (const HeadMetric& m : config_.heads[i].metrics) {
        Tensor weight = m.weighted && !weights.empty() ? weights[i] : Tensor();
        Tensors parts = m.metric.impl().contribution(targets[i], predictions[i], weight);
        std::vector<std::string_view> sums = m.metric.impl().sums();
        for (std::size_t part = 0; part < parts.size(); ++part)
          trace_.output(parts[part], absl::StrCat(m.name, "/", std::string(sums[part])));
      }
    }
  }

  const Model& model_;
  TrainingConfig& config_;
  const TrainingData& example_;
  bool training_;
  Trace trace_;
  std::vector<std::shared_ptr<const LossImpl>> head_losses_;  // of each head, as the shapes decide; null: not trained
  Tensors losses_;
};

// Everything the traced graph depends on beside the model itself.
std::string step_key(const Model& model, const TrainingConfig& config, const TrainingData& example, bool training) {
  std::string key = absl::StrCat(training ? "train|" : "test|", config.version, "|");
  for (const ir::TensorType& type : example.x.types) absl::StrAppend(&key, type.to_string(), ";");
  for (const rt::Array& y : example.y) absl::StrAppend(&key, target_type(y, nullptr).to_string(), ";");
  absl::StrAppend(&key, example.weights.size(), "|");
  key += hooks_key(*model.impl());
  if (training) {
    for (const Variable& weight : all_weights(*model.impl())) key += weight.trainable() ? '1' : '0';
  }
  return key;
}

}  // namespace

Step::Step(const Model& model, TrainingConfig& config, const TrainingData& example, bool training)
    : config_(config), training_(training) {
  program_ = compiled(model_state(model), step_key(model, config, example, training),
                      [&] { return StepTrace(model, config, example, training).build(); },
                      {.precision = config.options.precision});
}

void Step::run(const TrainingData& batch, Tally& tally, std::int64_t first_row) const {
  for (std::size_t i = 0; i < config_.heads.size(); ++i) {
    const Head& head = config_.heads[i];
    if (head.classes > 0) check_labels(head, batch.y[i], head.classes, first_row);
  }
  std::vector<rt::Array> inputs = batch.x.arrays;
  inputs.insert(inputs.end(), batch.y.begin(), batch.y.end());
  inputs.insert(inputs.end(), batch.weights.begin(), batch.weights.end());
  if (training_) {
    for (double value : config_.optimizer.impl().operands()) {
      rt::Array operand = rt::Array::uninitialized(kFloat32, {});
      operand.set(0, value);
      inputs.push_back(operand);
    }
  }
  tally.add(program_->run(inputs), batch.rows());
  if (training_) config_.optimizer.impl().count_step();
}

}  // namespace mica::internal
