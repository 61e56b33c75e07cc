// Keras' regularizers and constraints: functions of a weight.
#include "absl/strings/str_cat.h"
#include "frontend/layers/fields.h"
#include "frontend/layers/objects.h"

namespace mica {

using internal::FieldValue;

namespace {

double number_of(const Config& config, const char* key, double fallback) {
  return config.contains(key) ? config.get<double>(key) : fallback;
}
Axes axes_of(const Config& config) {
  std::optional<Axes> axes = config.contains("axis") ? FieldValue<Axes>::read(config.at("axis")) : Axes(0);
  if (axes) return *axes;
  throw Error({.where = "constraint",
               .expected = absl::StrCat("axis to be ", FieldValue<Axes>::expected()),
               .received = config.at("axis").to_json(),
               .hint = {}});
}

constexpr double kFactor = 0.01;   // Keras' factor of a regularizer given by name
constexpr double kEpsilon = 1e-7;  // Keras' epsilon(): no division by a norm of 0

Tensor norm_along(const Tensor& w, const Axes& axis) { return w.square().sum(axis, {.keepdim = true}).sqrt(); }

}  // namespace

Regularizer internal::make_regularizer(const Described& described) {
  const auto& [name, config] = described;
  if (name == "l1" || name == "L1") return regularizers::L1(number_of(config, "l1", kFactor));
  if (name == "l2" || name == "L2") return regularizers::L2(number_of(config, "l2", kFactor));
  if (name == "l1_l2" || name == "l1l2") return regularizers::L1L2(kFactor, kFactor);
  if (name == "L1L2") return regularizers::L1L2(number_of(config, "l1", 0), number_of(config, "l2", 0));
  if (name == "OrthogonalRegularizer") {
    return regularizers::Orthogonal(number_of(config, "factor", kFactor), config.get<std::string>("mode", "rows"));
  }
  throw Error({.where = "regularizer",
               .expected = "l1, l2, l1_l2 or OrthogonalRegularizer",
               .received = absl::StrCat("\"", name, "\""),
               .hint = "Objects take a factor: regularizers::L2(1e-4)."});
}

Constraint internal::make_constraint(const Described& described) {
  const auto& [name, config] = described;
  if (name == "max_norm" || name == "MaxNorm") {
    return constraints::MaxNorm(number_of(config, "max_value", 2), axes_of(config));
  }
  if (name == "min_max_norm" || name == "MinMaxNorm") {
    return constraints::MinMaxNorm(number_of(config, "min_value", 0), number_of(config, "max_value", 1),
                                   number_of(config, "rate", 1), axes_of(config));
  }
  if (name == "non_neg" || name == "NonNeg") return constraints::NonNeg();
  if (name == "unit_norm" || name == "UnitNorm") return constraints::UnitNorm(axes_of(config));
  throw Error({.where = "constraint",
               .expected = "max_norm, min_max_norm, non_neg or unit_norm",
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}

Regularizer::Regularizer() = default;
Regularizer::Regularizer(const char* name) : Regularizer(internal::make_regularizer({name, {}})) {}
Constraint::Constraint() = default;
Constraint::Constraint(const char* name) : Constraint(internal::make_constraint({name, {}})) {}

namespace regularizers {

L1::L1(double l1) : Regularizer({"L1", {{"l1", l1}}}, [l1](const Tensor& w) { return w.abs().sum() * l1; }) {}
L2::L2(double l2) : Regularizer({"L2", {{"l2", l2}}}, [l2](const Tensor& w) { return w.square().sum() * l2; }) {}
L1L2::L1L2(double l1, double l2)
    : Regularizer({"L1L2", {{"l1", l1}, {"l2", l2}}},
                  [l1, l2](const Tensor& w) { return w.abs().sum() * l1 + w.square().sum() * l2; }) {}

Orthogonal::Orthogonal(double factor, std::string_view mode)
    : Regularizer({"OrthogonalRegularizer", {{"factor", factor}, {"mode", std::string(mode)}}},
                  [factor, rows = mode == "rows"](const Tensor& w) {
                    Tensor unit = w / (norm_along(w, rows ? 1 : 0) + kEpsilon);
                    Tensor products = rows ? unit.matmul(unit.t()) : unit.t().matmul(unit);
                    std::int64_t n = products.size(0);
                    Tensor off_diagonal = products * (1 - eye(n));
                    double pairs = static_cast<double>(n * (n - 1)) / 2;
                    return off_diagonal.abs().sum() * (factor * 0.5 / (pairs > 0 ? pairs : 1));
                  }) {
  if (mode == "rows" || mode == "columns") return;
  throw Error({.where = "regularizers::Orthogonal",
               .expected = "mode rows or columns",
               .received = absl::StrCat("\"", std::string(mode), "\""),
               .hint = {}});
}

}  // namespace regularizers

namespace constraints {

MaxNorm::MaxNorm(double max_value, Axes axis)
    : Constraint({"MaxNorm", {{"max_value", max_value}, {"axis", FieldValue<Axes>::write(axis)}}},
                 [max_value, axis](const Tensor& w) {
                   Tensor norms = norm_along(w, axis);
                   return w * (norms.clamp(0, max_value) / (norms + kEpsilon));
                 }) {}
MinMaxNorm::MinMaxNorm(double min_value, double max_value, double rate, Axes axis)
    : Constraint({"MinMaxNorm",
                  {{"min_value", min_value},
                   {"max_value", max_value},
                   {"rate", rate},
                   {"axis", FieldValue<Axes>::write(axis)}}},
                 [=](const Tensor& w) {
                   Tensor norms = norm_along(w, axis);
                   Tensor desired = norms.clamp(min_value, max_value) * rate + norms * (1 - rate);
                   return w * (desired / (norms + kEpsilon));
                 }) {}
NonNeg::NonNeg() : Constraint({"NonNeg", {}}, [](const Tensor& w) { return w.relu(); }) {}
UnitNorm::UnitNorm(Axes axis)
    : Constraint({"UnitNorm", {{"axis", FieldValue<Axes>::write(axis)}}},
                 [axis](const Tensor& w) { return w / (norm_along(w, axis) + kEpsilon); }) {}

}  // namespace constraints
}  // namespace mica
