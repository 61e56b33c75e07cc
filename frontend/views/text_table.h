// Tables of text with box-drawing characters and a line between rows, as the rich library of Keras' summary() draws
// them: cells wrap at spaces, a word that is too long for its column ends in an ellipsis.
#pragma once
#include <string>
#include <vector>

namespace mica::views {

enum class Align { kLeft, kRight, kCenter };

struct TableColumn {
  std::string header;
  int width = 0;  // wished for, without the blank on either side
  Align align = Align::kLeft;
};

// `line_length` characters wide, borders included; columns shrink evenly to fit. Each row has a cell for every column.
std::string render_table(const std::vector<TableColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                         int line_length);

}  // namespace mica::views
