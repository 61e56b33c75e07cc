// torch.nn.utils: parameters as one vector, norms of gradients, folding a normalisation, parametrizations, padding.
#pragma once
#include <array>
#include <concepts>

#include "mica/nn/module.h"
#include "mica/optim.h"

namespace mica::nn::utils {

using mica::clip_grad_norm_;
using mica::clip_grad_value_;

// All of them in one row; and back: each takes its part of the row.
Tensor parameters_to_vector(const Parameters& parameters);
void vector_to_parameters(const Tensor& vec, const Parameters& parameters);

// The common norm of tensors, pending; error_if_nonfinite reads it.
Tensor get_total_norm(const Tensors& tensors, double norm_type = 2, bool error_if_nonfinite = false);
// Scales the gradients so that a norm of total_norm becomes at most max_norm. Runs nothing.
void clip_grads_with_norm_(const Parameters& parameters, double max_norm, const Tensor& total_norm);

// A convolution, or a linear map, that gives what it and the normalisation behind it give; both after eval().
// `transpose` is for transposed convolutions.
Layer fuse_conv_bn_eval(const Layer& conv, const Layer& bn, bool transpose = false);
Layer fuse_linear_bn_eval(const Layer& linear, const Layer& bn);
// {weight, bias} of them. What is undefined is 0, the weight of the normalisation 1.
std::array<Tensor, 2> fuse_conv_bn_weights(const Tensor& conv_w, const Tensor& conv_b, const Tensor& bn_rm,
                                           const Tensor& bn_rv, double bn_eps, const Tensor& bn_w, const Tensor& bn_b,
                                           bool transpose = false);
std::array<Tensor, 2> fuse_linear_bn_weights(const Tensor& linear_w, const Tensor& linear_b, const Tensor& bn_rm,
                                             const Tensor& bn_rv, double bn_eps, const Tensor& bn_w,
                                             const Tensor& bn_b);

// A parameter or buffer of one of torch.nn's modules becomes what a module makes of other parameters, whenever it is
// used: state_dict() has "parametrizations.weight.original" in the place of "weight".
namespace parametrize {

struct RegisterOptions {
  bool unsafe = false;  // the shape and dtype may become others
};
// Several on one tensor are called one after another. An nn::Module may have a right_inverse(): what the original
// becomes, so that the tensor keeps its value.
void register_parametrization(const Layer& module, std::string_view tensor_name, const Layer& parametrization,
                              RegisterOptions options = {});
// The tensor is a parameter again: with the value it has now, or else with that of the original.
void remove_parametrizations(const Layer& module, std::string_view tensor_name, bool leave_parametrized = true);
bool is_parametrized(const Layer& module, std::string_view tensor_name = {});  // empty: any tensor
// module.weight of PyTorch: the tensor of this name as a call would use it.
Tensor parametrized(const Layer& module, std::string_view tensor_name);

}  // namespace parametrize

namespace parametrizations {

struct SpectralNormOptions {
  std::int64_t n_power_iterations = 1;
  double eps = 1e-12;
  std::optional<int> dim = {};  // that of the outputs: 0, of transposed convolutions 1
};
void apply_weight_norm(const Layer& module, std::string_view name, std::optional<int> dim);
void apply_spectral_norm(const Layer& module, std::string_view name, SpectralNormOptions options);

// w = g v / |v|, with a norm for each index of an axis, or one of all (none): nn::Linear fc =
// weight_norm(nn::Linear(20, 40)). "original0" is g, "original1" is v.
template <std::derived_from<Layer> Module>
Module weight_norm(const Module& module, std::string_view name = "weight", std::optional<int> dim = 0) {
  apply_weight_norm(module, name, dim);
  return module;
}
// w / σ(w), with the largest singular value from power iterations: one step of it at every use in training.
template <std::derived_from<Layer> Module>
Module spectral_norm(const Module& module, std::string_view name = "weight", SpectralNormOptions options = {}) {
  apply_spectral_norm(module, name, options);
  return module;
}

}  // namespace parametrizations

namespace rnn {

struct PadOptions {
  bool batch_first = false;
  double padding_value = 0;
  std::string padding_side = "right";  // or "left"
};
// Sequences of several lengths, [length, …] each, as one tensor: [longest, count, …], with batch_first [count, longest,
// …]. And back.
Tensor pad_sequence(const Tensors& sequences, PadOptions options = {});
Tensors unpad_sequence(const Tensor& padded_sequences, const Tensor& lengths, bool batch_first = false);

}  // namespace rnn
}  // namespace mica::nn::utils
