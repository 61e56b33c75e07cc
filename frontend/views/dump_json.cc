#include "frontend/views/dump_json.h"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "compiler/graph/location.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/value.h"

namespace mica::views {
namespace {

using Json = nlohmann::ordered_json;

Json types_of(const ir::Types& types) {
  Json list = Json::array();
  for (const ir::TensorType& type : types) list.push_back(type.to_string());
  return list;
}

// Where it comes from: the layer, and what it does for the layer.
void add_location(Json& json, const std::string& location) {
  if (location.empty()) return;
  json["layer"] = ir::layer_of(location);
  if (ir::Role role = ir::role_of(location); role != ir::Role::kForward) json["role"] = ir::name_of(role);
}

std::string text_of(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

// Numbers the values of a graph: %0 …, inputs and variables too.
class GraphJson {
 public:
  explicit GraphJson(const ir::Graph& graph, const std::string& note = {}) {
    json_["graph"] = graph.name();
    if (!note.empty()) json_["note"] = note;
    for (const ir::Node* input : graph.inputs()) json_["inputs"].push_back(add(*input));
    for (const auto& node : graph.nodes()) {
      if (!node->is("input")) json_["nodes"].push_back(add(*node));
    }
    for (const ir::Output& output : graph.outputs()) json_["outputs"].push_back(output_json(output));
  }
  Json take() { return std::move(json_); }

 private:
  std::string value(ir::Value value) const {
    std::string name = absl::StrCat("%", numbers_.at(value.node));
    return value.node->num_results() == 1 ? name : absl::StrCat(name, "#", value.index);
  }

  Json add(const ir::Node& node) {
    Json json{{"value", absl::StrCat("%", numbers_.size())}, {"op", node.op().name}};
    numbers_.emplace(&node, numbers_.size());
    if (!node.name_hint().empty()) json["name"] = node.name_hint();
    for (const auto& [name, attr] : node.attrs().items()) json["attributes"][name] = ir::to_string(attr);
    for (const ir::Value& operand : node.operands()) json["operands"].push_back(value(operand));
    json["types"] = types_of(node.result_types());
    add_location(json, node.loc());
    for (const auto& body : node.bodies()) json["bodies"].push_back(GraphJson(*body).take());
    return json;
  }

  Json output_json(const ir::Output& output) const {
    Json json{{"value", value(output.value)}};
    if (output.target) {
      json["updates"] = output.target->name_hint();
    } else {
      json[output.tap ? "tap" : "name"] = output.name;
    }
    return json;
  }

  Json json_;
  std::unordered_map<const ir::Node*, std::size_t> numbers_;
};

Json buffer_json(const program::PlanBuffer& buffer) {
  Json json{{"name", buffer.name}, {"space", program::space_name(buffer.space)}, {"type", buffer.type.to_string()}};
  if (buffer.space == MICA_ARENA) json["live"] = {buffer.first_step, buffer.last_step};
  if (buffer.link >= 0) json[buffer.space == MICA_VIEW ? "views" : "variable"] = buffer.link;
  return json;
}

Json step_json(const program::Plan& plan, const program::PlanStep& step) {
  Json json{{"step", program::step_name(plan, step)}, {"operands", Json::array()}, {"results", Json::array()}};
  for (std::size_t i = 0; i < step.args.size(); ++i)
    json[step.writes[i] ? "results" : "operands"].push_back(step.args[i]);
  if (step.kind == MICA_KERNEL) json["range"] = step.extent.to_string();
  add_location(json, step.layer);
  if (step.kind == MICA_LOOP) {
    for (const program::PlanStep& inner : plan.loops[static_cast<std::size_t>(step.callee)].steps)
      json["steps"].push_back(step_json(plan, inner));
  }
  return json;
}

}  // namespace

std::string to_json(const std::string& model, const internal::ModelGraph& graph) {
  Json json{{"model", model}};
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    json["inputs"].push_back({{"name", graph.input_names[i]}, {"type", internal::describe(graph.inputs[i]->type)}});
  }
  for (std::size_t i = 0; i < graph.calls.size(); ++i) {
    const internal::Call& call = *graph.calls[i];
    Json inputs = Json::array(), types = Json::array();
    for (const internal::ValueRef& input : call.inputs) inputs.push_back(internal::value_key(graph, *input));
    for (const ir::TensorType& type : call.result_types) types.push_back(internal::describe(type));
    json["calls"].push_back({{"key", graph.steps[i]},
                             {"class", internal::class_of(call)},
                             {"inputs", std::move(inputs)},
                             {"types", std::move(types)}});
  }
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    json["outputs"].push_back(
        {{"name", graph.output_names[i]}, {"value", internal::value_key(graph, *graph.outputs[i])}});
  }
  return text_of(json);
}

std::string to_json(const ir::Graph& graph, const std::string& note) { return text_of(GraphJson(graph, note).take()); }

std::string to_json(const program::Plan& plan, const std::string& note) {
  Json json{{"program", plan.name}};
  if (!note.empty()) json["note"] = note;
  for (const char* list : {"buffers", "init", "run"}) json[list] = Json::array();
  for (const program::PlanBuffer& buffer : plan.buffers) json["buffers"].push_back(buffer_json(buffer));
  for (const program::PlanStep& step : plan.init) json["init"].push_back(step_json(plan, step));
  for (const program::PlanStep& step : plan.run) json["run"].push_back(step_json(plan, step));
  for (std::size_t i = 0; i < plan.results.size(); ++i) {
    json["results"].push_back({{"name", plan.result_names[i]}, {"buffer", plan.results[i]}});
  }
  return text_of(json);
}

}  // namespace mica::views
