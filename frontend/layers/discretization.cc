// Discretization: numbers to the bins that they fall into.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/category_encoding.h"
#include "frontend/layers/registry.h"
#include "frontend/mica/layers/preprocessing.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

// Values in order, each with the weight of those that it stands for.
struct Quantiles {
  std::vector<float> values, weights;
};

std::vector<double> running_sums(const std::vector<float>& weights) {
  std::vector<double> sums(weights.size());
  std::partial_sum(weights.begin(), weights.end(), sums.begin(), std::plus<double>());
  return sums;
}

// The broken line through (xs, ys) at x; constant beyond its ends.
double interpolated(double x, const std::vector<double>& xs, const std::vector<double>& ys) {
  if (x <= xs.front()) return ys.front();
  if (x >= xs.back()) return ys.back();
  auto above = static_cast<std::size_t>(std::upper_bound(xs.begin(), xs.end(), x) - xs.begin());
  double share = (x - xs[above - 1]) / (xs[above] - xs[above - 1]);
  return ys[above - 1] + share * (ys[above] - ys[above - 1]);
}

// About 1 / epsilon of the values, evenly spaced in order.
Quantiles summarized(std::vector<float> values, double epsilon) {
  std::sort(values.begin(), values.end());
  double step = std::max(static_cast<double>(values.size()) * epsilon, 1.0);
  Quantiles summary;
  for (auto i = static_cast<std::size_t>(step - 1); i < values.size(); i += static_cast<std::size_t>(step)) {
    summary.values.push_back(values[i]);
    summary.weights.push_back(static_cast<float>(step));
  }
  return summary;
}

// The same at 1 / epsilon places, unless there are fewer already.
Quantiles compressed(const Quantiles& summary, double epsilon) {
  if (static_cast<double>(summary.values.size()) * epsilon < 1) return summary;
  std::vector<double> sums = running_sums(summary.weights), shares = sums;
  for (double& share : shares) share /= sums.back();
  std::vector<double> values(summary.values.begin(), summary.values.end());
  Quantiles result;
  double before = 0;
  auto places = static_cast<std::int64_t>(std::ceil(1 / epsilon));
  for (std::int64_t i = 0; i < places; ++i) {
    double share = epsilon + static_cast<double>(i) * epsilon;
    double sum = interpolated(share, shares, sums);
    result.values.push_back(static_cast<float>(interpolated(share, shares, values)));
    result.weights.push_back(static_cast<float>(sum - before));
    before = sum;
  }
  return result;
}

class DiscretizationLayer final : public BuiltinLayer {
 public:
  explicit DiscretizationLayer(const DiscretizationOptions& o)
      : BuiltinLayer({"Discretization", o.name, true, o.dtype}), epsilon_(o.epsilon), output_mode_(o.output_mode) {
    if (!o.bin_boundaries.empty()) bin_boundaries_ = o.bin_boundaries;
    if (o.num_bins != 0) num_bins_ = o.num_bins;
    if (bin_boundaries_ && num_bins_) {
      fail("bin_boundaries or num_bins", "both", "adapt() finds the boundaries of num_bins bins.");
    }
    settle();
  }
  DiscretizationLayer() : DiscretizationLayer({.num_bins = 1}) {}
  void settle() override {
    if (!bin_boundaries_ && !num_bins_) fail("bin_boundaries or num_bins", "neither");
    if (num_bins_) expect_positive("num_bins", *num_bins_);
    if (!(epsilon_ > 0)) fail("epsilon above 0", absl::StrCat(epsilon_));
    expect_choice("output_mode", output_mode_, {"int", "one_hot", "multi_hot", "count"});
    if (bin_boundaries_ && !std::is_sorted(bin_boundaries_->begin(), bin_boundaries_->end())) {
      fail("bin_boundaries in ascending order", describe_boundaries());
    }
  }
  void fields(FieldVisitor& v) override {
    v.field("bin_boundaries", bin_boundaries_);
    v.field("num_bins", num_bins_);
    v.field("epsilon", epsilon_);
    v.field("output_mode", output_mode_);
    v.fixed("sparse", false);
  }

  void adapt(const Tensor& data) {
    if (!num_bins_) fail("num_bins", "bin_boundaries", "A layer of given boundaries learns none.");
    Quantiles summary = compressed(summarized(data.to_vector<float>(), epsilon_), epsilon_);
    if (summary.values.empty()) fail("data to adapt to", "no values");
    Quantiles bins = compressed(summary, 1.0 / static_cast<double>(*num_bins_));
    bin_boundaries_ = std::vector<double>(bins.values.begin(), bins.values.end() - 1);
  }

 protected:
  bool has_trainable_field() const override { return false; }
  Tensor forward(const Tensor& input) override {
    if (!bin_boundaries_) fail("bin_boundaries", "none", "Call adapt(data) first.");
    Tensor x = floating(input);
    auto count = static_cast<std::int64_t>(bin_boundaries_->size());
    // The boundaries at or below a value are as many as its bin's number.
    Tensor boundaries = tensor(*bin_boundaries_, {count}, {.dtype = x.dtype()});
    Tensor bins = (x.unsqueeze(-1) >= boundaries).to(kInt32).sum(-1).to(kInt32);
    return output_mode_ == "int" ? bins : encode_categories(bins, output_mode_, count + 1, compute_dtype());
  }

 private:
  std::string describe_boundaries() const {
    Config::Value boundaries = FieldValue<std::vector<double>>::write(*bin_boundaries_);
    return boundaries.to_json();
  }

  std::optional<std::vector<double>> bin_boundaries_;
  std::optional<std::int64_t> num_bins_;
  double epsilon_;
  std::string output_mode_;
};

}  // namespace

Discretization::Discretization(DiscretizationOptions options) : Layer(std::make_shared<DiscretizationLayer>(options)) {}
void Discretization::adapt(const Tensor& data) const { get_if<DiscretizationLayer>()->adapt(data); }

}  // namespace layers

std::vector<internal::LayerClass> internal::discretization_layers() {
  return {{"Discretization", make_default<layers::DiscretizationLayer>}};
}

}  // namespace mica
