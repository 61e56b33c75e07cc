// A scatter plot of labelled points as SVG text.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace mica::views {

struct ScatterPoint {
  double x = 0, y = 0;
  int label = 0;  // index into the class names
};

struct ScatterStyle {
  std::string title, x_label, y_label;
  std::vector<std::string> class_names;  // the legend; colours follow its order
  int width = 900, height = 640;
};

std::string scatter_svg(const std::vector<ScatterPoint>& points, const ScatterStyle& style);
absl::Status write_scatter(std::string_view path, const std::vector<ScatterPoint>& points, const ScatterStyle& style);

// Round numbers that lie evenly between `low` and `high`, about `wished` of them.
std::vector<double> round_ticks(double low, double high, int wished);

}  // namespace mica::views
