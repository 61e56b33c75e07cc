#include "frontend/mica/nn/regularization.h"

#include "absl/strings/str_cat.h"
#include "frontend/mica/functional/regularization.h"
#include "frontend/nn/builtin_module.h"

namespace mica::nn {
namespace {

using DropoutFunction = Tensor (*)(const Tensor& x, double p, F::DropoutOptions options);

std::shared_ptr<CustomLayer> dropout_module(const char* class_name, double p, DropoutFunction function) {
  if (!(p >= 0 && p <= 1)) {
    throw Error(
        {.where = class_name, .expected = "a probability from 0 to 1", .received = absl::StrCat(p), .hint = {}});
  }
  return internal::stateless_module(
      class_name, absl::StrCat("p=", internal::python_text(p), ", inplace=False"),
      [=](const Tensor& x, bool training) { return function(x, p, {.training = training}); });
}

}  // namespace

Dropout::Dropout(double p) : Layer(dropout_module("Dropout", p, F::dropout)) {}
Dropout1d::Dropout1d(double p) : Layer(dropout_module("Dropout1d", p, F::dropout1d)) {}
Dropout2d::Dropout2d(double p) : Layer(dropout_module("Dropout2d", p, F::dropout2d)) {}
Dropout3d::Dropout3d(double p) : Layer(dropout_module("Dropout3d", p, F::dropout3d)) {}
AlphaDropout::AlphaDropout(double p) : Layer(dropout_module("AlphaDropout", p, F::alpha_dropout)) {}
FeatureAlphaDropout::FeatureAlphaDropout(double p)
    : Layer(dropout_module("FeatureAlphaDropout", p, F::feature_alpha_dropout)) {}

}  // namespace mica::nn
