#include "frontend/views/summary.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "frontend/views/text_table.h"

namespace mica::views {
namespace {

using nlohmann::json;

const std::filesystem::path kFixtures = MICA_SOURCE_DIR "/tests/fixtures/summaries";

Trainable trainable_of(const std::string& text) {
  return text == "yes" ? Trainable::kYes : text == "no" ? Trainable::kNo : Trainable::kNoWeights;
}

ParameterCount parameters_of(const json& entry) { return {.count = entry["count"], .bytes = entry["bytes"]}; }

Summary summary_of(const json& entry) {
  Summary summary{.model_name = entry["model"],
                  .rows = {},
                  .connected = entry["connected"],
                  .show_trainable = entry["show_trainable"],
                  .line_length = entry["line_length"],
                  .trainable = parameters_of(entry["trainable"]),
                  .non_trainable = parameters_of(entry["non_trainable"]),
                  .optimizer = {}};
  if (!entry["optimizer"].is_null()) summary.optimizer = parameters_of(entry["optimizer"]);
  for (const json& row : entry["rows"]) {
    summary.rows.push_back({.name = row["name"],
                            .class_name = row["class"],
                            .nesting = row["nesting"],
                            .output_shape = row["output_shape"],
                            .built = row["built"],
                            .params = row["params"],
                            .connected_to = row["connected_to"],
                            .trainable = trainable_of(row["trainable"])});
  }
  return summary;
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(SummaryTest, IsWhatKerasPrints) {
  unsetenv("COLUMNS");
  int cases = 0;
  for (const auto& file : std::filesystem::directory_iterator(kFixtures)) {
    if (file.path().extension() != ".json") continue;
    const Summary summary = summary_of(json::parse(read_text(file.path())));
    EXPECT_EQ(render_summary(summary), read_text(std::filesystem::path(file.path()).replace_extension(".txt")))
        << file.path();
    ++cases;
  }
  EXPECT_EQ(cases, 13);
}

TEST(SummaryTest, DefaultLengthFollowsTheTerminal) {
  unsetenv("COLUMNS");
  EXPECT_EQ(default_line_length(false, false), 88);
  EXPECT_EQ(default_line_length(true, true), 120);
  setenv("COLUMNS", "80", 1);
  EXPECT_EQ(default_line_length(false, false), 76);
  EXPECT_EQ(default_line_length(true, false), 76);
  unsetenv("COLUMNS");
}

TEST(SummaryTest, ShapesCountsAndSizes) {
  EXPECT_EQ(shape_text(std::vector<std::int64_t>{-1, 26, 32}), "(None, 26, 32)");
  EXPECT_EQ(shape_text(std::vector<std::int64_t>{}), "()");
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(54410), "54,410");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
  EXPECT_EQ(memory_text(0), "0.00 B");
  EXPECT_EQ(memory_text(1023), "1023.00 B");
  EXPECT_EQ(memory_text(1024), "1.00 KB");
  EXPECT_EQ(memory_text(40000000), "38.15 MB");
}

TEST(TextTableTest, WrapsAtBlanksAndCutsLongWords) {
  const std::string table =
      render_table({{.header = "a", .width = 6}, {.header = "b", .width = 6, .align = Align::kRight}},
                   {{"one two three", "1"}, {"immeasurable", ""}}, 19);
  EXPECT_EQ(table,
            "┏━━━━━━━━┳━━━━━━━━┓\n"
            "┃ a      ┃      b ┃\n"
            "┡━━━━━━━━╇━━━━━━━━┩\n"
            "│ one    │      1 │\n"
            "│ two    │        │\n"
            "│ three  │        │\n"
            "├────────┼────────┤\n"
            "│ immea… │        │\n"
            "└────────┴────────┘\n");
}

}  // namespace
}  // namespace mica::views
