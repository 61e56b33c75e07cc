#include "frontend/views/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "frontend/views/terminal.h"
#include "frontend/views/text_table.h"

namespace mica::views {
namespace {

constexpr int kChainLength = 88, kConnectedLength = 108, kTrainableLength = 12;
constexpr double kTrainableShare = 0.9;  // of the line, left to the other columns

// Where columns end, as a share of the line.
std::vector<double> column_ends(const Summary& summary) {
  std::vector<double> ends =
      summary.connected ? std::vector<double>{0.3, 0.56, 0.74, 1.0} : std::vector<double>{0.45, 0.80, 1.0};
  if (summary.show_trainable) {
    for (double& end : ends) end *= kTrainableShare;
    ends.push_back(1.0);
  }
  return ends;
}

std::vector<TableColumn> columns_of(const Summary& summary, int line_length) {
  std::vector<TableColumn> columns{
      {.header = "Layer (type)"}, {.header = "Output Shape"}, {.header = "Param #", .align = Align::kRight}};
  if (summary.connected) columns.push_back({.header = "Connected to"});
  if (summary.show_trainable) columns.push_back({.header = "Trainable", .align = Align::kCenter});
  const std::vector<double> ends = column_ends(summary);
  int begin = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i].width = static_cast<int>(ends[i] * line_length) - begin;
    begin += columns[i].width;
  }
  return columns;
}

std::string layer_cell(const SummaryRow& row) {
  const std::string prefix = row.nesting == 0 ? "" : std::string(static_cast<std::size_t>(3 * row.nesting), ' ') + "└ ";
  return fmt::format("{}{} ({})", prefix, row.name, row.class_name);
}

std::string connections_cell(const SummaryRow& row) {
  return row.connected_to.empty() ? "-" : fmt::format("{}", fmt::join(row.connected_to, ", "));
}

std::string trainable_cell(const SummaryRow& row) {
  if (row.trainable == Trainable::kNoWeights) return "-";
  return row.trainable == Trainable::kYes ? "Y" : "N";
}

std::vector<std::string> cells_of(const SummaryRow& row, const Summary& summary) {
  std::vector<std::string> cells{layer_cell(row), row.output_shape,
                                 row.built ? with_commas(row.params) : "0 (unbuilt)"};
  if (summary.connected) cells.push_back(connections_cell(row));
  if (summary.show_trainable) cells.push_back(trainable_cell(row));
  return cells;
}

std::string count_line(const char* what, const ParameterCount& parameters) {
  return fmt::format(" {} params: {} ({})\n", what, with_commas(parameters.count), memory_text(parameters.bytes));
}

}  // namespace

std::string render_summary(const Summary& summary) {
  const int line_length =
      summary.line_length > 0 ? summary.line_length : default_line_length(summary.connected, summary.show_trainable);
  std::vector<std::vector<std::string>> rows;
  for (const SummaryRow& row : summary.rows) rows.push_back(cells_of(row, summary));
  const ParameterCount optimizer = summary.optimizer.value_or(ParameterCount{});
  const ParameterCount total{summary.trainable.count + summary.non_trainable.count + optimizer.count,
                             summary.trainable.bytes + summary.non_trainable.bytes + optimizer.bytes};
  std::string text = fmt::format("Model: \"{}\"\n", summary.model_name);
  text += render_table(columns_of(summary, line_length), rows, line_length);
  text += count_line("Total", total);
  text += count_line("Trainable", summary.trainable);
  text += count_line("Non-trainable", summary.non_trainable);
  if (summary.optimizer) text += count_line("Optimizer", optimizer);
  return text;
}

int default_line_length(bool connected, bool show_trainable) {
  constexpr int kMargin = 4;
  const int length = (connected ? kConnectedLength : kChainLength) + (show_trainable ? kTrainableLength : 0);
  const std::optional<int> terminal = terminal_width();
  return terminal ? std::min(length, std::max(*terminal - kMargin, length / 2)) : length;
}

std::string shape_text(std::span<const std::int64_t> dims) {
  std::vector<std::string> names;
  for (const std::int64_t dim : dims) names.push_back(dim < 0 ? "None" : std::to_string(dim));
  return fmt::format("({})", fmt::join(names, ", "));
}

std::string with_commas(std::int64_t count) {
  std::string digits = std::to_string(count);
  const std::size_t sign = count < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > sign + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string memory_text(std::int64_t bytes) {
  constexpr std::array kUnits = {"B", "KB", "MB", "GB", "TB", "PB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < kUnits.size(); ++unit) size /= 1024;
  return fmt::format("{:.2f} {}", size, kUnits[unit]);
}

}  // namespace mica::views
