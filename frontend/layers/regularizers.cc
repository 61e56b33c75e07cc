// Keras' regularizers and constraints: functions of a weight.
#include "absl/strings/str_cat.h"
#include "frontend/mica/layer.h"

namespace mica {
namespace {

Regularizer regularizer_by_name(std::string_view name) {
  if (name == "l1") return regularizers::L1();
  if (name == "l2") return regularizers::L2();
  if (name == "l1_l2" || name == "l1l2") return regularizers::L1L2(0.01, 0.01);
  throw Error({.where = "regularizer",
               .expected = "l1, l2 or l1_l2",
               .received = absl::StrCat("\"", std::string(name), "\""),
               .hint = "Objects take a factor: regularizers::L2(1e-4)."});
}

Constraint constraint_by_name(std::string_view name) {
  if (name == "max_norm") return constraints::MaxNorm();
  if (name == "min_max_norm") return constraints::MinMaxNorm();
  if (name == "non_neg") return constraints::NonNeg();
  if (name == "unit_norm") return constraints::UnitNorm();
  throw Error({.where = "constraint",
               .expected = "max_norm, min_max_norm, non_neg or unit_norm",
               .received = absl::StrCat("\"", std::string(name), "\""),
               .hint = {}});
}

constexpr double kEpsilon = 1e-7;  // Keras' epsilon(): no division by a norm of 0

Tensor norm_along(const Tensor& w, const Axes& axis) { return w.square().sum(axis, {.keepdim = true}).sqrt(); }

Config::Value axis_value(const Axes& axis) {
  return axis.list().size() == 1 ? Config::Value(axis.list()[0]) : Config::Value(axis.list());
}

}  // namespace

Regularizer::Regularizer() = default;
Regularizer::Regularizer(const char* name) : Regularizer(regularizer_by_name(name)) {}
Constraint::Constraint() = default;
Constraint::Constraint(const char* name) : Constraint(constraint_by_name(name)) {}

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
    : Constraint({"MaxNorm", {{"max_value", max_value}, {"axis", axis_value(axis)}}},
                 [max_value, axis](const Tensor& w) {
                   Tensor norms = norm_along(w, axis);
                   return w * (norms.clamp(0, max_value) / (norms + kEpsilon));
                 }) {}
MinMaxNorm::MinMaxNorm(double min_value, double max_value, double rate, Axes axis)
    : Constraint({"MinMaxNorm",
                  {{"min_value", min_value}, {"max_value", max_value}, {"rate", rate}, {"axis", axis_value(axis)}}},
                 [=](const Tensor& w) {
                   Tensor norms = norm_along(w, axis);
                   Tensor desired = norms.clamp(min_value, max_value) * rate + norms * (1 - rate);
                   return w * (desired / (norms + kEpsilon));
                 }) {}
NonNeg::NonNeg() : Constraint({"NonNeg", {}}, [](const Tensor& w) { return w.relu(); }) {}
UnitNorm::UnitNorm(Axes axis)
    : Constraint({"UnitNorm", {{"axis", axis_value(axis)}}},
                 [axis](const Tensor& w) { return w / (norm_along(w, axis) + kEpsilon); }) {}

}  // namespace constraints
}  // namespace mica
