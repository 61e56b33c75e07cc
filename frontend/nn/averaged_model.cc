// torch.optim.swa_utils: AveragedModel and update_bn.
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/graph/evaluate.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/trace.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/swa_utils.h"
#include "frontend/nn/batch_norm.h"
#include "frontend/nn/builtin_module.h"

namespace mica {
namespace internal {
namespace {

class Twin;

// What has a twin already: layers and Variables that a model has several times are one in the twin too.
struct Twins {
  std::map<const CustomLayer*, Layer> layers;
  std::map<const VariableCell*, Variable> variables;
};

Layer twin_of(const Layer& original, Twins& twins);

// A module with weights of its own under the names of another one, whose code it runs: while that is called, the
// Variables of the original hold the values of the twin.
class Twin : public BuiltinModule {
 public:
  Twin(const Layer& original, Twins& twins) : BuiltinModule(original.class_name()), original_(original) {
    const LayerState& from = state_of(original);
    LayerState& own = state_of(*this);
    own.mode = from.mode;
    own.declares_sublayers = false;
    for (std::size_t i = 0; i < from.weights.size(); ++i) add_twin(from.name_of_weight(i), from.weights[i], twins);
    for (const auto& [name, layer] : from.sublayers) register_module(name, twin_of(layer, twins));
  }
  std::string module_text() const override { return text_in_parentheses(original_); }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    if (Trace::current()) {
      fail("a call on concrete tensors", "a call inside of a model or a compiled function",
           "An averaged model computes in lazy code.");
    }
    CallArguments arguments{.tensors = xs, .training = training()};
    Swap swap(*this);
    return invoke(original_.impl(), std::move(arguments));
  }

  const Layer& original() const { return original_; }

 private:
  struct Pair {
    CellRef original, twin;
    ValueRef value;  // of the original before the swap, of the twin during it
  };

  // While it lives, the originals of all weights below a twin hold the values of the twin; what they are bound to goes
  // to the twin.
  class Swap {
   public:
    explicit Swap(const Twin& twin) {
      twin.collect(pairs_);
      for (Pair& pair : pairs_) {
        ValueRef lent = pair.twin->value();
        pair.value = pair.original->exchange(lent);
        lent_.push_back(std::move(lent));
      }
    }
    ~Swap() {
      for (std::size_t i = pairs_.size(); i-- > 0;) {
        ValueRef now = pairs_[i].original->exchange(pairs_[i].value);
        if (now != lent_[i]) pairs_[i].twin->bind(Tensor::of(std::move(now)));
      }
    }
    Swap(const Swap&) = delete;
    Swap& operator=(const Swap&) = delete;

   private:
    std::vector<Pair> pairs_;
    std::vector<ValueRef> lent_;
  };

  void add_twin(const std::string& name, const Variable& original, Twins& twins) {
    const VariableCell& cell = *original.cell();
    Variable& twin = twins.variables[&cell];
    const bool is_new = !twin.defined();
    twin = add_named_weight(*this, name, is_new ? Tensor::of(cell.value()).detach() : Tensor(twin), cell.is_buffer,
                            cell.trainable);
    if (is_new && cell.frozen) twin.requires_grad_(false);
    weights_.emplace_back(original, twin);
  }

  void collect(std::vector<Pair>& pairs) const {
    for (const auto& [original, twin] : weights_) pairs.push_back({original.cell(), twin.cell(), nullptr});
    for (const auto& [name, layer] : state_of(*this).sublayers) layer.get_if<Twin>()->collect(pairs);
  }

  Layer original_;
  std::vector<std::pair<Variable, Variable>> weights_;
};

class BatchNormTwin final : public Twin, public BatchNormalizing {
 public:
  using Twin::Twin;
  double eps() const override { return normalizing().eps(); }
  std::optional<double> momentum() const override { return normalizing().momentum(); }
  void set_momentum(std::optional<double> momentum) override { normalizing().set_momentum(momentum); }
  void reset_running_stats() override { reset_statistics(state_of(*this)); }

 private:
  BatchNormalizing& normalizing() const { return *original().get_if<BatchNormalizing>(); }
};

Layer twin_of(const Layer& original, Twins& twins) {
  Layer& twin = twins.layers[original.impl().get()];
  if (!twin) {
    twin = Layer::of(original.get_if<BatchNormalizing>() ? std::make_shared<BatchNormTwin>(original, twins)
                                                         : std::make_shared<Twin>(original, twins));
  }
  return twin;
}

optim::swa_utils::MultiAvgFn of_each(optim::swa_utils::AvgFn average) {
  return [average = std::move(average)](const Parameters& averaged, const Tensors& current, const Tensor& count) {
    for (std::size_t i = 0; i < averaged.size(); ++i) {
      Variable(averaged[i]).assign(average(averaged[i].detach(), current[i], count));
    }
  };
}

class AveragedModule final : public BuiltinModule {
 public:
  AveragedModule(const Layer& model, optim::swa_utils::AveragedModelOptions o)
      : BuiltinModule("AveragedModel"), options_(std::move(o)) {
    if (options_.avg_fn && options_.multi_avg_fn) fail("avg_fn or multi_avg_fn", "both");
    Twins twins;
    register_module("module", twin_of(model, twins));
    register_buffer("n_averaged", zeros({}, {.dtype = kInt64}));
    state_of(*this).mode = model.is_training();
  }

  std::int64_t n_averaged() const { return variable("n_averaged").item<std::int64_t>(); }

  void update(const Layer& model) {
    NoGradGuard no_grad;
    const Layer own = module("module");
    Parameters averaged = own.parameters(), current = model.parameters();
    if (options_.use_buffers) {
      append(averaged, own.buffers());
      append(current, model.buffers());
    }
    check_count(averaged, current);
    n_averaged() == 0 ? assign_all(averaged, current) : average(averaged, current);
    if (!options_.use_buffers) assign_all(own.buffers(), model.buffers());
    variable("n_averaged").assign(full({}, n_averaged() + 1, {.dtype = kInt64}));
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    CallArguments arguments;
    arguments.tensors = xs;
    return invoke(module("module").impl(), std::move(arguments), "module");
  }

 private:
  static void append(Parameters& all, const Parameters& more) { all.insert(all.end(), more.begin(), more.end()); }

  void check_count(const Parameters& averaged, const Parameters& current) const {
    if (averaged.size() == current.size()) return;
    fail(absl::StrCat("a model of ", averaged.size(), " parameters"), absl::StrCat(current.size()));
  }

  static void assign_all(const Parameters& to, const Parameters& from) {
    for (std::size_t i = 0; i < to.size(); ++i) Variable(to[i]).assign(Tensor::of(from[i].cell()->value()));
  }

  void average(const Parameters& averaged, const Parameters& current) {
    const Tensor count = variable("n_averaged");
    Tensors values;
    for (const Variable& parameter : current) values.push_back(parameter.detach());
    if (options_.multi_avg_fn) return options_.multi_avg_fn(averaged, values, count);
    of_each(options_.avg_fn ? options_.avg_fn : optim::swa_utils::get_swa_avg_fn())(averaged, values, count);
  }

  optim::swa_utils::AveragedModelOptions options_;
};

AveragedModule& averaged(const Layer& model) { return *model.get_if<AveragedModule>(); }

double checked_decay(double decay) {
  if (decay >= 0 && decay <= 1) return decay;
  throw Error({.where = "swa_utils", .expected = "a decay from 0 to 1", .received = absl::StrCat(decay), .hint = {}});
}

}  // namespace
}  // namespace internal

namespace optim::swa_utils {

AvgFn get_swa_avg_fn() {
  return [](const Tensor& averaged, const Tensor& current, const Tensor& count) {
    return averaged + (current - averaged) / (count + 1).to(averaged.dtype());
  };
}
AvgFn get_ema_avg_fn(double decay) {
  return [decay = internal::checked_decay(decay)](const Tensor& averaged, const Tensor& current, const Tensor&) {
    return averaged * decay + current * (1 - decay);
  };
}
MultiAvgFn get_swa_multi_avg_fn() { return internal::of_each(get_swa_avg_fn()); }
MultiAvgFn get_ema_multi_avg_fn(double decay) { return internal::of_each(get_ema_avg_fn(decay)); }

AveragedModel::AveragedModel(const Layer& model, AveragedModelOptions options)
    : Layer(std::make_shared<internal::AveragedModule>(model, std::move(options))) {}
void AveragedModel::update_parameters(const Layer& model) const { internal::averaged(*this).update(model); }
std::int64_t AveragedModel::n_averaged() const { return internal::averaged(*this).n_averaged(); }

struct BatchNormPass::State {
  Layer model;
  bool trained = false;
  std::vector<std::pair<internal::BatchNormalizing*, std::optional<double>>> momenta;
};

BatchNormPass::BatchNormPass(const Layer& model) : state_(std::make_unique<State>()) {
  state_->model = model;
  for (const Layer& layer : model.modules()) {
    auto* norm = layer.get_if<internal::BatchNormalizing>();
    if (!norm) continue;
    norm->reset_running_stats();
    state_->momenta.emplace_back(norm, norm->momentum());
  }
  if (!has_work()) return;
  state_->trained = model.is_training();
  model.train();
  for (auto& [norm, momentum] : state_->momenta) norm->set_momentum(std::nullopt);
}

BatchNormPass::~BatchNormPass() {
  if (!has_work()) return;
  for (auto& [norm, momentum] : state_->momenta) norm->set_momentum(momentum);
  state_->model.train(state_->trained);
}

bool BatchNormPass::has_work() const { return !state_->momenta.empty(); }

void BatchNormPass::run(const Tensor& input) const {
  NoGradGuard no_grad;
  state_->model.apply(input);
  internal::run_bindings();
}

}  // namespace optim::swa_utils
}  // namespace mica
