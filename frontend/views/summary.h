// The table of model.summary(), as Keras 3 draws it, from plain data.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mica::views {

enum class Trainable { kYes, kNo, kNoWeights };

struct SummaryRow {
  std::string name, class_name;    // "conv1", "Conv2D"
  int nesting = 0;                 // 1 for a layer of a nested model, …
  std::string output_shape = "?";  // shape_text() of its last call
  bool built = true;
  std::int64_t params = 0;
  std::vector<std::string> connected_to{};  // "conv1[0][0]": layer, call, result
  Trainable trainable = Trainable::kNoWeights;
};

struct ParameterCount {
  std::int64_t count = 0, bytes = 0;
};

struct Summary {
  std::string model_name;
  std::vector<SummaryRow> rows;
  bool connected = false;  // the "Connected to" column: for every model that is not a chain
  bool show_trainable = false;
  int line_length = 0;  // characters; 0: default_line_length()
  ParameterCount trainable, non_trainable;
  std::optional<ParameterCount> optimizer;  // once it has state
};

std::string render_summary(const Summary& summary);

// Keras' widths: 88 or 108 ("Connected to"), 12 more for "Trainable"; not wider than the terminal, when there is one.
int default_line_length(bool connected, bool show_trainable);
// "(None, 26, 26, 32)"; a negative dim is None.
std::string shape_text(std::span<const std::int64_t> dims);
// 54410 -> "54,410".
std::string with_commas(std::int64_t count);
// "212.54 KB", in steps of 1024.
std::string memory_text(std::int64_t bytes);

}  // namespace mica::views
