// Gradients of gradients of F:: against PyTorch's double backward: tests/fixtures/meta.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "mica/mica.h"
#include "tests/support/tensors_near.h"

namespace mica {
namespace {

using Json = nlohmann::json;
using Function = std::function<Tensor(const Tensors&)>;

const Json& tolerances() {
  static const Json all = Json::parse(std::ifstream(MICA_SOURCE_DIR "/tests/fixtures/meta/cases.json"))["second"];
  return all;
}

void add_maps(std::map<std::string, Function>& f) {
  f["linear"] = [](const Tensors& x) { return F::linear(x[0], x[1], x[2]); };
  f["bilinear"] = [](const Tensors& x) { return F::bilinear(x[0], x[1], x[2], x[3]); };
  f["conv1d"] = [](const Tensors& x) { return F::conv1d(x[0], x[1], x[2], {.stride = 2, .padding = 1}); };
  f["conv2d"] = [](const Tensors& x) { return F::conv2d(x[0], x[1], x[2], {.padding = 1}); };
  f["conv2d_groups"] = [](const Tensors& x) {
    return F::conv2d(x[0], x[1], x[2], {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2});
  };
  f["conv3d"] = [](const Tensors& x) { return F::conv3d(x[0], x[1], {}, {.stride = 2}); };
  f["conv_transpose1d"] = [](const Tensors& x) { return F::conv_transpose1d(x[0], x[1], {}, {.stride = 3}); };
  f["conv_transpose2d"] = [](const Tensors& x) {
    return F::conv_transpose2d(x[0], x[1], x[2], {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2});
  };
  f["embedding"] = [](const Tensors& x) {
    return F::embedding(tensor({{1, 4, 1}, {0, 2, 6}}, {.dtype = kInt64}), x[0]).pow(2);
  };
}

void add_windows_and_images(std::map<std::string, Function>& f) {
  f["max_pool2d"] = [](const Tensors& x) { return F::max_pool2d(x[0], 2); };
  f["avg_pool2d"] = [](const Tensors& x) { return F::avg_pool2d(x[0], 3, {.stride = 2, .padding = 1}); };
  f["lp_pool2d"] = [](const Tensors& x) { return F::lp_pool2d(x[0], 2, 2); };
  f["adaptive_avg_pool2d"] = [](const Tensors& x) { return F::adaptive_avg_pool2d(x[0], 2); };
  f["interpolate_bilinear"] = [](const Tensors& x) {
    return F::interpolate(x[0], {.scale_factor = 2, .mode = "bilinear"}).pow(2);
  };
  f["interpolate_bicubic"] = [](const Tensors& x) {
    return F::interpolate(x[0], {.size = {5, 3}, .mode = "bicubic"}).pow(2);
  };
  f["pad_reflect"] = [](const Tensors& x) { return F::pad(x[0], {1, 2}, {.mode = "reflect"}).pow(2); };
  f["pixel_shuffle"] = [](const Tensors& x) { return F::pixel_shuffle(x[0], 2).pow(3); };
}

void add_norms(std::map<std::string, Function>& f) {
  f["batch_norm_training"] = [](const Tensors& x) {
    return F::batch_norm(x[0], {}, {}, {.weight = x[1], .bias = x[2], .training = true});
  };
  f["batch_norm"] = [](const Tensors& x) { return F::batch_norm(x[0], x[1], x[2], {.weight = x[3], .bias = x[4]}); };
  f["layer_norm"] = [](const Tensors& x) { return F::layer_norm(x[0], {6}, {.weight = x[1], .bias = x[2]}); };
  f["rms_norm"] = [](const Tensors& x) { return F::rms_norm(x[0], {6}, {.weight = x[1], .eps = 1e-5}); };
  f["group_norm"] = [](const Tensors& x) { return F::group_norm(x[0], 2, {.weight = x[1], .bias = x[2]}); };
  f["instance_norm"] = [](const Tensors& x) { return F::instance_norm(x[0], {.weight = x[1], .bias = x[2]}); };
  f["local_response_norm"] = [](const Tensors& x) { return F::local_response_norm(x[0], 2); };
  f["normalize"] = [](const Tensors& x) { return F::normalize(x[0], {.dim = -1}); };
}

void add_attention(std::map<std::string, Function>& f) {
  f["softmax"] = [](const Tensors& x) { return F::softmax(x[0], -1); };
  f["softmax_channels"] = [](const Tensors& x) { return F::softmax(x[0], 1); };
  f["log_softmax"] = [](const Tensors& x) { return F::log_softmax(x[0], -1); };
  f["attention"] = [](const Tensors& x) { return F::scaled_dot_product_attention(x[0], x[1], x[2]); };
  f["attention_causal"] = [](const Tensors& x) {
    return F::scaled_dot_product_attention(x[0], x[1], x[2], {.is_causal = true});
  };
  f["attention_mask"] = [](const Tensors& x) {
    return F::scaled_dot_product_attention(x[0], x[1], x[2], {.attn_mask = x[3]});
  };
  f["multi_head_attention"] = [](const Tensors& x) {
    return F::multi_head_attention_forward(x[0], x[1], x[2], 2,
                                           {.in_proj_weight = x[3],
                                            .in_proj_bias = x[4],
                                            .out_proj_weight = x[5],
                                            .out_proj_bias = x[6],
                                            .training = false})
        .output;
  };
}

void add_activations(std::map<std::string, Function>& f) {
  f["gelu"] = [](const Tensors& x) { return F::gelu(x[0]); };
  f["gelu_tanh"] = [](const Tensors& x) { return F::gelu(x[0], {.approximate = "tanh"}); };
  f["silu"] = [](const Tensors& x) { return F::silu(x[0]); };
  f["mish"] = [](const Tensors& x) { return F::mish(x[0]); };
  f["softplus"] = [](const Tensors& x) { return F::softplus(x[0], {.beta = 2}); };
  f["elu"] = [](const Tensors& x) { return F::elu(x[0], 0.7); };
  f["celu"] = [](const Tensors& x) { return F::celu(x[0], 0.7); };
  f["selu"] = [](const Tensors& x) { return F::selu(x[0]); };
  f["leaky_relu"] = [](const Tensors& x) { return F::leaky_relu(x[0]).pow(2); };
  f["relu"] = [](const Tensors& x) { return F::relu(x[0]).pow(3); };
  f["hardswish"] = [](const Tensors& x) { return F::hardswish(x[0]); };
  f["logsigmoid"] = [](const Tensors& x) { return F::logsigmoid(x[0]); };
  f["softsign"] = [](const Tensors& x) { return F::softsign(x[0]); };
  f["tanhshrink"] = [](const Tensors& x) { return F::tanhshrink(x[0]); };
  f["sigmoid"] = [](const Tensors& x) { return F::sigmoid(x[0]); };
  f["tanh"] = [](const Tensors& x) { return F::tanh(x[0]); };
  f["glu"] = [](const Tensors& x) { return F::glu(x[0]); };
  f["prelu"] = [](const Tensors& x) { return F::prelu(x[0], x[1]); };
}

void add_losses(std::map<std::string, Function>& f) {
  f["cosine_similarity"] = [](const Tensors& x) { return F::cosine_similarity(x[0], x[1]); };
  f["pairwise_distance"] = [](const Tensors& x) { return F::pairwise_distance(x[0], x[1]); };
  f["cross_entropy"] = [](const Tensors& x) { return F::cross_entropy(x[0], x[1], {.label_smoothing = 0.1}); };
  f["cross_entropy_weights"] = [](const Tensors& x) { return F::cross_entropy(x[0], x[1], {.weight = x[2]}); };
  f["cross_entropy_images"] = [](const Tensors& x) { return F::cross_entropy(x[0], x[1], {.reduction = "none"}); };
  f["nll_loss"] = [](const Tensors& x) { return F::nll_loss(F::log_softmax(x[0], 1), x[1]); };
  f["mse_loss"] = [](const Tensors& x) { return F::mse_loss(x[0], x[1]); };
  f["huber_loss"] = [](const Tensors& x) { return F::huber_loss(x[0], x[1], {.delta = 0.7}); };
  f["smooth_l1_loss"] = [](const Tensors& x) { return F::smooth_l1_loss(x[0], x[1], {.beta = 0.7}); };
  f["binary_cross_entropy"] = [](const Tensors& x) { return F::binary_cross_entropy(x[0], x[1]); };
  f["binary_cross_entropy_with_logits"] = [](const Tensors& x) {
    return F::binary_cross_entropy_with_logits(x[0], x[1], {.pos_weight = x[2]});
  };
  f["kl_div"] = [](const Tensors& x) { return F::kl_div(F::log_softmax(x[0], 1), x[1], {.reduction = "batchmean"}); };
  f["poisson_nll_loss"] = [](const Tensors& x) { return F::poisson_nll_loss(x[0], x[1]); };
  f["gaussian_nll_loss"] = [](const Tensors& x) { return F::gaussian_nll_loss(x[0], x[1], x[2]); };
  f["soft_margin_loss"] = [](const Tensors& x) { return F::soft_margin_loss(x[0], x[1]); };
  f["cosine_embedding_loss"] = [](const Tensors& x) {
    return F::cosine_embedding_loss(x[0], x[1], x[2], {.margin = -0.9});
  };
  f["triplet_margin_loss"] = [](const Tensors& x) { return F::triplet_margin_loss(x[0], x[1], x[2], {.margin = 5}); };
  f["multilabel_soft_margin_loss"] = [](const Tensors& x) { return F::multilabel_soft_margin_loss(x[0], x[1]); };
}

std::map<std::string, Function> functions() {
  std::map<std::string, Function> all;
  add_maps(all);
  add_windows_and_images(all);
  add_norms(all);
  add_attention(all);
  add_activations(all);
  add_losses(all);
  return all;
}

// The arrays of a case; those that PyTorch differentiates by are Variables.
struct Operands {
  Tensors inputs;
  Parameters differentiated;
  std::vector<std::string> names;  // of `differentiated`
};

Tensor narrowed(const Tensor& x) { return x.dtype() == kFloat64 ? x.to(kFloat32) : x; }

Operands operands_of(const TensorDict& arrays, const std::string& prefix) {
  Operands operands;
  for (int i = 0; arrays.contains(prefix + "in." + std::to_string(i)); ++i) {
    const std::string number = std::to_string(i);
    Tensor value = narrowed(arrays[prefix + "in." + number]);
    if (arrays.contains(prefix + "first." + number)) {
      operands.differentiated.emplace_back(value);
      operands.names.push_back(number);
      value = operands.differentiated.back();
    }
    operands.inputs.push_back(value);
  }
  return operands;
}

class DoubleBackward : public testing::TestWithParam<std::string> {};

TEST_P(DoubleBackward, EqualsPyTorch) {
  static const TensorDict arrays = load_npz(MICA_SOURCE_DIR "/tests/fixtures/meta/arrays.npz");
  static const std::map<std::string, Function> known = functions();
  ASSERT_TRUE(known.count(GetParam()));
  const std::string prefix = GetParam() + "/";
  const double tolerance = tolerances()[GetParam()];
  Operands operands = operands_of(arrays, prefix);
  Variable cotangent(narrowed(arrays[prefix + "cot"]));
  Tensor y = known.at(GetParam())(operands.inputs);
  Tensors first = grad((y * cotangent).sum(), operands.differentiated);
  Tensor total = zeros({});
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::string& name = operands.names[i];
    expect_near(first[i], arrays[prefix + "first." + name], tolerance, "gradient of " + name);
    total = total + (first[i] * narrowed(arrays[prefix + "seed." + name])).sum();
  }
  total.backward();
  operands.differentiated.push_back(cotangent);
  operands.names.push_back("cot");
  for (std::size_t i = 0; i < operands.names.size(); ++i) {
    Tensor got = operands.differentiated[i].grad(), want = arrays[prefix + "second." + operands.names[i]];
    // What the first gradients do not depend on has no second one.
    expect_near(got.defined() ? got : zeros_like(want), want, tolerance, "second gradient of " + operands.names[i]);
  }
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& [name, tolerance] : tolerances().items()) names.push_back(name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(PyTorch, DoubleBackward, testing::ValuesIn(case_names()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace mica
