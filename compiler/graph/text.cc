// Graph -> text. One node a line; a region prints as an indented block after its node.
#include <unordered_map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "compiler/graph/graph.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

constexpr std::size_t kLocationColumn = 88;

class Printer {
 public:
  Printer(const PrintOptions& options, std::string& out) : options_(options), out_(out) {}

  void graph(const Graph& g, std::string_view keyword, const std::string& indent) {
    absl::StrAppend(&out_, indent, std::string(keyword),
                    options_.names || keyword != "graph" ? absl::StrCat(" @", g.name()) : "", "(");
    bool first = true;
    for (const Node* input : g.inputs()) {
      absl::StrAppend(&out_, first ? "" : ", ", name_operand(*input), ": ", input->result_types()[0].to_string());
      first = false;
    }
    out_ += ") {\n";
    std::string inner = indent + "  ";
    for (const auto& node : g.nodes()) {
      if (!node->is("input")) this->node(*node, inner);
    }
    outputs(g, inner);
    absl::StrAppend(&out_, indent, "}\n");
  }

 private:
  // %x for an input of that name, %0, %1 … for the rest; names that are no identifiers, or twice, are numbered.
  std::string name_operand(const Node& node) {
    std::string name = node.name_hint();
    bool plain = options_.names && !name.empty() && !absl::ascii_isdigit(static_cast<unsigned char>(name[0]));
    for (char c : name) plain &= absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == ':';
    std::string text = plain && taken_.emplace("%" + name, true).second ? "%" + name : absl::StrCat("%", next_++);
    names_[&node] = text;
    return text;
  }

  std::string value(Value v) const {
    const std::string& name = names_.at(v.node);
    return v.node->num_results() == 1 ? name : absl::StrCat(name, "#", v.index);
  }

  void finish_line(std::size_t start, const Node& node) {
    // What a node may report at run time names its layer: equal text must mean equal errors.
    bool shown = options_.locations || node.attrs().find("called");
    if (shown && !node.loc().empty()) {
      std::size_t width = out_.size() - start;
      absl::StrAppend(&out_, std::string(width < kLocationColumn ? kLocationColumn - width : 1, ' '), "# ", node.loc());
    }
    out_ += "\n";
  }

  void node(const Node& n, const std::string& indent) {
    std::size_t start = out_.size();
    if (n.is("variable")) {
      std::string name = absl::StrCat("%", next_++);
      names_[&n] = name;
      absl::StrAppend(&out_, indent, name, " = variable ", options_.names ? to_string(Attr(n.name_hint())) : "\"\"",
                      " : ", n.result_types()[0].to_string());
      return finish_line(start, n);
    }
    std::string name = absl::StrCat("%", next_++);
    names_[&n] = name;
    absl::StrAppend(&out_, indent, name, n.num_results() == 1 ? "" : absl::StrCat(":", n.num_results()), " = ",
                    n.op().name, "(");
    for (int i = 0; i < n.num_operands(); ++i) absl::StrAppend(&out_, i ? ", " : "", value(n.operand(i)));
    out_ += ")";
    attributes(n);
    out_ += " : ";
    for (int i = 0; i < n.num_results(); ++i)
      absl::StrAppend(&out_, i ? ", " : "", n.result_types()[static_cast<std::size_t>(i)].to_string());
    finish_line(start, n);
    for (const auto& body : n.bodies()) {
      // A body's names start afresh: it sees nothing but its inputs.
      Printer inner(options_, out_);
      inner.graph(*body, "body", indent + "  ");
    }
  }

  void attributes(const Node& n) {
    if (n.attrs().items().empty()) return;
    out_ += " {";
    bool first = true;
    for (const auto& [key, attr] : n.attrs().items()) {
      absl::StrAppend(&out_, first ? "" : ", ", key, "=", to_string(attr));
      first = false;
    }
    out_ += "}";
  }

  void outputs(const Graph& g, const std::string& indent) {
    int position = 0;
    for (const Output& output : g.outputs()) {
      if (output.target) {
        absl::StrAppend(&out_, indent, "update ", names_.at(output.target), " = ", value(output.value), "\n");
      } else {
        std::string name = options_.names ? output.name : absl::StrCat(position++);
        absl::StrAppend(&out_, indent, output.tap ? "tap " : "return ", value(output.value), " as ",
                        to_string(Attr(name)), "\n");
      }
    }
  }

  const PrintOptions& options_;
  std::string& out_;
  std::unordered_map<const Node*, std::string> names_;
  std::unordered_map<std::string, bool> taken_;
  int next_ = 0;
};

}  // namespace

std::string print(const Graph& graph, const PrintOptions& options) {
  std::string text;
  Printer(options, text).graph(graph, "graph", "");
  return text;
}

}  // namespace mica::ir
