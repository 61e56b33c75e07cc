// Pictures of models, as keras.utils.plot_model draws them: DOT text from plain data, laid out by Graphviz' library.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "frontend/views/summary.h"

namespace mica::views {

enum class PlotRole { kInput, kInner, kOutput };  // kOutput: gives a result of the whole model

struct PlotNode {
  std::string id;  // any text, unique in the picture
  std::string name, class_name;
  PlotRole role = PlotRole::kInner;
  std::string input_shape{}, output_shape{}, dtype{}, activation{};  // empty: that cell is left out
  Trainable trainable = Trainable::kNoWeights;
};

// A model; nested ones that are shown expanded are its clusters. Edges join ids at any depth.
struct PlotGraph {
  std::string name;
  std::vector<PlotNode> nodes;
  std::vector<PlotGraph> clusters{};
  std::vector<std::pair<std::string, std::string>> edges{};
};

struct PlotStyle {
  bool show_shapes = true, show_dtype = false, show_layer_names = true;
  std::string rankdir = "TB";  // TB, BT, LR or RL
  int dpi = 200;               // of PNG pictures
  bool show_layer_activations = false, show_trainable = false;
};

std::string to_dot(const PlotGraph& graph, const PlotStyle& style = {});

// Writes the picture, whole or not at all; the ending of `path` says the format: .svg, .png, .pdf or .dot.
absl::Status write_plot(std::string_view path, const PlotGraph& graph, const PlotStyle& style = {});

}  // namespace mica::views
