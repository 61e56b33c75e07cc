// Text -> Graph. Line oriented, as text.cc prints it; every error names its line.
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/graph/graph.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

// Calls stop(i, depth) for each character outside of quotes, brackets counted as they open and after they close, until
// it returns true; the position there, or npos.
template <class Stop>
std::size_t scan(std::string_view text, std::size_t from, Stop stop) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = from; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '(' || c == '{' || c == '[') ++depth;
    if (c == ')' || c == '}' || c == ']') --depth;
    if (stop(i, depth)) return i;
  }
  return std::string_view::npos;
}

// Splits at `separator` outside brackets, braces and quotes.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  scan(text, 0, [&](std::size_t i, int depth) {
    if (text[i] == separator && depth == 0) {
      parts.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    }
    return false;
  });
  std::string_view last = trim(text.substr(start));
  if (!last.empty() || !parts.empty()) parts.push_back(last);
  return parts;
}

// Position of the bracket that closes the one at `open`, npos when there is none.
std::size_t closing(std::string_view text, std::size_t open) {
  return scan(text, open, [&](std::size_t i, int depth) {
    char c = text[i];
    return depth == 0 && (c == ')' || c == '}' || c == ']');
  });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  absl::StatusOr<std::unique_ptr<Graph>> parse() {
    if (!next_line()) return error("expected a graph, received nothing");
    absl::StatusOr<std::unique_ptr<Graph>> graph = parse_graph("graph");
    if (!graph.ok()) return graph.status();
    if (next_line()) return error("expected the end of the text after the graph");
    return graph;
  }

 private:
  using Names = std::unordered_map<std::string, Node*>;

  absl::Status error(std::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line_number_, ": ", std::string(message),
                     line_.empty() ? "" : absl::StrCat(" in \"", std::string(line_), "\"")));
  }

  // The next line that says something, without its comment; the comment of a node is its location.
  bool next_line() {
    while (at_ < text_.size()) {
      std::size_t end = std::min(text_.find('\n', at_), text_.size());
      std::string_view raw = text_.substr(at_, end - at_);
      at_ = end + 1;
      ++line_number_;
      comment_ = {};
      bool quoted = false;
      for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '"' && (i == 0 || raw[i - 1] != '\\')) quoted = !quoted;
        bool slashes = raw[i] == '/' && i + 1 < raw.size() && raw[i + 1] == '/';
        bool hash = raw[i] == '#' && (i == 0 || raw[i - 1] == ' ');
        if (!quoted && (slashes || hash)) {
          comment_ = hash ? trim(raw.substr(i + 1)) : std::string_view{};
          raw = raw.substr(0, i);
          break;
        }
      }
      line_ = trim(raw);
      if (!line_.empty()) return true;
    }
    line_ = {};
    return false;
  }

  // The present line is a header: `graph @name(%x: f32[N,4], …) {`.
  absl::StatusOr<std::unique_ptr<Graph>> parse_graph(std::string_view keyword) {
    if (++depth_ > 16) return error("regions nested deeper than 16");
    std::size_t open = line_.find('(');
    if (line_.substr(0, keyword.size()) != keyword || open == std::string_view::npos)
      return error(absl::StrCat("expected \"", std::string(keyword), " @name(…) {\""));
    std::size_t close = closing(line_, open);
    if (close == std::string_view::npos || trim(line_.substr(close + 1)) != "{")
      return error("expected \") {\" at the end");
    std::string_view name = trim(line_.substr(keyword.size(), open - keyword.size()));
    if (!name.empty() && name.front() == '@') name.remove_prefix(1);
    auto graph = std::make_unique<Graph>(std::string(name));
    Names names;
    for (std::string_view operand : split(line_.substr(open + 1, close - open - 1), ',')) {
      std::size_t colon = operand.rfind(": ");
      if (colon == std::string_view::npos || operand.empty() || operand.front() != '%')
        return error("expected an operand like %x: f32[N,4]");
      absl::StatusOr<TensorType> type = TensorType::parse(trim(operand.substr(colon + 1)));
      if (!type.ok()) return error(std::string(type.status().message()));
      std::string_view label = trim(operand.substr(0, colon));
      if (!names.emplace(std::string(label), nullptr).second)
        return error(absl::StrCat("the name ", std::string(label), " is used twice"));
      names[std::string(label)] = graph->input(*type, label.substr(1)).node;
    }
    while (true) {
      if (!next_line()) return error("expected \"}\" before the end of the text");
      if (line_ == "}") break;
      absl::Status status = statement(*graph, names);
      if (!status.ok()) return status;
    }
    --depth_;
    return graph;
  }

  absl::Status statement(Graph& graph, Names& names) {
    if (line_.substr(0, 7) == "return " || line_.substr(0, 4) == "tap ") return output(graph, names);
    if (line_.substr(0, 7) == "update ") return update(graph, names);
    std::size_t equals = line_.find(" = ");
    if (line_.front() != '%' || equals == std::string_view::npos) return error("expected %name = operation(…)");
    std::string_view label = trim(line_.substr(0, equals)), rest = trim(line_.substr(equals + 3));
    if (std::size_t colon = label.rfind(':'); colon != std::string_view::npos) label = label.substr(0, colon);
    if (names.count(std::string(label))) return error(absl::StrCat("the name ", std::string(label), " is used twice"));
    graph.set_loc(comment_);
    absl::StatusOr<Node*> node =
        rest.substr(0, 9) == "variable " ? variable(graph, rest) : operation(graph, names, rest);
    graph.set_loc("");
    if (!node.ok()) return node.status();
    names[std::string(label)] = *node;
    return absl::OkStatus();
  }

  absl::StatusOr<Value> value(const Names& names, std::string_view text) const {
    std::size_t hash = text.find('#');
    auto it = names.find(std::string(text.substr(0, hash)));
    if (it == names.end()) return error(absl::StrCat("there is no value ", std::string(text)));
    int index = 0;
    if (hash != std::string_view::npos) {
      absl::StatusOr<Attr> number = parse_attr(AttrKind::kInt, text.substr(hash + 1));
      if (!number.ok()) return error(absl::StrCat("not a result: ", std::string(text)));
      std::int64_t which = std::get<std::int64_t>(*number);
      if (which < 0 || which >= it->second->num_results())
        return error(absl::StrCat("there is no result ", std::string(text)));
      index = static_cast<int>(which);
    }
    return it->second->result(index);
  }

  absl::Status output(Graph& graph, const Names& names) {
    bool tap = line_.front() == 't';
    std::string_view rest = trim(line_.substr(tap ? 4 : 7));
    std::size_t as = rest.find(" as ");
    absl::StatusOr<Value> v = value(names, trim(rest.substr(0, as)));
    if (!v.ok()) return v.status();
    std::string name = absl::StrCat(graph.outputs().size());
    if (as != std::string_view::npos) {
      absl::StatusOr<Attr> text = parse_attr(AttrKind::kString, rest.substr(as + 4));
      if (!text.ok()) return error(std::string(text.status().message()));
      name = std::get<std::string>(*text);
    }
    graph.add_output(*v, name, tap);
    return absl::OkStatus();
  }

  absl::Status update(Graph& graph, const Names& names) {
    std::vector<std::string_view> sides = split(line_.substr(7), '=');
    if (sides.size() != 2) return error("expected update %variable = %value");
    absl::StatusOr<Value> variable = value(names, sides[0]), v = value(names, sides[1]);
    if (!variable.ok()) return variable.status();
    if (!v.ok()) return v.status();
    if (!variable->node->is("variable")) return error(absl::StrCat(std::string(sides[0]), " is no variable"));
    if (variable->type() != v->type()) {
      return error(absl::StrCat("expected an update of type ", variable->type().to_string(), ", received ",
                                v->type().to_string()));
    }
    graph.add_update(*variable, *v);
    return absl::OkStatus();
  }

  absl::StatusOr<Node*> variable(Graph& graph, std::string_view rest) {
    std::size_t colon = rest.rfind(" : ");
    if (colon == std::string_view::npos) return error("expected variable \"path\" : type");
    absl::StatusOr<Attr> path = parse_attr(AttrKind::kString, rest.substr(9, colon - 9));
    absl::StatusOr<TensorType> type = TensorType::parse(trim(rest.substr(colon + 3)));
    if (!path.ok()) return error(std::string(path.status().message()));
    if (!type.ok()) return error(std::string(type.status().message()));
    return graph.variable(*type, std::get<std::string>(*path)).node;
  }

  absl::StatusOr<Node*> operation(Graph& graph, const Names& names, std::string_view rest) {
    std::size_t open = rest.find('('), close = open == std::string_view::npos ? open : closing(rest, open);
    if (close == std::string_view::npos) return error("expected operation(…)");
    std::string_view op_name = trim(rest.substr(0, open));
    const OpDef* op = registry().find(op_name);
    if (!op) return error(absl::StrCat("there is no operation \"", std::string(op_name), "\""));
    Values operands;
    for (std::string_view name : split(rest.substr(open + 1, close - open - 1), ',')) {
      absl::StatusOr<Value> v = value(names, name);
      if (!v.ok()) return v.status();
      operands.push_back(*v);
    }
    rest = trim(rest.substr(close + 1));
    Attrs attrs;
    if (!rest.empty() && rest.front() == '{') {
      std::size_t end = closing(rest, 0);
      if (end == std::string_view::npos) return error("expected \"}\" after the attributes");
      absl::Status status = attributes(*op, rest.substr(1, end - 1), attrs);
      if (!status.ok()) return status;
      rest = trim(rest.substr(end + 1));
    }
    std::size_t line = line_number_;
    std::string written(rest), context(line_);
    std::vector<std::unique_ptr<Graph>> bodies;
    std::string loc(comment_);
    while (at_body()) {
      next_line();
      absl::StatusOr<std::unique_ptr<Graph>> body = parse_graph("body");
      if (!body.ok()) return body.status();
      bodies.push_back(*std::move(body));
    }
    graph.set_loc(loc);
    absl::StatusOr<Node*> node = graph.try_add(*op, std::move(operands), std::move(attrs), std::move(bodies));
    if (!node.ok())
      return absl::InvalidArgumentError(
          absl::StrCat("line ", line, ": ", std::string(node.status().message()), " in \"", context, "\""));
    return check_types(**node, written, line);
  }

  bool at_body() const {
    std::size_t at = at_;
    while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\n')) ++at;
    return text_.substr(at, 5) == "body " || text_.substr(at, 5) == "body(";
  }

  absl::Status attributes(const OpDef& op, std::string_view text, Attrs& attrs) const {
    for (std::string_view item : split(text, ',')) {
      std::size_t equals = item.find('=');
      std::string name(trim(item.substr(0, equals)));
      const AttrDef* def = nullptr;
      for (const AttrDef& candidate : op.attrs) def = candidate.name == name ? &candidate : def;
      if (equals == std::string_view::npos || !def)
        return error(absl::StrCat(op.name, " has no attribute \"", name, "\""));
      absl::StatusOr<Attr> attr = parse_attr(kind_of(def->fallback), item.substr(equals + 1));
      if (!attr.ok())
        return error(absl::StrCat(op.name, ": attribute \"", name, "\": ", std::string(attr.status().message())));
      attrs.set(name, *std::move(attr));
    }
    return absl::OkStatus();
  }

  // Types are inferred; a written type must agree.
  absl::StatusOr<Node*> check_types(Node& node, std::string_view written, std::size_t line) const {
    if (written.empty()) return &node;
    if (written.front() == ':') written = trim(written.substr(1));
    std::string inferred;
    for (const TensorType& type : node.result_types())
      absl::StrAppend(&inferred, inferred.empty() ? "" : ", ", type.to_string());
    if (written != inferred) {
      return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", node.op().name, " gives ", inferred,
                                                     ", the text says ", std::string(written)));
    }
    return &node;
  }

  std::string_view text_, line_, comment_;
  std::size_t at_ = 0, line_number_ = 0;
  int depth_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Graph>> parse_graph(std::string_view text) { return Parser(text).parse(); }

}  // namespace mica::ir
