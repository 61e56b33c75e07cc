#include "frontend/training/optimizers/adam_family.h"

namespace mica {
namespace internal {
namespace {

// Adam with Nesterov momentum; β₁ grows with the steps: u(t) = β₁·(1 - 0.96ᵗ / 2).
class NadamRule : public AdamFamilyRule {
 public:
  NadamRule(LearningRate rate, AdamOptions o) : AdamFamilyRule("Nadam", std::move(rate), std::move(o)) {}

 protected:
  // The product of all u so far.
  std::vector<SlotSpec> own_slots() const override { return {{"variable", full({}, 1.0, {.dtype = kFloat32}), 0}}; }

  std::vector<double> factors(double, double step) const override {
    return {momentum_at(step), momentum_at(step + 1), 1 / (1 - std::pow(o_.beta_2, step))};
  }

  void update_own(const Parameters& own_slots, const Tensors& factors) override {
    Variable product = own_slots[0];
    product.assign(product * factors[0]);
    product_ = product;
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, m = a.slots[0], v = a.slots[1];
    const Tensor &now = a.factors[0], &next = a.factors[1], &correction = a.factors[2];
    m.assign(moved_towards(m, a.grad, o_.beta_1));
    v.assign(moved_towards(v, a.grad.square(), o_.beta_2));
    Tensor product = product_.to(w.dtype());
    Tensor m_hat = m * (next / (1 - product * next)) + a.grad * ((1 - now) / (1 - product));
    w.assign(w - m_hat * a.lr / ((v * correction).sqrt() + o_.epsilon));
  }

 private:
  double momentum_at(double step) const { return o_.beta_1 * (1 - 0.5 * std::pow(0.96, step)); }
  Variable product_;
};

}  // namespace
}  // namespace internal

optimizers::Nadam::Nadam(LearningRate rate, AdamOptions o)
    : Optimizer(std::make_shared<internal::NadamRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
