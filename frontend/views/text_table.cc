#include "frontend/views/text_table.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "runtime/error.h"

namespace mica::views {
namespace {

constexpr int kPadding = 2;  // a blank on either side of a cell

// Characters of UTF-8 text; every one of ours is one column wide.
int width_of(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// The first `count` characters.
std::string_view first_characters(std::string_view text, int count) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if ((text[end] & 0xC0) != 0x80 && count-- == 0) break;
  }
  return text.substr(0, end);
}

std::string_view without_trailing_blanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::string blanks(int count) { return std::string(static_cast<std::size_t>(std::max(count, 0)), ' '); }

std::string repeated(std::string_view character, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += character;
  return text;
}

// The next word of `text` with the blanks around it, as the unit that wraps.
std::string_view take_word(std::string_view* text) {
  const std::size_t begin = std::min(text->find_first_not_of(' '), text->size());
  const std::size_t end = std::min(text->find(' ', begin), text->size());
  const std::size_t next = std::min(text->find_first_not_of(' ', end), text->size());
  const std::string_view word = text->substr(0, next);
  text->remove_prefix(next);
  return word;
}

std::vector<std::string> wrap(std::string_view text, int width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::string_view word = take_word(&text);
    const bool fits = width_of(lines.back()) + width_of(without_trailing_blanks(word)) <= width;
    if (!fits && !lines.back().empty()) lines.emplace_back();
    lines.back() += word;
  }
  return lines;
}

std::string fit(std::string_view line, int width, Align align) {
  if (align != Align::kLeft || width_of(line) > width) line = without_trailing_blanks(line);
  std::string text(line);
  if (width_of(text) > width) text = std::string(first_characters(text, width - 1)) + "…";
  const int free = width - width_of(text);
  const int left = align == Align::kLeft ? 0 : align == Align::kRight ? free : free / 2;
  return blanks(left) + text + blanks(free - left);
}

// Widths with padding. The sum must be what the line leaves beside the borders; each column gives an equal share.
std::vector<int> shrink_to(int available, const std::vector<TableColumn>& columns) {
  std::vector<int> widths;
  int excess = -available;
  for (const TableColumn& column : columns) excess += widths.emplace_back(column.width + kPadding);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const double share = static_cast<double>(excess) / static_cast<double>(widths.size() - i);
    const int reduction = std::min(widths[i], static_cast<int>(std::nearbyint(share)));  // halves to even
    widths[i] -= reduction;
    excess -= reduction;
  }
  return widths;
}

struct Border {
  std::string_view left, line, cross, right;
};

std::string border_line(const Border& border, const std::vector<int>& widths) {
  std::string text(border.left);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    text += repeated(border.line, widths[i]);
    text += i + 1 < widths.size() ? border.cross : border.right;
  }
  return text + "\n";
}

std::string row_lines(const std::vector<std::string>& cells, const std::vector<TableColumn>& columns,
                      const std::vector<int>& widths, std::string_view bar) {
  std::vector<std::vector<std::string>> wrapped;
  std::size_t height = 1;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    wrapped.push_back(wrap(cells[i], widths[i] - kPadding));
    height = std::max(height, wrapped.back().size());
  }
  std::string text;
  for (std::size_t line = 0; line < height; ++line) {
    text += bar;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string_view content = line < wrapped[i].size() ? std::string_view(wrapped[i][line]) : "";
      text.append(" ").append(fit(content, widths[i] - kPadding, columns[i].align)).append(" ").append(bar);
    }
    text += "\n";
  }
  return text;
}

}  // namespace

std::string render_table(const std::vector<TableColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                         int line_length) {
  const std::vector<int> widths = shrink_to(line_length - static_cast<int>(columns.size()) - 1, columns);
  std::vector<std::string> headers;
  for (const TableColumn& column : columns) headers.push_back(column.header);
  std::string text = border_line({"┏", "━", "┳", "┓"}, widths);
  text += row_lines(headers, columns, widths, "┃");
  text += border_line({"┡", "━", "╇", "┩"}, widths);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    MICA_CHECK(rows[i].size() == columns.size()) << "row " << i << " of a table has " << rows[i].size() << " cells";
    if (i > 0) text += border_line({"├", "─", "┼", "┤"}, widths);
    text += row_lines(rows[i], columns, widths, "│");
  }
  return text + border_line({"└", "─", "┴", "┘"}, widths);
}

}  // namespace mica::views
