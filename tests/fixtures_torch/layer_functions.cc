// Linear maps, embeddings, normalisations, dropouts and attention of torch.nn.functional.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

void add_linear(Table& t) {
  t["F.linear"] = {{"input", "weight", "bias"}, [](Call& c) -> Tensors {
                     return {F::linear(c.tensor("input"), c.tensor("weight"), c.tensor("bias"))};
                   }};
  t["F.bilinear"] = {
      {"input1", "input2", "weight", "bias"}, [](Call& c) -> Tensors {
        return {F::bilinear(c.tensor("input1"), c.tensor("input2"), c.tensor("weight"), c.tensor("bias"))};
      }};
  t["F.embedding"] = {{"input", "weight"}, [](Call& c) -> Tensors {
                        return {F::embedding(c.tensor("input"), c.tensor("weight"),
                                             {.padding_idx = c.maybe_integer("padding_idx"),
                                              .max_norm = c.maybe_number("max_norm"),
                                              .scale_grad_by_freq = c.flag("scale_grad_by_freq")})};
                      }};
  t["F.embedding_bag"] = {{"input", "weight", "offsets"}, [](Call& c) -> Tensors {
                            return {F::embedding_bag(c.tensor("input"), c.tensor("weight"), c.tensor("offsets"),
                                                     {.mode = c.text("mode", "mean"),
                                                      .per_sample_weights = c.tensor("per_sample_weights"),
                                                      .padding_idx = c.maybe_integer("padding_idx")})};
                          }};
  t["F.one_hot"] = {{"input", "num_classes"},
                    [](Call& c) -> Tensors { return {F::one_hot(c.tensor("input"), c.integer("num_classes", -1))}; },
                    {"input"}};
}

// The function's outputs, then what the running statistics are where it was asked to train.
Tensors with_running(Call& c, const Tensor& output, bool updates) {
  Tensors results{output};
  if (updates && c.has("running_mean"))
    results.insert(results.end(), {c.tensor("running_mean"), c.tensor("running_var")});
  return results;
}

void add_normalizations(Table& t) {
  t["F.batch_norm"] = {{"input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps"},
                       [](Call& c) -> Tensors {
                         Tensor y = F::batch_norm(c.tensor("input"), c.tensor("running_mean"), c.tensor("running_var"),
                                                  {.weight = c.tensor("weight"),
                                                   .bias = c.tensor("bias"),
                                                   .training = c.flag("training"),
                                                   .momentum = c.number("momentum", 0.1),
                                                   .eps = c.number("eps", 1e-5)});
                         return with_running(c, y, c.flag("training"));
                       },
                       {},
                       {"running_mean", "running_var"}};
  t["F.instance_norm"] = {{"input", "running_mean", "running_var", "weight", "bias", "use_input_stats"},
                          [](Call& c) -> Tensors {
                            bool uses_input = c.flag("use_input_stats", true);
                            Tensor y = F::instance_norm(c.tensor("input"), {.running_mean = c.tensor("running_mean"),
                                                                            .running_var = c.tensor("running_var"),
                                                                            .weight = c.tensor("weight"),
                                                                            .bias = c.tensor("bias"),
                                                                            .use_input_stats = uses_input,
                                                                            .momentum = c.number("momentum", 0.1),
                                                                            .eps = c.number("eps", 1e-5)});
                            return with_running(c, y, uses_input);
                          },
                          {},
                          {"running_mean", "running_var"}};
  t["F.layer_norm"] = {
      {"input", "normalized_shape", "weight", "bias"}, [](Call& c) -> Tensors {
        return {F::layer_norm(c.tensor("input"), c.shape("normalized_shape"),
                              {.weight = c.tensor("weight"), .bias = c.tensor("bias"), .eps = c.number("eps", 1e-5)})};
      }};
  t["F.rms_norm"] = {{"input", "normalized_shape", "weight"}, [](Call& c) -> Tensors {
                       return {F::rms_norm(c.tensor("input"), c.shape("normalized_shape"),
                                           {.weight = c.tensor("weight"), .eps = c.maybe_number("eps")})};
                     }};
  t["F.group_norm"] = {
      {"input", "num_groups", "weight", "bias"}, [](Call& c) -> Tensors {
        return {F::group_norm(c.tensor("input"), c.integer("num_groups", 1),
                              {.weight = c.tensor("weight"), .bias = c.tensor("bias"), .eps = c.number("eps", 1e-5)})};
      }};
  t["F.local_response_norm"] = {
      {"input", "size", "alpha", "beta", "k"}, [](Call& c) -> Tensors {
        return {F::local_response_norm(
            c.tensor("input"), c.integer("size", 1),
            {.alpha = c.number("alpha", 1e-4), .beta = c.number("beta", 0.75), .k = c.number("k", 1)})};
      }};
}

void add_dropouts(Table& t) {  // the cases are those without random numbers
  using Dropout = Tensor (*)(const Tensor&, double, F::DropoutOptions);
  const std::pair<const char*, Dropout> functions[] = {{"F.dropout", F::dropout},
                                                       {"F.dropout1d", F::dropout1d},
                                                       {"F.dropout2d", F::dropout2d},
                                                       {"F.dropout3d", F::dropout3d},
                                                       {"F.alpha_dropout", F::alpha_dropout},
                                                       {"F.feature_alpha_dropout", F::feature_alpha_dropout}};
  for (const auto& [name, function] : functions) {
    t[name] = {{"input", "p", "training"}, [f = function](Call& c) -> Tensors {
                 return {f(c.tensor("input"), c.number("p", 0.5), {.training = c.flag("training", true)})};
               }};
  }
}

}  // namespace

void add_layer_functions(Table& table) {
  add_linear(table);
  add_normalizations(table);
  add_dropouts(table);
  table["F.scaled_dot_product_attention"] = {
      {"query", "key", "value"}, [](Call& c) -> Tensors {
        return {F::scaled_dot_product_attention(c.tensor("query"), c.tensor("key"), c.tensor("value"),
                                                {.attn_mask = c.tensor("attn_mask"),
                                                 .is_causal = c.flag("is_causal"),
                                                 .scale = c.maybe_number("scale"),
                                                 .enable_gqa = c.flag("enable_gqa")})};
      }};
}

}  // namespace mica::torch_fixtures
