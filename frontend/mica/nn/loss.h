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
class CTCLoss : public Layer {
 public:
  explicit CTCLoss(F::CtcOptions options = {});
  Tensor operator()(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                    const Tensor& target_lengths) const;
};

}  // namespace mica::nn
