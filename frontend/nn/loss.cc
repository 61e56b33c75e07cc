#include "frontend/mica/nn/loss.h"

#include "absl/strings/str_cat.h"
#include "frontend/mica/nn/linear.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

// A function of torch.nn.functional with its options, as a function of a list.
template <class Options>
std::function<Tensor(const Tensors&)> with_options(Tensor (*loss)(const Tensor&, const Tensor&, Options), Options o) {
  return [=](const Tensors& xs) { return loss(xs[0], xs[1], o); };
}
template <class Options>
std::function<Tensor(const Tensors&)> with_options(Tensor (*loss)(const Tensor&, const Tensor&, const Tensor&, Options),
                                                   Options o) {
  return [=](const Tensors& xs) { return loss(xs[0], xs[1], xs[2], o); };
}

// Weights of classes are buffers: state_dict() has them, and the function reads what they hold at the call.
void make_buffer(Tensor& weight, std::string_view name) {
  if (weight.defined()) weight = Variable(weight, name, /*trainable=*/false);
}
template <class Options>
Options with_buffers(Options o) {
  make_buffer(o.weight, "weight");
  if constexpr (requires { o.pos_weight; }) make_buffer(o.pos_weight, "pos_weight");
  return o;
}
void register_buffer(const Layer& loss, std::string_view name, const Tensor& weight) {
  if (weight.defined()) internal::add_named_weight(*loss.impl(), name, weight, /*is_buffer=*/true, false);
}
template <class Options>
void register_buffers(const Layer& loss, const Options& o) {
  register_buffer(loss, "weight", o.weight);
  if constexpr (requires { o.pos_weight; }) register_buffer(loss, "pos_weight", o.pos_weight);
}

class LinearCrossEntropyModule final : public internal::BuiltinModule {
 public:
  LinearCrossEntropyModule(std::int64_t in_features, std::int64_t num_classes, LinearCrossEntropyLossOptions o)
      : BuiltinModule("LinearCrossEntropyLoss"), in_(in_features), shape_{num_classes}, options_(std::move(o)) {
    if (options_.weight.defined() && options_.weight.shape() != Shape({num_classes})) {
      fail(absl::StrCat("a weight for each of ", num_classes, " classes"), internal::describe(options_.weight));
    }
    if (options_.label_smoothing < 0 || options_.label_smoothing > 1) {
      fail("label_smoothing from 0 to 1", absl::StrCat(options_.label_smoothing));
    }
    shape_.insert(shape_.end(), options_.out_features.begin(), options_.out_features.end());
    register_module("linear", Linear(in_features, Shape(shape_).numel(), {.bias = options_.bias}));
    if (options_.weight.defined()) register_buffer("weight", options_.weight);
  }
  std::string module_text() const override {
    const LinearCrossEntropyLossOptions& o = options_;
    return absl::StrCat("in_features=", in_, ", num_classes=", shape_[0],
                        ", out_features=", internal::python_text(o.out_features),
                        ", bias=", internal::python_text(o.bias), ", reduction=", o.reduction,
                        ", ignore_index=", o.ignore_index ? absl::StrCat(*o.ignore_index) : "None",
                        ", label_smoothing=", internal::python_text(o.label_smoothing), ", options=None");
  }

 protected:
  Tensors forward_all(const Tensors& xs) override {
    expect_inputs(xs, 2, 2);
    const auto* linear = module("linear").get_if<internal::BuiltinModule>();
    std::vector<std::int64_t> dims = shape_;
    Tensor bias = linear->weight("bias");
    if (bias.defined()) bias = bias.reshape(dims);
    dims.push_back(in_);
    return {F::linear_cross_entropy(xs[0], linear->weight("weight").reshape(dims), xs[1],
                                    {.linear_bias = bias,
                                     .weight = weight("weight"),
                                     .reduction = options_.reduction,
                                     .ignore_index = options_.ignore_index,
                                     .label_smoothing = options_.label_smoothing})};
  }

 private:
  std::int64_t in_;
  std::vector<std::int64_t> shape_;  // classes, out_features
  LinearCrossEntropyLossOptions options_;
};

}  // namespace

LossModule::LossModule(const char* class_name, std::function<Tensor(const Tensors&)> loss)
    : Layer(internal::function_of_tensors(class_name, "", 2, std::move(loss))) {}
Tensor LossModule::operator()(const Tensor& input, const Tensor& target) const {
  return internal::call_module(*this, {input, target})[0];
}
TripleLossModule::TripleLossModule(const char* class_name, std::function<Tensor(const Tensors&)> loss)
    : Layer(internal::function_of_tensors(class_name, "", 3, std::move(loss))) {}
Tensor TripleLossModule::operator()(const Tensor& first, const Tensor& second, const Tensor& third) const {
  return internal::call_module(*this, {first, second, third})[0];
}

CrossEntropyLoss::CrossEntropyLoss(F::CrossEntropyOptions options)
    : LossModule("CrossEntropyLoss", with_options(F::cross_entropy, options = with_buffers(std::move(options)))) {
  register_buffers(*this, options);
}
LinearCrossEntropyLoss::LinearCrossEntropyLoss(std::int64_t in_features, std::int64_t num_classes,
                                               LinearCrossEntropyLossOptions options)
    : Layer(std::make_shared<LinearCrossEntropyModule>(in_features, num_classes, std::move(options))) {}
Tensor LinearCrossEntropyLoss::operator()(const Tensor& input, const Tensor& target) const {
  return internal::call_module(*this, {input, target})[0];
}
NLLLoss::NLLLoss(F::NllOptions options)
    : LossModule("NLLLoss", with_options(F::nll_loss, options = with_buffers(std::move(options)))) {
  register_buffers(*this, options);
}
MSELoss::MSELoss(F::LossOptions options) : LossModule("MSELoss", with_options(F::mse_loss, std::move(options))) {}
L1Loss::L1Loss(F::LossOptions options) : LossModule("L1Loss", with_options(F::l1_loss, std::move(options))) {}
BCELoss::BCELoss(F::WeightedLossOptions options)
    : LossModule("BCELoss", with_options(F::binary_cross_entropy, options = with_buffers(std::move(options)))) {
  register_buffers(*this, options);
}
BCEWithLogitsLoss::BCEWithLogitsLoss(F::BceLogitsOptions options)
    : LossModule("BCEWithLogitsLoss",
                 with_options(F::binary_cross_entropy_with_logits, options = with_buffers(std::move(options)))) {
  register_buffers(*this, options);
}
HuberLoss::HuberLoss(F::HuberOptions options)
    : LossModule("HuberLoss", with_options(F::huber_loss, std::move(options))) {}
SmoothL1Loss::SmoothL1Loss(F::SmoothL1Options options)
    : LossModule("SmoothL1Loss", with_options(F::smooth_l1_loss, std::move(options))) {}
KLDivLoss::KLDivLoss(F::KlDivOptions options) : LossModule("KLDivLoss", with_options(F::kl_div, std::move(options))) {}
PoissonNLLLoss::PoissonNLLLoss(F::PoissonNllOptions options)
    : LossModule("PoissonNLLLoss", with_options(F::poisson_nll_loss, std::move(options))) {}
SoftMarginLoss::SoftMarginLoss(F::LossOptions options)
    : LossModule("SoftMarginLoss", with_options(F::soft_margin_loss, std::move(options))) {}
MultiMarginLoss::MultiMarginLoss(F::MultiMarginOptions options)
    : LossModule("MultiMarginLoss", with_options(F::multi_margin_loss, options = with_buffers(std::move(options)))) {
  register_buffers(*this, options);
}
MultiLabelMarginLoss::MultiLabelMarginLoss(F::LossOptions options)
    : LossModule("MultiLabelMarginLoss", with_options(F::multilabel_margin_loss, std::move(options))) {}
MultiLabelSoftMarginLoss::MultiLabelSoftMarginLoss(F::WeightedLossOptions options)
    : LossModule("MultiLabelSoftMarginLoss",
                 with_options(F::multilabel_soft_margin_loss, options = with_buffers(std::move(options)))) {
  register_buffers(*this, options);
}
HingeEmbeddingLoss::HingeEmbeddingLoss(F::HingeEmbeddingOptions options)
    : LossModule("HingeEmbeddingLoss", with_options(F::hinge_embedding_loss, std::move(options))) {}
GaussianNLLLoss::GaussianNLLLoss(F::GaussianNllOptions options)
    : TripleLossModule("GaussianNLLLoss", with_options(F::gaussian_nll_loss, std::move(options))) {}
MarginRankingLoss::MarginRankingLoss(F::MarginOptions options)
    : TripleLossModule("MarginRankingLoss", with_options(F::margin_ranking_loss, std::move(options))) {}
CosineEmbeddingLoss::CosineEmbeddingLoss(F::MarginOptions options)
    : TripleLossModule("CosineEmbeddingLoss", with_options(F::cosine_embedding_loss, std::move(options))) {}
TripletMarginLoss::TripletMarginLoss(F::TripletOptions options)
    : TripleLossModule("TripletMarginLoss", with_options(F::triplet_margin_loss, std::move(options))) {}
TripletMarginWithDistanceLoss::TripletMarginWithDistanceLoss(F::TripletDistanceOptions options)
    : TripleLossModule("TripletMarginWithDistanceLoss",
                       with_options(F::triplet_margin_with_distance_loss, std::move(options))) {}

CTCLoss::CTCLoss(F::CtcOptions options)
    : Layer(internal::function_of_tensors("CTCLoss", "", 4, [o = std::move(options)](const Tensors& xs) {
        return F::ctc_loss(xs[0], xs[1], xs[2], xs[3], o);
      })) {}
Tensor CTCLoss::operator()(const Tensor& log_probs, const Tensor& targets, const Tensor& input_lengths,
                           const Tensor& target_lengths) const {
  return internal::call_module(*this, {log_probs, targets, input_lengths, target_lengths})[0];
}

}  // namespace mica::nn
