// Loss modules are functions with options: nn::CrossEntropyLoss loss({.label_smoothing = 0.1}); loss(logits, target).
#pragma once
#include "mica/functional/loss.h"
#include "mica/layer.h"

namespace mica::nn {

// Of an input and a target.
class LossModule : public Layer {
 public:
  Tensor operator()(const Tensor& input, const Tensor& target) const;

 protected:
  LossModule(const char* class_name, std::function<Tensor(const Tensors&)> loss);
};
// Of three tensors.
class TripleLossModule : public Layer {
 public:
  Tensor operator()(const Tensor& first, const Tensor& second, const Tensor& third) const;

 protected:
  TripleLossModule(const char* class_name, std::function<Tensor(const Tensors&)> loss);
};

class CrossEntropyLoss : public LossModule {
 public:
  explicit CrossEntropyLoss(F::CrossEntropyOptions options = {});
};
struct LinearCrossEntropyLossOptions {
  std::vector<std::int64_t> out_features = {};  // d1, d2, …
  bool bias = false;
  std::string reduction = "mean";
  Tensor weight = {};
  std::optional<std::int64_t> ignore_index = {};
  double label_smoothing = 0;
};
class LinearCrossEntropyLoss : public Layer {  // with a Linear of its own, "linear"
 public:
  LinearCrossEntropyLoss(std::int64_t in_features, std::int64_t num_classes,
                         LinearCrossEntropyLossOptions options = {});
  Tensor operator()(const Tensor& input, const Tensor& target) const;
};
class NLLLoss : public LossModule {
 public:
  explicit NLLLoss(F::NllOptions options = {});
};
class MSELoss : public LossModule {
 public:
  explicit MSELoss(F::LossOptions options = {});
};
class L1Loss : public LossModule {
 public:
  explicit L1Loss(F::LossOptions options = {});
};
class BCELoss : public LossModule {
 public:
  explicit BCELoss(F::WeightedLossOptions options = {});
};
class BCEWithLogitsLoss : public LossModule {
 public:
  explicit BCEWithLogitsLoss(F::BceLogitsOptions options = {});
};
class HuberLoss : public LossModule {
 public:
  explicit HuberLoss(F::HuberOptions options = {});
};
class SmoothL1Loss : public LossModule {
 public:
  explicit SmoothL1Loss(F::SmoothL1Options options = {});
};
class KLDivLoss : public LossModule {
 public:
  explicit KLDivLoss(F::KlDivOptions options = {});
};
class PoissonNLLLoss : public LossModule {
 public:
  explicit PoissonNLLLoss(F::PoissonNllOptions options = {});
};
class SoftMarginLoss : public LossModule {
 public:
  explicit SoftMarginLoss(F::LossOptions options = {});
};
class MultiMarginLoss : public LossModule {
 public:
  explicit MultiMarginLoss(F::MultiMarginOptions options = {});
};
class MultiLabelMarginLoss : public LossModule {
 public:
  explicit MultiLabelMarginLoss(F::LossOptions options = {});
};
class MultiLabelSoftMarginLoss : public LossModule {
 public:
  explicit MultiLabelSoftMarginLoss(F::WeightedLossOptions options = {});
};
class HingeEmbeddingLoss : public LossModule {
 public:
  explicit HingeEmbeddingLoss(F::HingeEmbeddingOptions options = {});
};
class GaussianNLLLoss : public TripleLossModule {
 public:
  explicit GaussianNLLLoss(F::GaussianNllOptions options = {});
};
class MarginRankingLoss : public TripleLossModule {
 public:
  explicit MarginRankingLoss(F::MarginOptions options = {});
};
class CosineEmbeddingLoss : public TripleLossModule {
 public:
  explicit CosineEmbeddingLoss(F::MarginOptions options = {});
};
class TripletMarginLoss : public TripleLossModule {
 public:
  explicit TripletMarginLoss(F::TripletOptions options = {});
};
class TripletMarginWithDistanceLoss : public TripleLossModule {
 public:
  explicit TripletMarginWithDistanceLoss(F::TripletDistanceOptions options = {});
};
struct AdaptiveLogSoftmaxOptions {
  double div_value = 4;  // the width of a cluster's projection is in_features / div_value^(its number, from 1)
  bool head_bias = false;
};
struct AdaptiveLogSoftmaxResult {
  Tensor output;  // log probability of each target
  Tensor loss;    // the mean of their negatives
};
// A softmax over many classes, sorted from frequent to rare: the head holds those before cutoffs[0] and one entry for
// each cluster of the others, which have narrower projections.
class AdaptiveLogSoftmaxWithLoss : public Layer {
 public:
  AdaptiveLogSoftmaxWithLoss(std::int64_t in_features, std::int64_t n_classes, std::vector<std::int64_t> cutoffs,
                             AdaptiveLogSoftmaxOptions options = {});
  // Of [N, in_features] and [N]; of [in_features] and one target.
  AdaptiveLogSoftmaxResult operator()(const Tensor& input, const Tensor& target) const;
  Tensor log_prob(const Tensor& input) const;  // [N, n_classes]
  Tensor predict(const Tensor& input) const;   // the likeliest class of each row
};
class CTCLoss : public Layer {
 public:
  explicit CTCLoss(F::CtcOptions options = {});
  Tensor operator()(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                    const Tensor& target_lengths) const;
};

}  // namespace mica::nn
