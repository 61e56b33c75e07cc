// plot_features: rows of numbers as points of a plane.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "frontend/mica/io.h"
#include "frontend/views/pca.h"
#include "frontend/views/scatter.h"

namespace mica {
namespace {

void check(bool holds, std::string expected, const Tensor& received) {
  if (holds) return;
  throw Error({.where = "plot_features",
               .expected = std::move(expected),
               .received = received.shape().to_string(),
               .hint = {}});
}

}  // namespace

void plot_features(std::string_view path, const Tensor& features, const Tensor& labels, FeaturePlotOptions options) {
  check(features.dim() == 2 && features.size(0) >= 2, "features of shape [rows, features] with at least two rows",
        features);
  check(labels.dim() == 1 && labels.size(0) == features.size(0),
        absl::StrCat("one label for each of ", features.size(0), " rows"), labels);
  std::vector<float> rows = features.to_vector<float>();
  std::vector<std::int64_t> classes = labels.to_vector<std::int64_t>();
  views::Pca pca = views::principal_components(rows, features.size(1), 2);

  views::ScatterStyle style{.title = options.title, .x_label = {}, .y_label = {}, .class_names = options.class_names};
  auto label = [&](std::size_t axis) {
    return absl::StrFormat("principal component %d (%.1f %% of the variance)", axis + 1,
                           100 * pca.variances[axis] / pca.total_variance);
  };
  style.x_label = label(0);
  style.y_label = pca.variances.size() > 1 ? label(1) : "";
  std::int64_t most = *std::max_element(classes.begin(), classes.end());
  check(*std::min_element(classes.begin(), classes.end()) >= 0, "labels of at least 0", labels);
  for (std::int64_t c = static_cast<std::int64_t>(style.class_names.size()); c <= most; ++c)
    style.class_names.push_back(absl::StrCat(c));

  std::vector<views::ScatterPoint> points;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    points.push_back({pca.scores[i][0], pca.scores[i].size() > 1 ? pca.scores[i][1] : 0, static_cast<int>(classes[i])});
  }
  absl::Status status = views::write_scatter(path, points, style);
  if (!status.ok()) throw Error(std::string(status.message()));
}

}  // namespace mica
