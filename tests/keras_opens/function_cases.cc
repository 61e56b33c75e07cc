// Models written with functions and methods of tensors, in both vocabularies: files hold operations of keras.ops.
#include "tests/keras_opens/cases.h"

namespace mica::keras_opens {
namespace {

Case of_numbers(const char* name, Shape shape, Tensors (*make)(const Tensor& x)) {
  return {name, {std::move(shape)}, [make](const Tensors& xs) { return make(xs[0]); }};
}

Tensors operators(const Tensor& x) { return {x + 1, 2 - x, x * x, x / 3, -x, x % 2, (x > 0) & (x <= 1), ~(x != 0)}; }
Tensors elementwise(const Tensor& x) {
  return {x.exp(),           log1p(x.abs()), sqrt(square(x)),       sin(x),       erf(x),   x.clamp(-0.5, 0.5),
          maximum(x, x * 2), x.pow(2),       where(x > 0, x, -1.0), x.to(kInt32), floor(x), x.sign()};
}
Tensors activations(const Tensor& x) {
  return {F::relu(x),
          F::gelu(x),
          F::gelu(x, {.approximate = "tanh"}),
          F::leaky_relu(x),
          F::elu(x, 0.5),
          F::silu(x),
          F::softmax(x, 1),
          F::log_softmax(x, -1),
          F::logsigmoid(x),
          F::softsign(x),
          F::selu(x)};
}
Tensors reductions(const Tensor& x) {
  return {
      x.sum(-1),      x.mean({1, 2}, {.keepdim = true}), x.amax(1),         x.logsumexp(-1), x.argmax(2).to(kFloat32),
      (x > 0).any(1), x.var(-1, {.correction = 0}),      x.norm({.dim = 1})};
}
Tensors shapes(const Tensor& x) {
  return {x.reshape({kAny, 12}), x.flatten(1),   x.transpose(1, 2),  x.permute({0, 2, 1}), x.unsqueeze(1).squeeze(1),
          x.narrow(2, 1, 2),     x.select(1, 0), cat({x, x * 2}, 1), stack({x, x}, 1),     x.chunk(2, 2)[1]};
}
Tensors slices(const Tensor& x) {
  return {x[Slice(1, {})], x[{kEllipsis, -1}], x[{Slice(), Slice({}, {}, 2)}], x.narrow(1, -2, 2)};
}
Tensors products(const Tensor& x) {
  Tensor weight = tensor({1, 2, 3, 4, 5, 6, 7, 8}).reshape({2, 4}) / 8, bias = tensor({0.5, -1});
  return {x.matmul(x.transpose(1, 2)), F::linear(x, weight, bias),
          F::layer_norm(x, {4}, {.weight = arange(4).to(kFloat32), .bias = ones({4})}), F::normalize(x)};
}
Tensors images(const Tensor& x) {
  Tensor kernel = (arange(54).to(kFloat32) / 54).reshape({3, 2, 3, 3});
  return {F::conv2d(x, kernel), F::conv2d(x, kernel, {}, {.padding = 1}), F::max_pool2d(x, 2), F::avg_pool2d(x, 2),
          F::pad(x, {1, 2, 0, 1})};
}
Tensors ids(const Tensor& x) {
  return {F::one_hot(x, 5), F::embedding(x, (arange(15).to(kFloat32) / 4).reshape({5, 3}))};
}

}  // namespace

std::vector<Case> function_cases() {
  return {of_numbers("Operators", {3, 4}, operators),
          of_numbers("ElementwiseFunctions", {3, 4}, elementwise),
          of_numbers("ActivationFunctions", {3, 4}, activations),
          of_numbers("Reductions", {3, 4}, reductions),
          of_numbers("ShapeFunctions", {3, 4}, shapes),
          of_numbers("Slices", {3, 4}, slices),
          of_numbers("Products", {3, 4}, products),
          of_numbers("ImageFunctions", {2, 6, 6}, images),
          {"IdFunctions", {{4}}, [](const Tensors& xs) { return ids(xs[0]); }, 5}};
}

}  // namespace mica::keras_opens
