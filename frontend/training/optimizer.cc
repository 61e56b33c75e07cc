#include "frontend/training/optimizer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/graph/trace.h"
#include "frontend/graph/value.h"
#include "frontend/layers/fields.h"

namespace mica {
namespace internal {
namespace {

const VariableCell* cell_of(const Variable& variable) { return defined_node(variable)->cell.get(); }

void check_finite(const std::string& where, const char* argument, double value, bool positive = false) {
  if (std::isfinite(value) && (!positive || value >= 0)) return;
  throw Error({.where = where,
               .expected = absl::StrCat(argument, " to be a finite number", positive ? " of at least 0" : ""),
               .received = absl::StrCat(value),
               .hint = {}});
}

void check_beta(const std::string& where, const char* argument, double value) {
  if (value >= 0 && value < 1) return;
  throw Error({.where = where,
               .expected = absl::StrCat(argument, " between 0 and 1"),
               .received = absl::StrCat(value),
               .hint = {}});
}

// momentum·v - lr·g; Nesterov looks one step ahead.
class Sgd : public OptimizerImpl {
 public:
  Sgd(LearningRate rate, const SGDOptions& o)
      : OptimizerImpl(o.name.empty() ? "sgd" : o.name, std::move(rate),
                      {o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm}),
        momentum_(o.momentum),
        nesterov_(o.nesterov) {
    check_beta(name(), "momentum", momentum_ == 1 ? 0 : momentum_);
  }

 protected:
  Described own_options() const override { return {"SGD", {{"momentum", momentum_}, {"nesterov", nesterov_}}}; }

  std::vector<SlotSpec> slot_specs() const override {
    return momentum_ == 0 ? std::vector<SlotSpec>{} : std::vector<SlotSpec>{{"momentum"}};
  }

  void update(const Variable& w, const Tensor& g, const Parameters& slots, const Tensors& operands) override {
    Variable variable = w;
    const Tensor& lr = operands[0];
    if (momentum_ == 0) return variable.assign(w - lr * g);
    Variable velocity = slots[0];
    Tensor v = velocity * momentum_ - lr * g;
    velocity.assign(v);
    variable.assign(nesterov_ ? w + v * momentum_ - lr * g : w + v);
  }

 private:
  double momentum_;
  bool nesterov_;
};

// Keras' Adam: the bias corrections go into the rate, ε stands outside of them.
class AdamRule : public OptimizerImpl {
 public:
  AdamRule(std::string_view default_name, LearningRate rate, const AdamOptions& o)
      : OptimizerImpl(o.name.empty() ? std::string(default_name) : o.name, std::move(rate),
                      {o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm}),
        class_name_(default_name == "adam" ? "Adam" : "AdamW"),
        o_(o) {
    check_beta(name(), "beta_1", o.beta_1);
    check_beta(name(), "beta_2", o.beta_2);
    check_finite(name(), "epsilon", o.epsilon, true);
  }

 protected:
  Described own_options() const override {
    return {class_name_,
            {{"beta_1", o_.beta_1}, {"beta_2", o_.beta_2}, {"epsilon", o_.epsilon}, {"amsgrad", o_.amsgrad}}};
  }

  std::vector<SlotSpec> slot_specs() const override {
    if (o_.amsgrad) return {{"momentum"}, {"velocity"}, {.name = "velocity_hat", .group = 1}};
    return {{"momentum"}, {"velocity"}};
  }

  std::vector<double> more_operands(double lr, double step) const override {
    return {lr * std::sqrt(1 - std::pow(o_.beta_2, step)) / (1 - std::pow(o_.beta_1, step))};
  }

  void update(const Variable& w, const Tensor& g, const Parameters& slots, const Tensors& operands) override {
    Variable variable = w, m = slots[0], v = slots[1];
    Tensor new_m = m + (g - m) * (1 - o_.beta_1);
    Tensor new_v = v + (g.square() - v) * (1 - o_.beta_2);
    m.assign(new_m);
    v.assign(new_v);
    Tensor scale = new_v;
    if (o_.amsgrad) {
      Variable largest = slots[2];
      scale = maximum(largest, new_v);
      largest.assign(scale);
    }
    variable.assign(w - new_m * operands[1] / (scale.sqrt() + o_.epsilon));
  }

 private:
  std::string class_name_;
  AdamOptions o_;
};

// ε stands inside the root.
class RmsPropRule : public OptimizerImpl {
 public:
  RmsPropRule(LearningRate rate, const RMSpropOptions& o)
      : OptimizerImpl(o.name.empty() ? "rmsprop" : o.name, std::move(rate),
                      {o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm}),
        o_(o) {
    check_beta(name(), "rho", o.rho);
    check_finite(name(), "epsilon", o.epsilon, true);
  }

 protected:
  Described own_options() const override {
    return {"RMSprop",
            {{"rho", o_.rho}, {"momentum", o_.momentum}, {"epsilon", o_.epsilon}, {"centered", o_.centered}}};
  }

  std::vector<SlotSpec> slot_specs() const override {
    std::vector<SlotSpec> specs = {{"velocity"}};
    if (o_.momentum > 0) specs.push_back({.name = "momentum", .group = 1});
    if (o_.centered) specs.push_back({.name = "average_gradient", .group = 2});
    return specs;
  }

  void update(const Variable& w, const Tensor& g, const Parameters& slots, const Tensors& operands) override {
    Variable variable = w, velocity = slots[0];
    Tensor v = velocity * o_.rho + g.square() * (1 - o_.rho);
    velocity.assign(v);
    Tensor denominator = v + o_.epsilon;
    if (o_.centered) {
      Variable average = slots.back();
      Tensor a = average * o_.rho + g * (1 - o_.rho);
      average.assign(a);
      denominator = v - a.square() + o_.epsilon;
    }
    Tensor step = operands[0] * g / denominator.sqrt();
    if (o_.momentum > 0) {
      Variable momentum = slots[1];
      step = momentum * o_.momentum + step;
      momentum.assign(step);
    }
    variable.assign(w - step);
  }

 private:
  RMSpropOptions o_;
};

Tensor norm_of(const Tensor& x) { return x.square().sum().sqrt(); }

// x · limit / max(norm, limit)
Tensor clipped_by(const Tensor& x, const Tensor& norm, double limit) { return x * (limit / norm.clamp(limit)); }

}  // namespace

OptimizerImpl::OptimizerImpl(std::string name, LearningRate rate, OptimizerCommon common)
    : name_(std::move(name)), rate_(std::move(rate)), common_(common) {
  if (rate_.is_constant()) check_finite(name_, "learning_rate", rate_.at(0), true);
  check_finite(name_, "weight_decay", common_.weight_decay, true);
  int clips = common_.clipnorm.has_value() + common_.clipvalue.has_value() + common_.global_clipnorm.has_value();
  if (clips > 1) {
    throw Error({.where = name_,
                 .expected = "only one of clipnorm, clipvalue, global_clipnorm",
                 .received = absl::StrCat(clips),
                 .hint = {}});
  }
}

void OptimizerImpl::set_lr(double lr) {
  check_finite(name_, "learning_rate", lr, true);
  rate_ = LearningRate(lr);
}

void OptimizerImpl::build(const Parameters& variables) {
  TraceSuspension eager;
  for (const Variable& variable : variables) {
    if (slots_.count(cell_of(variable))) continue;
    Parameters& slots = slots_[cell_of(variable)];
    for (const SlotSpec& spec : slot_specs()) {
      slots.emplace_back(full(variable.shape(), spec.initial, {.dtype = variable.dtype()}),
                         absl::StrCat(variable.path(), "/", spec.name), false);
      slot_list_.push_back(slots.back());
    }
    built_for_.push_back(variable);
  }
}

Parameters OptimizerImpl::saved_slots() const {
  Parameters ordered;
  const std::vector<SlotSpec> specs = slot_specs();
  const int groups = specs.empty() ? 0 : specs.back().group + 1;
  for (int group = 0; group < groups; ++group) {
    for (const Variable& variable : built_for_) {
      const Parameters& slots = slots_.at(cell_of(variable));
      for (std::size_t i = 0; i < specs.size(); ++i) {
        if (specs[i].group == group) ordered.push_back(slots[i]);
      }
    }
  }
  return ordered;
}

Described OptimizerImpl::described() const {
  if (!rate_.is_constant()) {
    throw Error({.where = name_,
                 .expected = "a learning rate that files can hold",
                 .received = "a function of the step",
                 .hint = "set_lr() gives it a number."});
  }
  using Number = FieldValue<std::optional<double>>;
  Described described = own_options();
  Config config{{"name", name_},
                {"learning_rate", static_cast<double>(static_cast<float>(rate_.at(0)))},
                {"weight_decay", common_.weight_decay == 0 ? Config::Value() : Config::Value(common_.weight_decay)},
                {"clipnorm", Number::write(common_.clipnorm)},
                {"global_clipnorm", Number::write(common_.global_clipnorm)},
                {"clipvalue", Number::write(common_.clipvalue)},
                {"use_ema", false},
                {"ema_momentum", 0.99},
                {"ema_overwrite_frequency", {}},
                {"loss_scale_factor", {}},
                {"gradient_accumulation_steps", {}}};
  for (const auto& [key, value] : described.config.items()) config.set(key, value);
  return {described.class_name, config};
}

std::vector<double> OptimizerImpl::more_operands(double, double) const { return {}; }

std::vector<double> OptimizerImpl::operands() const {
  std::vector<double> values = {lr()};
  for (double value : more_operands(values[0], static_cast<double>(iterations_ + 1))) values.push_back(value);
  return values;
}

Tensors OptimizerImpl::clipped(const Tensors& grads) const {
  Tensors out;
  if (common_.global_clipnorm) {
    Tensor sum;
    for (const Tensor& g : grads) sum = sum.defined() ? sum + g.square().sum() : g.square().sum();
    for (const Tensor& g : grads) out.push_back(clipped_by(g, sum.sqrt(), *common_.global_clipnorm));
    return out;
  }
  for (const Tensor& g : grads) {
    if (common_.clipnorm) {
      out.push_back(clipped_by(g, norm_of(g), *common_.clipnorm));
    } else if (common_.clipvalue) {
      out.push_back(g.clamp(-*common_.clipvalue, *common_.clipvalue));
    } else {
      out.push_back(g);
    }
  }
  return out;
}

void OptimizerImpl::apply(const Parameters& variables, Tensors grads, const Tensors& operands) {
  grads = clipped(grads);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    Variable variable = variables[i];
    if (common_.weight_decay != 0) variable.assign(variable - variable * (operands[0] * common_.weight_decay));
    update(variable, grads[i], slots_.at(cell_of(variable)), operands);
    const TensorFn& constraint = defined_node(variable)->cell->constraint;
    if (constraint) variable.assign(constraint(variable));
  }
}

std::shared_ptr<OptimizerImpl> make_optimizer(const std::string& name) {
  std::string lower = name;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower == "sgd") return std::make_shared<Sgd>(0.01, SGDOptions{});
  if (lower == "adam") return std::make_shared<AdamRule>("adam", 0.001, AdamOptions{});
  if (lower == "adamw") return std::make_shared<AdamRule>("adamw", 0.001, AdamOptions{.weight_decay = 0.004});
  if (lower == "rmsprop") return std::make_shared<RmsPropRule>(0.001, RMSpropOptions{});
  throw Error({.where = "optimizer",
               .expected = "one of adam, adamw, rmsprop, sgd",
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}

namespace {

// The options of every optimizer.
struct CommonFields {
  std::string name;
  double learning_rate = 0.001, ema_momentum = 0.99;
  OptimizerCommon common;

  void visit(FieldVisitor& v) {
    std::optional<double> weight_decay;
    v.field("name", name);
    v.field("learning_rate", learning_rate);
    v.field("weight_decay", weight_decay);
    v.field("clipnorm", common.clipnorm);
    v.field("global_clipnorm", common.global_clipnorm);
    v.field("clipvalue", common.clipvalue);
    v.fixed("use_ema", false);
    v.field("ema_momentum", ema_momentum);
    v.fixed("ema_overwrite_frequency", {});
    v.fixed("loss_scale_factor", {});
    v.fixed("gradient_accumulation_steps", {});
    common.weight_decay = weight_decay.value_or(0);
  }
  template <class Options>
  Options options(Options o) const {
    o.weight_decay = common.weight_decay;
    o.clipnorm = common.clipnorm;
    o.clipvalue = common.clipvalue;
    o.global_clipnorm = common.global_clipnorm;
    o.name = name;
    return o;
  }
};

}  // namespace

Optimizer make_optimizer(const Described& described) {
  ConfigReader reader(described.config, described.class_name);
  CommonFields fields;
  fields.visit(reader);
  if (described.class_name == "SGD") {
    SGDOptions o;
    reader.field("momentum", o.momentum);
    reader.field("nesterov", o.nesterov);
    reader.finish();
    return SGD(fields.learning_rate, fields.options(o));
  }
  if (described.class_name == "RMSprop") {
    RMSpropOptions o;
    reader.field("rho", o.rho);
    reader.field("momentum", o.momentum);
    reader.field("epsilon", o.epsilon);
    reader.field("centered", o.centered);
    reader.finish();
    return RMSprop(fields.learning_rate, fields.options(o));
  }
  if (described.class_name == "Adam" || described.class_name == "AdamW") {
    AdamOptions o;
    reader.field("beta_1", o.beta_1);
    reader.field("beta_2", o.beta_2);
    reader.field("epsilon", o.epsilon);
    reader.field("amsgrad", o.amsgrad);
    reader.finish();
    if (described.class_name == "Adam") return Adam(fields.learning_rate, fields.options(o));
    return AdamW(fields.learning_rate, fields.options(o));
  }
  throw Error({.where = "optimizer",
               .expected = "one of the classes Adam, AdamW, RMSprop, SGD",
               .received = described.class_name,
               .hint = {}});
}

}  // namespace internal

LearningRate::LearningRate(double constant) : constant_(constant) {}
LearningRate::LearningRate(std::function<Tensor(const Tensor&)> schedule) : fn_(std::move(schedule)) {}
double LearningRate::at(std::int64_t step) const {
  if (!fn_) return constant_;
  internal::TraceSuspension eager;
  return fn_(full({}, static_cast<double>(step))).item();
}

Optimizer::Optimizer(const char* name) : Optimizer(std::string(name)) {}
Optimizer::Optimizer(const std::string& name) : impl_(internal::make_optimizer(name)) {}
double Optimizer::lr() const { return impl_->lr(); }
void Optimizer::set_lr(double lr) const { impl_->set_lr(lr); }
Parameters Optimizer::variables() const { return impl_->slots(); }
std::int64_t Optimizer::iterations() const { return impl_->iterations(); }

void Optimizer::apply(const Tensors& grads, const Parameters& variables) const {
  if (grads.size() != variables.size()) {
    throw Error({.where = impl_->name(),
                 .expected = absl::StrCat(variables.size(), " gradients, one for each variable"),
                 .received = absl::StrCat(grads.size()),
                 .hint = {}});
  }
  impl_->build(variables);
  Tensors operands;
  for (double value : impl_->operands()) operands.push_back(full({}, value));
  impl_->apply(variables, grads, operands);
  impl_->count_step();
}

namespace optimizers {
SGD::SGD(LearningRate rate, SGDOptions o) : Optimizer(std::make_shared<internal::Sgd>(std::move(rate), o)) {}
RMSprop::RMSprop(LearningRate rate, RMSpropOptions o)
    : Optimizer(std::make_shared<internal::RmsPropRule>(std::move(rate), o)) {}
Adam::Adam(LearningRate rate, AdamOptions o)
    : Optimizer(std::make_shared<internal::AdamRule>("adam", std::move(rate), o)) {}
AdamW::AdamW(LearningRate rate, AdamOptions o)
    : Optimizer(std::make_shared<internal::AdamRule>("adamw", std::move(rate), o)) {}
}  // namespace optimizers
}  // namespace mica
