#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/training/optim/parameter_optimizer.h"

namespace mica {
namespace internal {
namespace {

// PyTorch iterates in bfloat16: results are rounded to it, sums are not.
Tensor rounded(const Tensor& x) { return x.to(kBFloat16).to(kFloat32); }

class MuonOptimizer : public ParameterOptimizer {
 public:
  explicit MuonOptimizer(const optim::MuonOptions& o)
      : ParameterOptimizer("Muon", {.lr = o.lr, .weight_decay = o.weight_decay, .momentum = o.momentum}), o_(o) {
    check_not_negative("momentum", o.momentum);
    constexpr std::int64_t kMostSteps = 99;
    if (o.ns_steps < 0 || o.ns_steps > kMostSteps) refuse("ns_steps from 0 to 99", absl::StrCat(o.ns_steps));
    constexpr const char* kChoices[] = {"", "original", "match_rms_adamw", "spectral_unclamped"};
    if (std::find(std::begin(kChoices), std::end(kChoices), o.adjust_lr_fn) != std::end(kChoices)) return;
    refuse("adjust_lr_fn \"original\", \"match_rms_adamw\" or \"spectral_unclamped\"",
           absl::StrCat("\"", o.adjust_lr_fn, "\""));
  }
  bool has_momentum() const override { return true; }
  bool keeps_step() const override { return false; }

 protected:
  void check_parameter(const Variable& parameter) const override {
    if (parameter.dim() == 2) return;
    refuse("matrices", absl::StrCat("a parameter of shape ", parameter.shape().to_string()),
           "Other parameters go to another optimizer, AdamW for one.");
  }

  void update(const ParameterGroup& group, ParameterState& state, Variable w, Tensor g) override {
    Variable buffer = state.tensor("momentum_buffer", w, 0);
    buffer.assign(buffer + (g - buffer) * (1 - group.momentum));
    Tensor direction = orthogonalized(o_.nesterov ? g + (buffer - g) * group.momentum : Tensor(buffer));
    w.assign(w * (1 - group.lr * group.weight_decay) - direction.to(w.dtype()) * (group.lr * ratio(w.shape())));
  }

 private:
  // Newton-Schulz: singular values move towards 1.
  Tensor orthogonalized(const Tensor& matrix) const {
    const auto& [a, b, c] = o_.ns_coefficients;
    const bool tall = matrix.size(0) > matrix.size(1);
    Tensor x = rounded(tall ? matrix.t() : matrix);
    x = rounded(x / rounded(x.square().sum().sqrt()).clamp(o_.eps));
    for (std::int64_t i = 0; i < o_.ns_steps; ++i) {
      Tensor gram = rounded(x.matmul(x.t()));
      Tensor polynomial = rounded(gram * b + gram.matmul(gram) * c);
      x = rounded(x * a + polynomial.matmul(x));
    }
    return tall ? x.t() : x;
  }

  // What the rate is multiplied by, so that updates of matrices of any shape are of one size.
  double ratio(const Shape& shape) const {
    const double rows = static_cast<double>(shape[0]), columns = static_cast<double>(shape[1]);
    if (o_.adjust_lr_fn == "match_rms_adamw") return 0.2 * std::sqrt(std::max(rows, columns));
    if (o_.adjust_lr_fn == "spectral_unclamped") return std::sqrt(rows / columns);
    return std::sqrt(std::max(1.0, rows / columns));
  }

  optim::MuonOptions o_;
};

}  // namespace
}  // namespace internal

optim::Muon::Muon(const Parameters& params, MuonOptions o) : Muon({{.params = params}}, std::move(o)) {}
optim::Muon::Muon(ParamGroups groups, MuonOptions o)
    : Optimizer(internal::make_parameter_optimizer<internal::MuonOptimizer>(groups, std::move(o))) {}

}  // namespace mica
