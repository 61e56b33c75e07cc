#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/training/optimizers/rule.h"

namespace mica {
namespace internal {
namespace {

Tensor root_mean_square(const Tensor& x) { return x.square().mean().sqrt(); }

// The second moment of a matrix is the product of its means along rows and columns; Keras keeps the product too.
class AdafactorRule : public Rule<AdafactorOptions> {
 public:
  AdafactorRule(LearningRate rate, AdafactorOptions o) : Rule("Adafactor", std::move(rate), std::move(o)) {
    check_options();
  }

 protected:
  void visit_options(FieldVisitor& v) override {
    v.field("beta_2_decay", o_.beta_2_decay);
    v.field("epsilon_1", o_.epsilon_1);
    v.field("epsilon_2", o_.epsilon_2);
    v.field("clip_threshold", o_.clip_threshold);
    v.field("relative_step", o_.relative_step);
  }
  void check_options() const override {
    check_not_negative("epsilon_1", o_.epsilon_1);
    check_not_negative("epsilon_2", o_.epsilon_2);
  }

  std::vector<SlotSpec> slots_of(const Variable& variable) const override {
    const std::string& leaf = variable.cell()->name;
    if (!is_factored(variable)) {  // numbers that hold the places of rows and columns
      Tensor place = full({}, 0, {.dtype = kInt32});
      return {{leaf, place}, {leaf, place}, slot(variable, "velocity")};
    }
    std::vector<std::int64_t> rows = variable.shape().dims(), columns = rows;
    rows.pop_back();
    columns.erase(columns.end() - 2);
    auto zeros_of = [&](std::vector<std::int64_t> dims) {
      return zeros(Shape(std::move(dims)), {.dtype = variable.dtype()});
    };
    std::string path = absl::StrCat(name(), "/", leaf);
    return {{path, zeros_of(rows)}, {path, zeros_of(columns)}, slot(variable, "velocity")};
  }

  // The relative step bounds the rate by 1 / √t, and so does the size of the update, whatever `relative_step` says.
  std::vector<double> factors(double lr, double step) const override {
    return {std::min(lr, 1 / std::sqrt(step)), 1 - std::pow(step, o_.beta_2_decay)};
  }

  void update(const UpdateArguments& a) override {
    Variable w = a.variable, v = a.slots[2];
    const Tensor &rate = a.factors[0], &beta = a.factors[1];
    Tensor square = a.grad.square() + o_.epsilon_1;
    auto mix = [&](const Tensor& before, const Tensor& value) { return beta * before + (1 - beta) * value; };
    if (is_factored(w)) {
      Variable rows = a.slots[0], columns = a.slots[1];
      rows.assign(mix(rows, square.mean(-1)));
      columns.assign(mix(columns, square.mean(-2)));
      v.assign((rows / rows.mean(-1, {.keepdim = true})).unsqueeze(-1) * columns.unsqueeze(-2));
    } else {
      v.assign(mix(v, square));
    }
    Tensor step = a.grad / v.sqrt();
    Tensor excess = (root_mean_square(step) / o_.clip_threshold).clamp(1.0);
    w.assign(w - step * (rate * root_mean_square(w).clamp(o_.epsilon_2) / excess));
  }

 private:
  static bool is_factored(const Variable& variable) { return variable.dim() >= 2; }
};

}  // namespace
}  // namespace internal

optimizers::Adafactor::Adafactor(LearningRate rate, AdafactorOptions o)
    : Optimizer(std::make_shared<internal::AdafactorRule>(std::move(rate), std::move(o))) {}

}  // namespace mica
