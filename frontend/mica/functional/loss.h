// Losses of torch.nn.functional: (input, target), reduction "mean", "sum", "none".
#pragma once
#include "mica/tensor.h"

namespace mica::F {

struct LossOptions {
  std::string reduction = "mean";
};
struct WeightedLossOptions {
  Tensor weight = {};
  std::string reduction = "mean";
};
struct NllOptions {
  Tensor weight = {};
  std::int64_t ignore_index = -100;
  std::string reduction = "mean";
};
struct CrossEntropyOptions {
  Tensor weight = {};
  std::int64_t ignore_index = -100;
  std::string reduction = "mean";
  double label_smoothing = 0;
};
struct BceLogitsOptions {
  Tensor weight = {};
  std::string reduction = "mean";
  Tensor pos_weight = {};
};
struct HuberOptions {
  std::string reduction = "mean";
  double delta = 1;
};
struct SmoothL1Options {
  std::string reduction = "mean";
  double beta = 1;
};
struct KlDivOptions {
  std::string reduction = "mean";  // or "batchmean", the mathematical one
  bool log_target = false;
};
struct PoissonNllOptions {
  bool log_input = true, full = false;
  double eps = 1e-8;
  std::string reduction = "mean";
};
struct GaussianNllOptions {
  bool full = false;
  double eps = 1e-6;
  std::string reduction = "mean";
};
struct MarginOptions {
  double margin = 0;
  std::string reduction = "mean";
};
struct HingeEmbeddingOptions {
  double margin = 1;
  std::string reduction = "mean";
};
struct TripletOptions {
  double margin = 1, p = 2, eps = 1e-6;
  bool swap = false;
  std::string reduction = "mean";
};
struct MultiMarginOptions {
  double p = 1, margin = 1;
  Tensor weight = {};
  std::string reduction = "mean";
};
struct CtcOptions {
  std::int64_t blank = 0;
  std::string reduction = "mean";
  bool zero_infinity = false;
};
struct LinearCrossEntropyOptions {
  Tensor linear_bias = {};  // like linear_weight without its last axis
  Tensor weight = {};
  std::string reduction = "mean";
  std::optional<std::int64_t> ignore_index = {};  // -100; none may be given with probabilities
  double label_smoothing = 0;
};
// Raw logits; class ids or probabilities. Warns once when it is fed the result of a softmax.
Tensor cross_entropy(const Tensor& logits, const Tensor& target, CrossEntropyOptions options = {});
// cross_entropy of linear(input, linear_weight): input [in_features] or [N, in_features], linear_weight [classes,
// in_features]; or, with N, [classes, d1, …, in_features] for logits [N, classes, d1, …].
Tensor linear_cross_entropy(const Tensor& input, const Tensor& linear_weight, const Tensor& target,
                            LinearCrossEntropyOptions options = {});
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& target, NllOptions options = {});
Tensor mse_loss(const Tensor& input, const Tensor& target, LossOptions options = {});
Tensor l1_loss(const Tensor& input, const Tensor& target, LossOptions options = {});
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, SmoothL1Options options = {});
Tensor huber_loss(const Tensor& input, const Tensor& target, HuberOptions options = {});
Tensor binary_cross_entropy(const Tensor& probabilities, const Tensor& target, WeightedLossOptions options = {});
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& target, BceLogitsOptions options = {});
Tensor kl_div(const Tensor& input, const Tensor& target, KlDivOptions options = {});
Tensor poisson_nll_loss(const Tensor& input, const Tensor& target, PoissonNllOptions options = {});
Tensor gaussian_nll_loss(const Tensor& input, const Tensor& target, const Tensor& var, GaussianNllOptions options = {});
Tensor hinge_embedding_loss(const Tensor& input, const Tensor& target, HingeEmbeddingOptions options = {});
Tensor cosine_embedding_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, MarginOptions options = {});
Tensor margin_ranking_loss(const Tensor& x1, const Tensor& x2, const Tensor& target, MarginOptions options = {});
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           TripletOptions options = {});
struct TripletDistanceOptions {
  std::function<Tensor(const Tensor&, const Tensor&)> distance_function = {};  // none: pairwise_distance
  double margin = 1;
  bool swap = false;
  std::string reduction = "mean";
};
Tensor triplet_margin_with_distance_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                                         TripletDistanceOptions options = {});
Tensor soft_margin_loss(const Tensor& input, const Tensor& target, LossOptions options = {});
Tensor multi_margin_loss(const Tensor& input, const Tensor& target, MultiMarginOptions options = {});
Tensor multilabel_margin_loss(const Tensor& input, const Tensor& target, LossOptions options = {});
Tensor multilabel_soft_margin_loss(const Tensor& input, const Tensor& target, WeightedLossOptions options = {});
// log_probs [T, N, C] or [T, C]; targets [N, S], or all of them in one row; lengths [N].
Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                const Tensor& target_lengths, CtcOptions options = {});

}  // namespace mica::F
