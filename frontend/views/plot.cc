#include "frontend/views/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "frontend/files/atomic_file.h"
#include "frontend/files/file_error.h"
#include "frontend/views/graphviz.h"
#include "frontend/views/markup.h"

namespace mica::views {
namespace {

constexpr std::string_view kFont = "Helvetica";
constexpr std::string_view kInk = "#1f2937", kMuted = "#6b7280", kLine = "#cbd5e1", kPaper = "#ffffff";
constexpr std::string_view kGap = "&#160;&#160;";  // SVG viewers drop plain blanks at the ends of texts
constexpr std::string_view kTrainable = "#15803d", kFrozen = "#b91c1c";

std::string_view header_color(PlotRole role) {
  switch (role) {
    case PlotRole::kInput:
      return "#1d4ed8";
    case PlotRole::kOutput:
      return "#b45309";
    case PlotRole::kInner:
      return "#334155";
  }
  return kInk;
}

// A double-quoted string of the DOT language.
std::string dot_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

class DotWriter {
 public:
  explicit DotWriter(const PlotStyle& style) : style_(style) {}

  std::string write(const PlotGraph& graph) {
    out_ = fmt::format("digraph {} {{\n", dot_string(graph.name));
    out_ += fmt::format(
        "  graph [rankdir={}, dpi={}, bgcolor=\"{}\", pad=0.25, nodesep=0.35, ranksep=0.4, fontname=\"{}\"];\n",
        style_.rankdir, style_.dpi, kPaper, kFont);
    out_ += fmt::format("  node [shape=plain, fontname=\"{}\", fontsize=13, fontcolor=\"{}\"];\n", kFont, kInk);
    out_ += fmt::format("  edge [color=\"{}\", penwidth=1.4, arrowsize=0.7];\n", kMuted);
    write_content(graph, 1);
    return out_ + "}\n";
  }

 private:
  void write_content(const PlotGraph& graph, int depth) {
    const std::string indent(static_cast<std::size_t>(2 * depth), ' ');
    for (const PlotNode& node : graph.nodes)
      out_ += fmt::format("{}{} [label=<{}>];\n", indent, dot_string(node.id), table(node));
    for (const PlotGraph& cluster : graph.clusters) {
      out_ += fmt::format("{}subgraph cluster_{} {{\n", indent, ++clusters_);
      out_ += fmt::format(
          "{}  label={}; labeljust=l; style=\"dashed,rounded\"; color=\"{}\"; fontcolor=\"{}\"; margin=14;\n", indent,
          dot_string(cluster.name), kMuted, kMuted);
      write_content(cluster, depth + 1);
      out_ += indent + "}\n";
    }
    for (const auto& [from, to] : graph.edges)
      out_ += fmt::format("{}{} -> {};\n", indent, dot_string(from), dot_string(to));
  }

  // One row for the name, one for the activation, one with shapes and the like.
  std::string table(const PlotNode& node) const {
    const std::vector<std::string> cells = details(node);
    const std::size_t span = std::max<std::size_t>(cells.size(), 1);
    std::string text =
        fmt::format("<table border=\"0\" cellborder=\"1\" cellspacing=\"0\" cellpadding=\"7\" color=\"{}\">", kLine);
    const std::string name = style_.show_layer_names ? fmt::format("<b>{}</b>{}{}", escape_markup(node.name), kGap,
                                                                   escape_markup(node.class_name))
                                                     : fmt::format("<b>{}</b>", escape_markup(node.class_name));
    text +=
        fmt::format("<tr><td colspan=\"{}\" bgcolor=\"{}\"><font color=\"white\" point-size=\"14\">{}</font></td></tr>",
                    span, header_color(node.role), name);
    if (style_.show_layer_activations && !node.activation.empty()) {
      text += fmt::format("<tr><td colspan=\"{}\" bgcolor=\"{}\">{}</td></tr>", span, kPaper,
                          labelled("activation", node.activation));
    }
    if (!cells.empty()) text += fmt::format("<tr>{}</tr>", fmt::join(cells, ""));
    return text + "</table>";
  }

  std::vector<std::string> details(const PlotNode& node) const {
    std::vector<std::string> cells;
    const auto add = [&](std::string_view label, const std::string& value) {
      if (!value.empty()) cells.push_back(fmt::format("<td bgcolor=\"{}\">{}</td>", kPaper, labelled(label, value)));
    };
    if (style_.show_shapes) {
      add("in", node.input_shape);
      add("out", node.output_shape);
    }
    if (style_.show_dtype) add("dtype", node.dtype);
    if (style_.show_trainable && node.trainable != Trainable::kNoWeights) {
      const bool trains = node.trainable == Trainable::kYes;
      cells.push_back(fmt::format("<td bgcolor=\"{}\"><font color=\"white\">{}</font></td>",
                                  trains ? kTrainable : kFrozen, trains ? "trainable" : "frozen"));
    }
    return cells;
  }

  static std::string labelled(std::string_view label, std::string_view value) {
    return fmt::format("<font color=\"{}\">{}</font>{}{}", kMuted, label, kGap, escape_markup(value));
  }

  const PlotStyle& style_;
  std::string out_;
  int clusters_ = 0;
};

absl::Status check_style(const PlotStyle& style, std::string_view path) {
  constexpr std::array kDirections = {"TB", "BT", "LR", "RL"};
  if (std::find(kDirections.begin(), kDirections.end(), style.rankdir) == kDirections.end()) {
    return files::content_error(path, "rankdir TB, BT, LR or RL", "'" + style.rankdir + "'");
  }
  if (style.dpi < 1) return files::content_error(path, "a positive dpi", std::to_string(style.dpi));
  return absl::OkStatus();
}

}  // namespace

std::string to_dot(const PlotGraph& graph, const PlotStyle& style) { return DotWriter(style).write(graph); }

absl::Status write_plot(std::string_view path, const PlotGraph& graph, const PlotStyle& style) {
  constexpr std::array<std::string_view, 4> kEndings = {".svg", ".png", ".pdf", ".dot"};
  const std::string ending = std::filesystem::path(path).extension().string();
  if (std::find(kEndings.begin(), kEndings.end(), ending) == kEndings.end()) {
    return files::content_error(path, "a name ending in .svg, .png, .pdf or .dot", "'" + ending + "'");
  }
  MICA_FILE_TRY(check_style(style, path));
  PlotStyle own = style;
  if (ending != ".png") own.dpi = 72;  // vectors have no resolution; Graphviz would only scale them
  const std::string dot = to_dot(graph, own);
  if (ending == ".dot") return files::write_file(path, dot);
  absl::StatusOr<std::string> picture = render_dot(dot, ending.substr(1), path);
  MICA_FILE_TRY(picture.status());
  return files::write_file(path, *picture);
}

}  // namespace mica::views
