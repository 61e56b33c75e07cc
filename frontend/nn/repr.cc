// Printing modules as PyTorch does: the class, what it was made with, and what lies below it, indented.
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "frontend/graph/layer_state.h"
#include "frontend/mica/nn/module.h"
#include "frontend/nn/builtin_module.h"

namespace mica {

std::string internal::text_in_parentheses(const Layer& layer) {
  if (const auto* module = layer.get_if<nn::Module>()) return module->extra_repr();
  if (const auto* module = layer.get_if<internal::ModuleText>()) return module->module_text();
  return absl::StrCat("name=", layer.name(), ", built=", internal::python_text(layer.built()));
}

namespace {

using internal::state_of;

std::string text_of(const Layer& layer);

// Lines after the first, moved to the right.
std::string indented(const std::string& text) { return absl::StrReplaceAll(text, {{"\n", "\n  "}}); }

// "(0-5): 6 x Linear(…)": neighbours of a list that print alike stand in one line.
std::vector<std::string> list_lines(const std::vector<std::pair<std::string, Layer>>& children) {
  std::vector<std::string> lines;
  for (std::size_t first = 0, last; first < children.size(); first = last + 1) {
    std::string text = text_of(children[first].second);
    last = first;
    while (last + 1 < children.size() && text_of(children[last + 1].second) == text) ++last;
    std::string label = first == last ? absl::StrCat("(", first, "): ")
                                      : absl::StrCat("(", first, "-", last, "): ", last - first + 1, " x ");
    lines.push_back(absl::StrCat(label, indented(text)));
  }
  return lines;
}

std::string text_of(const Layer& layer) {
  const auto& children = state_of(layer).sublayers;
  std::string own = internal::text_in_parentheses(layer);
  std::vector<std::string> lines;
  if (layer.class_name() == "ModuleList" || layer.class_name() == "ParametrizationList") {
    lines = list_lines(children);
  } else {
    for (const auto& [name, child] : children)
      lines.push_back(absl::StrCat("(", name, "): ", indented(text_of(child))));
  }
  bool one_line = lines.empty() && own.find('\n') == std::string::npos;
  if (one_line) return absl::StrCat(layer.class_name(), "(", own, ")");
  if (!own.empty()) {
    std::vector<std::string> first = absl::StrSplit(own, '\n');
    lines.insert(lines.begin(), first.begin(), first.end());
  }
  return absl::StrCat(layer.class_name(), "(\n  ", absl::StrJoin(lines, "\n  "), "\n)");
}

}  // namespace

std::string Layer::to_string() const { return text_of(*this); }

std::ostream& operator<<(std::ostream& out, const Layer& layer) { return out << layer.to_string(); }

}  // namespace mica
