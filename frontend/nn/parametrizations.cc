// weight_norm and spectral_norm as parametrizations.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "frontend/mica/autograd.h"
#include "frontend/mica/functional/distance.h"
#include "frontend/mica/functions.h"
#include "frontend/mica/nn/utils.h"
#include "frontend/nn/parametrize.h"

namespace mica::nn::utils::parametrizations {
namespace {

using namespace internal;

int checked_axis(const Layer& module, const Tensor& tensor, int dim) {
  if (dim >= -tensor.dim() && dim < tensor.dim()) return dim < 0 ? dim + tensor.dim() : dim;
  throw Error({.where = module.name(),
               .expected = absl::StrCat("dim from ", -tensor.dim(), " to ", tensor.dim() - 1),
               .received = absl::StrCat(dim),
               .hint = {}});
}

// {g, v} to g v / |v|.
class WeightNorm final : public BuiltinModule, public HasRightInverse {
 public:
  explicit WeightNorm(std::optional<int> axis) : BuiltinModule("_WeightNorm"), axis_(axis) {}
  Tensors right_inverse(const Tensor& value) const override { return {norm(value), value.detach()}; }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 2, 2);
    return {xs[1] * (xs[0] / norm(xs[1]))};
  }

 private:
  // For each index of the axis, with the rank of the weight; or of all.
  Tensor norm(const Tensor& v) const {
    if (!axis_) return v.square().sum().sqrt();
    std::vector<std::int64_t> dims(static_cast<std::size_t>(v.dim()), 1);
    dims[static_cast<std::size_t>(*axis_)] = kAny;
    Tensor rows = movedim(v, *axis_, 0).reshape({v.size(*axis_), kAny});
    return rows.square().sum(1).sqrt().reshape(dims);
  }

  std::optional<int> axis_;
};

// w / σ, where σ = u·(W v) and power iterations turn u and v to the singular vectors of the largest singular value.
class SpectralNorm final : public BuiltinModule, public HasRightInverse {
 public:
  SpectralNorm(const Tensor& weight, int axis, const SpectralNormOptions& options)
      : BuiltinModule("_SpectralNorm"), axis_(axis), options_(options) {
    expect_positive("n_power_iterations", options.n_power_iterations);
    if (weight.dim() < 2) return;
    constexpr int kFirstIterations = 15;
    NoGradGuard no_grad;
    const Tensor w = matrix(weight.detach());
    Vectors start{normalized(normal_values({w.size(0)}, 0, 1)), normalized(normal_values({w.size(1)}, 0, 1))};
    Vectors vectors = iterated(w, std::move(start), kFirstIterations);
    register_buffer("_u", vectors.u);
    register_buffer("_v", vectors.v);
  }
  Tensors right_inverse(const Tensor& value) const override { return {value}; }

 protected:
  Tensor forward(const Tensor& weight) override {
    if (weight.dim() < 2) return normalized(weight);
    const Tensor w = matrix(weight);
    Variable u = variable("_u"), v = variable("_v");
    Vectors vectors{Tensor(u), Tensor(v)};
    if (training()) {
      vectors = iterated(w.detach(), std::move(vectors), options_.n_power_iterations);
      u.assign(vectors.u);
      v.assign(vectors.v);
    }
    Tensor sigma = vectors.u.detach().dot(w.matmul(vectors.v.detach()));
    return weight / sigma;
  }

 private:
  struct Vectors {
    Tensor u, v;
  };

  Tensor matrix(const Tensor& weight) const { return movedim(weight, axis_, 0).flatten(1); }
  Tensor normalized(const Tensor& x) const { return F::normalize(x, {.dim = 0, .eps = options_.eps}); }
  Vectors iterated(const Tensor& w, Vectors vectors, std::int64_t steps) const {
    for (std::int64_t i = 0; i < steps; ++i) {
      vectors.u = normalized(w.matmul(vectors.v));
      vectors.v = normalized(w.t().matmul(vectors.u));
    }
    return vectors;
  }

  int axis_;
  SpectralNormOptions options_;
};

// Files of the former weight_norm have "weight_g" and "weight_v".
void read_former_names(const Layer& module, const std::string& name) {
  module.register_load_state_dict_pre_hook([name](const Layer&, TensorDict& state, const std::string& prefix) {
    const std::string g = absl::StrCat(prefix, name, "_g"), v = absl::StrCat(prefix, name, "_v");
    if (!state.contains(g) || !state.contains(v)) return;
    const std::string original = absl::StrCat(prefix, "parametrizations.", name, ".original");
    state.set(absl::StrCat(original, 0), state[g]);
    state.set(absl::StrCat(original, 1), state[v]);
    state.erase(g);
    state.erase(v);
  });
}

}  // namespace

void apply_weight_norm(const Layer& module, std::string_view name, std::optional<int> dim) {
  const Tensor weight = parametrize::parametrized(module, name);
  std::optional<int> axis;
  if (dim && *dim != -1) axis = checked_axis(module, weight, *dim);
  parametrize::register_parametrization(module, name, Layer::of(std::make_shared<WeightNorm>(axis)), {.unsafe = true});
  read_former_names(module, std::string(name));
}

void apply_spectral_norm(const Layer& module, std::string_view name, SpectralNormOptions options) {
  const Tensor weight = parametrize::parametrized(module, name);
  const int of_outputs = absl::StartsWith(module.class_name(), "ConvTranspose") ? 1 : 0;
  const int axis = checked_axis(module, weight, options.dim.value_or(of_outputs));
  parametrize::register_parametrization(module, name, Layer::of(std::make_shared<SpectralNorm>(weight, axis, options)));
}

}  // namespace mica::nn::utils::parametrizations
