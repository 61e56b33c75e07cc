#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "frontend/training/optimizers/pattern.h"
#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

class MuonRule : public Rule<MuonOptions> {
 public:
  MuonRule(LearningRate rate, MuonOptions o) : Rule("Muon", std::move(rate), std::move(o)) { check_options(); }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("adam_beta_1", o_.adam_beta_1);
    v.field("adam_beta_2", o_.adam_beta_2);
    v.field("epsilon", o_.epsilon);
    v.field("exclude_layers", o_.exclude_layers);
    v.field("muon_a", o_.muon_a);
    v.field("muon_b", o_.muon_b);
    v.field("muon_c", o_.muon_c);
    v.field("adam_lr_ratio", o_.adam_lr_ratio);
    v.field("momentum", o_.momentum);
    v.field("ns_steps", o_.ns_steps);
    v.field("nesterov", o_.nesterov);
    v.field("exclude_embeddings", o_.exclude_embeddings);
    v.field("adam_weight_decay", o_.adam_weight_decay);
    v.field("rms_rate", o_.rms_rate);
  }
  void check_options() const override {
    check_beta("adam_beta_1", o_.adam_beta_1);
    check_beta("adam_beta_2", o_.adam_beta_2);
    check_beta("momentum", o_.momentum);
    check_not_negative("epsilon", o_.epsilon);
    check_not_negative("ns_steps", static_cast<double>(o_.ns_steps));
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    std::vector<SlotSpec> slots = {slot(variable, "momentum")};
    if (is_adams(variable)) slots.push_back(slot(variable, "velocity"));
    return slots;
  }

  std::vector<double> factors(double lr, double step) const override {
    return {adam_rate(lr * o_.adam_lr_ratio, o_.adam_beta_1, o_.adam_beta_2, step)};
  }

  std::optional<double> weight_decay_of(const Variable& variable) const override {
    return is_adams(variable) ? o_.adam_weight_decay : Rule::weight_decay_of(variable);
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, m = a.slots[0];
    if (a.slots.size() == 2) {
      Variable v = a.slots[1];
      m.assign(moved_towards(m, a.grad, o_.adam_beta_1));
      v.assign(moved_towards(v, a.grad.square(), o_.adam_beta_2));
      return w.assign(w - m * a.factors[0] / (v.sqrt() + o_.epsilon));
    }
    m.assign(a.grad + m * o_.momentum);
    Tensor direction = orthogonalized(o_.nesterov ? a.grad + m * o_.momentum : m);
    double longest = static_cast<double>(std::max(w.size(0), w.size(1)));
    w.assign(w - a.lr * direction * (o_.rms_rate ? std::sqrt(longest) * *o_.rms_rate : 1.0));
  }

 private:
  bool is_adams(const Variable& variable) const {
    if (variable.dim() != 2) return true;
    const std::string& path = variable.path();
    if (o_.exclude_embeddings && absl::StrContains(absl::AsciiStrToLower(path), "embedding")) return true;
    return any_found_in(o_.exclude_layers, path, name());
  }

  // Newton-Schulz: singular values move towards 1.
  Tensor orthogonalized(const Tensor& matrix) const {
    bool tall = matrix.size(0) > matrix.size(1);
    Tensor x = tall ? matrix.t() : matrix;
    x = x / (x.square().sum().sqrt() + 1e-7);
    for (std::int64_t i = 0; i < o_.ns_steps; ++i) {
      Tensor gram = x.matmul(x.t());
      x = x * o_.muon_a + (gram * o_.muon_b + (gram * o_.muon_c).matmul(gram)).matmul(x);
    }
    return tall ? x.t() : x;
  }
};

}  // namespace
}  // namespace internal

optimizers::Muon::Muon(LearningRate rate, MuonOptions o)
    : Optimizer(std::make_shared<internal::MuonRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
