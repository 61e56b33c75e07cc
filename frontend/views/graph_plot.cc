#include "frontend/views/graph_plot.h"

#include <unordered_map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"

namespace mica::views {
namespace {

// Boxes are known by their number, in bodies too.
class GraphPicture {
 public:
  PlotGraph draw(const ir::Graph& graph) {
    for (const ir::Output& output : graph.outputs()) results_.insert(source_of(output.value));
    return draw(graph, graph.name());
  }

 private:
  PlotGraph draw(const ir::Graph& graph, const std::string& name) {
    PlotGraph picture{.name = name, .nodes = {}};
    for (const auto& node : graph.nodes()) {
      if (node->bodies().empty()) {
        picture.nodes.push_back(box(*node));
      } else {
        for (const auto& body : node->bodies()) picture.clusters.push_back(draw(*body, title(*node)));
      }
      for (int i = 0; i < node->num_operands(); ++i) {
        picture.edges.emplace_back(id_of(*source_of(node->operand(i))), id_of(*destination_of(*node, i)));
      }
    }
    return picture;
  }

  static std::string title(const ir::Node& node) {
    const ir::Attr* name = node.attrs().find("name");
    return absl::StrCat(name ? std::get<std::string>(*name) : node.op().name, "  ", node.loc());
  }

  PlotNode box(const ir::Node& node) {
    const bool given = !node.name_hint().empty();
    PlotNode box{.id = id_of(node),
                 .name = given ? node.name_hint() : node.op().name,
                 .class_name = given ? node.op().name : node.loc(),
                 .role = results_.contains(&node) ? PlotRole::kOutput
                         : node.is("input")       ? PlotRole::kInput
                                                  : PlotRole::kInner};
    for (const ir::TensorType& type : node.result_types()) {
      absl::StrAppend(&box.output_shape, box.output_shape.empty() ? "" : ", ", type.to_string());
    }
    return box;
  }

  // The box that a value comes from: of a group, the one in its body. Bodies hand out at least the node's results.
  static const ir::Node* source_of(ir::Value value) {
    while (!value.node->bodies().empty())
      value = value.node->body().outputs()[static_cast<std::size_t>(value.index)].value;
    return value.node;
  }
  // The box that takes operand i of a node.
  static const ir::Node* destination_of(const ir::Node& node, int i) {
    return node.bodies().empty() ? &node : node.body().inputs()[static_cast<std::size_t>(i)];
  }

  std::string id_of(const ir::Node& node) {
    return absl::StrCat(numbers_.try_emplace(&node, numbers_.size()).first->second);
  }

  std::unordered_map<const ir::Node*, std::size_t> numbers_;
  std::unordered_set<const ir::Node*> results_;
};

}  // namespace

PlotGraph picture_of(const ir::Graph& graph) { return GraphPicture().draw(graph); }

}  // namespace mica::views
