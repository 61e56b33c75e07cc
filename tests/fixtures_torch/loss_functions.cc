// Losses of torch.nn.functional.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

const std::vector<std::string> kLossParameters = {"input", "target", "weight"};

// A loss of input and target whose options `options` reads.
template <class Loss, class Options>
Function loss_of_two(Loss loss, Options options) {
  return {kLossParameters,
          [=](Call& c) -> Tensors { return {loss(c.tensor("input"), c.tensor("target"), options(c))}; }};
}
template <class Loss, class Options>
Function loss_of_three(std::vector<std::string> parameters, Loss loss, Options options) {
  return {parameters, [=](Call& c) -> Tensors {
            return {loss(c.tensor(parameters[0]), c.tensor(parameters[1]), c.tensor(parameters[2]), options(c))};
          }};
}

F::LossOptions plain(const Call& c) { return {.reduction = c.reduction()}; }
F::WeightedLossOptions with_weight(const Call& c) { return {.weight = c.tensor("weight"), .reduction = c.reduction()}; }
F::MarginOptions with_margin(const Call& c) { return {.margin = c.number("margin", 0), .reduction = c.reduction()}; }

void add_element_losses(Table& t) {
  t["F.mse_loss"] = loss_of_two(F::mse_loss, plain);
  t["F.l1_loss"] = loss_of_two(F::l1_loss, plain);
  t["F.soft_margin_loss"] = loss_of_two(F::soft_margin_loss, plain);
  t["F.multilabel_margin_loss"] = loss_of_two(F::multilabel_margin_loss, plain);
  t["F.multilabel_soft_margin_loss"] = loss_of_two(F::multilabel_soft_margin_loss, with_weight);
  t["F.binary_cross_entropy"] = loss_of_two(F::binary_cross_entropy, with_weight);
  t["F.binary_cross_entropy_with_logits"] = loss_of_two(F::binary_cross_entropy_with_logits, [](const Call& c) {
    return F::BceLogitsOptions{
        .weight = c.tensor("weight"), .reduction = c.reduction(), .pos_weight = c.tensor("pos_weight")};
  });
  t["F.huber_loss"] = loss_of_two(F::huber_loss, [](const Call& c) {
    return F::HuberOptions{.reduction = c.reduction(), .delta = c.number("delta", 1)};
  });
  t["F.smooth_l1_loss"] = loss_of_two(F::smooth_l1_loss, [](const Call& c) {
    return F::SmoothL1Options{.reduction = c.reduction(), .beta = c.number("beta", 1)};
  });
  t["F.kl_div"] = loss_of_two(F::kl_div, [](const Call& c) {
    return F::KlDivOptions{.reduction = c.reduction(), .log_target = c.flag("log_target")};
  });
  t["F.poisson_nll_loss"] = loss_of_two(F::poisson_nll_loss, [](const Call& c) {
    return F::PoissonNllOptions{.log_input = c.flag("log_input", true),
                                .full = c.flag("full"),
                                .eps = c.number("eps", 1e-8),
                                .reduction = c.reduction()};
  });
  t["F.hinge_embedding_loss"] = loss_of_two(F::hinge_embedding_loss, [](const Call& c) {
    return F::HingeEmbeddingOptions{.margin = c.number("margin", 1), .reduction = c.reduction()};
  });
  t["F.multi_margin_loss"] = loss_of_two(F::multi_margin_loss, [](const Call& c) {
    return F::MultiMarginOptions{.p = c.number("p", 1),
                                 .margin = c.number("margin", 1),
                                 .weight = c.tensor("weight"),
                                 .reduction = c.reduction()};
  });
}

void add_class_losses(Table& t) {
  t["F.cross_entropy"] = loss_of_two(F::cross_entropy, [](const Call& c) {
    return F::CrossEntropyOptions{.weight = c.tensor("weight"),
                                  .ignore_index = c.integer("ignore_index", -100),
                                  .reduction = c.reduction(),
                                  .label_smoothing = c.number("label_smoothing", 0)};
  });
  t["F.nll_loss"] = loss_of_two(F::nll_loss, [](const Call& c) {
    return F::NllOptions{
        .weight = c.tensor("weight"), .ignore_index = c.integer("ignore_index", -100), .reduction = c.reduction()};
  });
  t["F.ctc_loss"] = {
      {"log_probs", "targets", "input_lengths", "target_lengths"}, [](Call& c) -> Tensors {
        return {F::ctc_loss(
            c.tensor("log_probs"), c.tensor("targets"), c.tensor("input_lengths"), c.tensor("target_lengths"),
            {.blank = c.integer("blank", 0), .reduction = c.reduction(), .zero_infinity = c.flag("zero_infinity")})};
      }};
}

}  // namespace

void add_loss_functions(Table& table) {
  add_element_losses(table);
  add_class_losses(table);
  table["F.gaussian_nll_loss"] = loss_of_three({"input", "target", "var"}, F::gaussian_nll_loss, [](const Call& c) {
    return F::GaussianNllOptions{.full = c.flag("full"), .eps = c.number("eps", 1e-6), .reduction = c.reduction()};
  });
  table["F.margin_ranking_loss"] = loss_of_three({"input1", "input2", "target"}, F::margin_ranking_loss, with_margin);
  table["F.cosine_embedding_loss"] =
      loss_of_three({"input1", "input2", "target"}, F::cosine_embedding_loss, with_margin);
  table["F.triplet_margin_loss"] =
      loss_of_three({"anchor", "positive", "negative"}, F::triplet_margin_loss, [](const Call& c) {
        return F::TripletOptions{.margin = c.number("margin", 1),
                                 .p = c.number("p", 2),
                                 .eps = c.number("eps", 1e-6),
                                 .swap = c.flag("swap"),
                                 .reduction = c.reduction()};
      });
}

}  // namespace mica::torch_fixtures
