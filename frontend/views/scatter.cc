#include "frontend/views/scatter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "frontend/files/atomic_file.h"
#include "frontend/views/markup.h"
#include "runtime/error.h"

namespace mica::views {
namespace {

// Ten hues that stay apart on white; neighbours differ in brightness too, for readers with weak colour vision.
constexpr std::array<std::string_view, 10> kColors = {"#2563eb", "#f59e0b", "#047857", "#dc2626", "#7c3aed",
                                                      "#38bdf8", "#ec4899", "#84cc16", "#78350f", "#475569"};
constexpr std::string_view kInk = "#111827", kMuted = "#6b7280", kGrid = "#e5e7eb", kPaper = "#ffffff";
constexpr std::string_view kFont = "Helvetica, Arial, 'DejaVu Sans', sans-serif";
constexpr double kTop = 64, kBottom = 62, kLeft = 74, kRight = 120;  // margins around the plot
constexpr int kTicks = 9;

std::string_view color_of(int label) { return kColors[static_cast<std::size_t>(label) % kColors.size()]; }

// One axis: the range of its values and where that lies in the picture.
struct Axis {
  double low = 0, high = 1, begin = 0, end = 1;
  double at(double value) const { return begin + (value - low) / (high - low) * (end - begin); }
};

// The range of all values with a little room, never empty.
Axis axis_of(const std::vector<ScatterPoint>& points, double ScatterPoint::* value, double begin, double end) {
  Axis axis{.begin = begin, .end = end};
  if (!points.empty()) {
    const auto [low, high] = std::minmax_element(points.begin(), points.end(),
                                                 [&](const auto& a, const auto& b) { return a.*value < b.*value; });
    axis.low = (*low).*value;
    axis.high = (*high).*value;
  }
  const double room = axis.high > axis.low ? 0.04 * (axis.high - axis.low) : 0.5;
  axis.low -= room;
  axis.high += room;
  return axis;
}

std::string tick_text(double value) { return value == 0 ? "0" : fmt::format("{:.6g}", value); }

class ScatterWriter {
 public:
  ScatterWriter(const std::vector<ScatterPoint>& points, const ScatterStyle& style)
      : points_(points),
        style_(style),
        x_(axis_of(points, &ScatterPoint::x, kLeft, style.width - kRight)),
        y_(axis_of(points, &ScatterPoint::y, style.height - kBottom, kTop)) {}

  std::string write() {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "font-family=\"{2}\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"{3}\"/>\n",
        style_.width, style_.height, kFont, kPaper);
    write_grid();
    write_points();
    write_titles();
    write_legend();
    return out_ + "</svg>\n";
  }

 private:
  void text(double x, double y, int size, std::string_view color, std::string_view attributes,
            std::string_view content) {
    out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" font-size=\"{}\" fill=\"{}\" {}>{}</text>\n", x, y, size,
                        color, attributes, escape_markup(content));
  }
  void line(double x1, double y1, double x2, double y2, std::string_view color) {
    out_ += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x1, y1, x2,
                        y2, color);
  }

  void write_grid() {
    for (const double tick : round_ticks(x_.low, x_.high, kTicks)) {
      line(x_.at(tick), y_.begin, x_.at(tick), y_.end, kGrid);
      text(x_.at(tick), y_.begin + 20, 12, kMuted, "text-anchor=\"middle\"", tick_text(tick));
    }
    for (const double tick : round_ticks(y_.low, y_.high, kTicks)) {
      line(x_.begin, y_.at(tick), x_.end, y_.at(tick), kGrid);
      text(x_.begin - 10, y_.at(tick) + 4, 12, kMuted, "text-anchor=\"end\"", tick_text(tick));
    }
    line(x_.begin, y_.begin, x_.end, y_.begin, kMuted);
    line(x_.begin, y_.begin, x_.begin, y_.end, kMuted);
  }

  // In the given order, so that no class hides another; the more points, the smaller and fainter each.
  void write_points() {
    const double radius = points_.size() > 3000 ? 2.2 : points_.size() > 500 ? 2.8 : 4;
    const double opacity = points_.size() > 3000 ? 0.55 : 0.75;
    out_ += fmt::format("<g fill-opacity=\"{}\">\n", opacity);
    for (const ScatterPoint& point : points_) {
      out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"/>\n", x_.at(point.x),
                          y_.at(point.y), radius, color_of(point.label));
    }
    out_ += "</g>\n";
  }

  void write_titles() {
    const double middle_x = (x_.begin + x_.end) / 2, middle_y = (y_.begin + y_.end) / 2;
    text(x_.begin, 36, 20, kInk, "font-weight=\"bold\"", style_.title);
    text(middle_x, style_.height - 18.0, 14, kInk, "text-anchor=\"middle\"", style_.x_label);
    text(22, middle_y, 14, kInk, fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 22 {:.1f})\"", middle_y),
         style_.y_label);
  }

  void write_legend() {
    const double x = x_.end + 26;
    for (std::size_t i = 0; i < style_.class_names.size(); ++i) {
      const double y = kTop + 12 + 24 * static_cast<double>(i);
      out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"6\" fill=\"{}\"/>\n", x, y,
                          color_of(static_cast<int>(i)));
      text(x + 16, y + 4.5, 14, kInk, "", style_.class_names[i]);
    }
  }

  const std::vector<ScatterPoint>& points_;
  const ScatterStyle& style_;
  Axis x_, y_;
  std::string out_;
};

}  // namespace

std::string scatter_svg(const std::vector<ScatterPoint>& points, const ScatterStyle& style) {
  for (const ScatterPoint& point : points) {
    const bool finite = std::isfinite(point.x) && std::isfinite(point.y);
    const bool known = point.label >= 0 && static_cast<std::size_t>(point.label) < style.class_names.size();
    if (finite && known) continue;
    throw Error({.where = "scatter plot",
                 .expected = fmt::format("finite points with labels below {}", style.class_names.size()),
                 .received = fmt::format("({}, {}) with label {}", point.x, point.y, point.label),
                 .hint = {}});
  }
  return ScatterWriter(points, style).write();
}

absl::Status write_scatter(std::string_view path, const std::vector<ScatterPoint>& points, const ScatterStyle& style) {
  return files::write_file(path, scatter_svg(points, style));
}

std::vector<double> round_ticks(double low, double high, int wished) {
  const double rough = (high - low) / wished;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> ticks;
  for (double i = std::ceil(low / step); i * step <= high; ++i) ticks.push_back(i * step);
  return ticks;
}

}  // namespace mica::views
