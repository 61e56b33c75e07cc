#include "frontend/training/optimizer.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/function_scope.h"
#include "frontend/graph/naming.h"
#include "frontend/graph/trace.h"
#include "frontend/training/optimizers/conditional.h"
#include "frontend/training/optimizers/pattern.h"

namespace mica::internal {
namespace {

const VariableCell* key_of(const Variable& variable) { return variable.cell().get(); }

Tensor full_of(const Variable& variable, double value) {
  return full(variable.shape(), value, {.dtype = variable.dtype()});
}

// x · limit / max(norm, limit); NaN where the norm is not finite.
Tensor clipped_to(const Tensor& x, const Tensor& norm, double limit) {
  return x * (limit / norm.clamp(limit) + (norm - norm));
}

Tensor norm_of(const Tensors& tensors) {
  Tensor sum = tensors[0].square().sum();
  for (std::size_t i = 1; i < tensors.size(); ++i) sum = sum + tensors[i].square().sum();
  return sum.sqrt();
}

// Zero and less clip nothing, as in Keras.
bool clips(const std::optional<double>& limit) { return limit && *limit > 0; }

void append(Parameters& all, const Parameters& more) { all.insert(all.end(), more.begin(), more.end()); }

}  // namespace

OptimizerImpl::OptimizerImpl(std::string_view class_name, LearningRate rate, OptimizerCommon common)
    : class_name_(class_name), rate_(std::move(rate)), common_(std::move(common)) {
  if (common_.name.empty()) common_.name = snake_case(class_name_);
  check();
}

void OptimizerImpl::check() const {
  if (rate_.is_constant()) check_not_negative("learning_rate", rate_.at(0));
  if (common_.weight_decay) check_not_negative("weight_decay", *common_.weight_decay);
  int clips = common_.clipnorm.has_value() + common_.clipvalue.has_value() + common_.global_clipnorm.has_value();
  auto refuse = [&](std::string expected, std::string received) {
    throw Error({.where = name(), .expected = std::move(expected), .received = std::move(received), .hint = {}});
  };
  if (clips > 1) refuse("only one of clipnorm, clipvalue, global_clipnorm", absl::StrCat(clips));
  if (common_.ema_momentum < 0 || common_.ema_momentum > 1) {
    refuse("ema_momentum between 0 and 1", absl::StrCat(common_.ema_momentum));
  }
  if (common_.ema_overwrite_frequency.value_or(1) < 1) {
    refuse("ema_overwrite_frequency of at least 1", absl::StrCat(*common_.ema_overwrite_frequency));
  }
  if (common_.gradient_accumulation_steps.value_or(2) < 2) {
    refuse("gradient_accumulation_steps of at least 2", absl::StrCat(*common_.gradient_accumulation_steps));
  }
}

void OptimizerImpl::check_beta(const char* argument, double value) const {
  if (value >= 0 && value <= 1) return;
  throw Error({.where = name(),
               .expected = absl::StrCat(argument, " between 0 and 1"),
               .received = absl::StrCat(value),
               .hint = {}});
}

void OptimizerImpl::check_not_negative(const char* argument, double value) const {
  if (std::isfinite(value) && value >= 0) return;
  throw Error({.where = name(),
               .expected = absl::StrCat(argument, " to be a finite number of at least 0"),
               .received = absl::StrCat(value),
               .hint = {}});
}

void OptimizerImpl::set_lr(double lr) {
  if (!rate_.is_constant()) {
    throw Error({.where = name(),
                 .expected = "a learning rate that is a number",
                 .received = "a schedule, which sets it at every step",
                 .hint = "Make the optimizer with a number to set it."});
  }
  check_not_negative("learning_rate", lr);
  rate_ = LearningRate(lr);
}

// ---- options

void OptimizerImpl::visit_all(FieldVisitor& v) {
  v.field("name", common_.name);
  v.field("learning_rate", rate_);
  v.field("weight_decay", common_.weight_decay);
  v.field("clipnorm", common_.clipnorm);
  v.field("global_clipnorm", common_.global_clipnorm);
  v.field("clipvalue", common_.clipvalue);
  v.field("use_ema", common_.use_ema);
  v.field("ema_momentum", common_.ema_momentum);
  v.field("ema_overwrite_frequency", common_.ema_overwrite_frequency);
  v.field("loss_scale_factor", common_.loss_scale_factor);
  v.field("gradient_accumulation_steps", common_.gradient_accumulation_steps);
  visit_options(v);
}

Described OptimizerImpl::described() {
  Described described{class_name_, {}};
  ConfigWriter writer(described.config);
  visit_all(writer);
  return described;
}

void OptimizerImpl::read(const Config& config) {
  ConfigReader reader(config, class_name_);
  visit_all(reader);
  reader.finish();
  check();
  check_options();
}

void OptimizerImpl::exclude_from_weight_decay(const Parameters& variables, const std::vector<std::string>& names) {
  append(undecayed_, variables);
  undecayed_names_.insert(undecayed_names_.end(), names.begin(), names.end());
}

bool OptimizerImpl::decays(const Variable& variable) const {
  auto same = [&](const Variable& other) { return other.cell() == variable.cell(); };
  return std::none_of(undecayed_.begin(), undecayed_.end(), same) &&
         !any_found_in(undecayed_names_, variable.cell()->name, name());
}

std::optional<double> OptimizerImpl::weight_decay_of(const Variable&) const { return common_.weight_decay; }

// ---- slots

SlotSpec OptimizerImpl::slot(const Variable& variable, std::string_view slot_name, double initial, int group) const {
  std::string owner = absl::StrReplaceAll(variable.path(), {{"/", "_"}});
  return {absl::StrCat(name(), "/", owner, "_", std::string(slot_name)), full_of(variable, initial), group};
}

void OptimizerImpl::build(const Parameters& variables) {
  TraceSuspension eager;
  auto make = [](const SlotSpec& spec) { return Variable(spec.initial, spec.path, false); };
  if (own_slots_.empty()) {
    for (const SlotSpec& spec : own_slots()) own_slots_.push_back(make(spec));
  }
  for (const Variable& variable : variables) {
    if (!slot_index_.emplace(key_of(variable), slots_.size()).second) continue;
    Slots& slots = slots_.emplace_back();
    slots.variable = variable;
    if (common_.use_ema) slots.average = make(slot(variable, "average"));
    if (accumulates()) slots.accumulator = make(slot(variable, "gradient_accumulator"));
    for (const SlotSpec& spec : slots_of(variable)) {
      slots.all.push_back(make(spec));
      slots.groups.push_back(spec.group);
    }
  }
}

OptimizerImpl::Slots& OptimizerImpl::slots_for(const Variable& variable) {
  return slots_[slot_index_.at(key_of(variable))];
}

Parameters OptimizerImpl::slots() const {
  Parameters ordered;
  int groups = 0;
  for (const Slots& slots : slots_) {
    if (common_.use_ema) ordered.push_back(slots.average);
    for (int group : slots.groups) groups = std::max(groups, group + 1);
  }
  for (const Slots& slots : slots_) {
    if (accumulates()) ordered.push_back(slots.accumulator);
  }
  for (int group = 0; group < groups; ++group) {
    for (const Slots& slots : slots_) {
      for (std::size_t i = 0; i < slots.all.size(); ++i) {
        if (slots.groups[i] == group) ordered.push_back(slots.all[i]);
      }
    }
  }
  append(ordered, own_slots_);
  return ordered;
}

Parameters OptimizerImpl::variables() {
  TraceSuspension eager;
  Tensor step = full({}, steps_, {.dtype = kInt32}), rate = full({}, rate_.at(steps_), {.dtype = kFloat32});
  if (!step_variable_.defined()) {
    step_variable_ = Variable(step, absl::StrCat(name(), "/iteration"), false);
    rate_variable_ = Variable(rate, absl::StrCat(name(), "/learning_rate"), false);
  } else {
    step_variable_.assign(step);
    rate_variable_.assign(rate);
  }
  Parameters all = {step_variable_};
  if (rate_.is_constant()) all.push_back(rate_variable_);
  append(all, slots());
  return all;
}

void OptimizerImpl::reload() {
  steps_ = step_variable_.item<std::int64_t>();
  if (rate_.is_constant()) rate_ = LearningRate(rate_variable_.item<double>());
}

// ---- a step

std::vector<double> OptimizerImpl::factors(double, double) const { return {}; }
void OptimizerImpl::update_own(const Parameters&, const Tensors&) {}

std::vector<double> OptimizerImpl::operands() const {
  const std::int64_t updates = steps_ / common_.gradient_accumulation_steps.value_or(1);
  std::vector<double> values = {rate_.at(steps_)};
  for (double factor : factors(values[0], static_cast<double>(updates + 1))) values.push_back(factor);
  if (accumulates()) values.push_back((steps_ + 1) % *common_.gradient_accumulation_steps == 0);
  if (common_.use_ema) {
    values.push_back(updates == 0 ? 0 : common_.ema_momentum);
    values.push_back(common_.ema_overwrite_frequency && (updates + 1) % *common_.ema_overwrite_frequency == 0);
  }
  return values;
}

OptimizerImpl::Operands OptimizerImpl::placed(const Tensors& operands) const {
  Operands placed;
  auto rest = operands.end();
  if (common_.use_ema) {
    placed.ema_overwrites = *--rest != 0;
    placed.ema_momentum = *--rest;
  }
  if (accumulates()) placed.is_update = *--rest != 0;
  placed.lr = operands[0];
  placed.factors = Tensors(std::vector<Tensor>(operands.begin() + 1, rest));
  return placed;
}

Tensor OptimizerImpl::scaled(const Tensor& loss) {
  return common_.loss_scale_factor ? loss * *common_.loss_scale_factor : loss;
}

Tensors OptimizerImpl::clipped(const Tensors& grads) const {
  Tensors out;
  if (clips(common_.clipnorm)) {
    for (const Tensor& g : grads) out.push_back(clipped_to(g, norm_of({g}), *common_.clipnorm));
  } else if (clips(common_.global_clipnorm)) {
    Tensor norm = norm_of(grads);
    for (const Tensor& g : grads) out.push_back(clipped_to(g, norm, *common_.global_clipnorm));
  } else if (clips(common_.clipvalue)) {
    for (const Tensor& g : grads) out.push_back(g.clamp(-*common_.clipvalue, *common_.clipvalue));
  } else {
    out = grads;
  }
  return out;
}

void OptimizerImpl::update_all(const Parameters& variables, const Tensors& grads, const Operands& operands) {
  const Tensors clipped_grads = clipped(grads);
  update_own(own_slots_, operands.factors);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    Variable variable = variables[i];
    FunctionScope scope(absl::StrCat(name(), "/", variable.path()));
    const DType dtype = variable.dtype();
    UpdateArguments arguments{
        variable, cast(clipped_grads[i], dtype), slots_for(variable).all, cast(operands.lr, dtype), {}};
    for (const Tensor& factor : operands.factors) arguments.factors.push_back(cast(factor, dtype));
    std::optional<double> decay = weight_decay_of(variable);
    if (decay.value_or(0) != 0 && decays(variable)) variable.assign(variable - variable * (arguments.lr * *decay));
    update(arguments);
  }
}

void OptimizerImpl::accumulate(const Parameters& variables, const Tensors& grads, const Operands& operands) {
  Parameters touched = variables;
  append(touched, own_slots_);
  for (const Variable& variable : variables) append(touched, slots_for(variable).all);
  ConditionalUpdate conditional(touched);
  Tensors means;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    Variable accumulator = slots_for(variables[i]).accumulator;
    Tensor sum = accumulator + grads[i];
    means.push_back(sum / static_cast<double>(*common_.gradient_accumulation_steps));
    accumulator.assign(where(operands.is_update, 0.0, sum));
  }
  update_all(variables, means, operands);
  conditional.only_if(operands.is_update);
}

void OptimizerImpl::average(const Parameters& variables, const Operands& operands) {
  for (Variable variable : variables) {
    Variable average = slots_for(variable).average;
    Tensor momentum = cast(operands.ema_momentum, variable.dtype());
    average.assign(momentum * average + (1 - momentum) * variable);
    if (common_.ema_overwrite_frequency) variable.assign(where(operands.ema_overwrites, average, variable));
  }
}

void OptimizerImpl::apply(const Parameters& variables, Tensors grads, const Tensors& operands) {
  if (variables.empty()) return;
  const Operands placed_operands = placed(operands);
  if (common_.loss_scale_factor) {
    for (Tensor& grad : grads) grad = grad / *common_.loss_scale_factor;
  }
  if (accumulates()) {
    accumulate(variables, grads, placed_operands);
  } else {
    update_all(variables, grads, placed_operands);
  }
  if (common_.use_ema) average(variables, placed_operands);
  for (Variable variable : variables) {
    const TensorFn& constraint = variable.cell()->constraint;
    if (constraint) variable.assign(constraint(variable));
  }
}

void OptimizerImpl::finalize(const Parameters& variables) {
  if (!common_.use_ema) return;
  for (Variable variable : variables) {
    if (slot_index_.count(key_of(variable))) variable.assign(slots_for(variable).average);
  }
}

void OptimizerImpl::check_averages() const {
  if (common_.use_ema) return;
  throw Error({.where = name(),
               .expected = "an optimizer that keeps averages of the weights",
               .received = "use_ema = false",
               .hint = absl::StrCat("Make it with them: ", class_name_, "(rate, {.use_ema = true}).")});
}

void OptimizerImpl::swap_averages(const Parameters& variables) {
  check_averages();
  build(variables);
  for (Variable variable : variables) {
    Variable average = slots_for(variable).average;
    const Tensor value = Tensor::of(variable.cell()->value());
    variable.assign(average);
    average.assign(value);
  }
}

void OptimizerImpl::set_averages(const Parameters& variables) {
  check_averages();
  for (const Variable& variable : variables) slots_for(variable).average.assign(variable);
}

}  // namespace mica::internal
