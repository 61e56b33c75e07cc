// Text inside markup: SVG, and Graphviz' HTML labels.
#pragma once
#include <string>
#include <string_view>

namespace mica::views {

// `text` with the characters that markup reserves (& < > ") as entities.
std::string escape_markup(std::string_view text);

}  // namespace mica::views
