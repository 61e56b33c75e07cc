// Training of real Keras' files: history, weights, optimizer slots, evaluation and predictions after `mica fit`.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "frontend/files/keras_training.h"
#include "frontend/graph/variable.h"
#include "frontend/mica/model.h"
#include "tests/fixtures_keras/case.h"

namespace mica::keras_fixtures {
namespace {

using nlohmann::json;

json read_json(const std::string& path) {
  std::ifstream file(path);
  return json::parse(file);
}

std::string number_text(double value) {
  std::ostringstream text;
  text.precision(8);
  text << value;
  return text.str();
}

// Near zero a relative difference says nothing: numbers below this count as this large.
constexpr double kSmallest = 1e-3;

std::string number_fault(double received, double expected, double rtol) {
  if (std::abs(received - expected) <= rtol * std::max(std::abs(expected), kSmallest)) return "";
  return number_text(received) + " instead of " + number_text(expected);
}

template <class Items>
std::string keys_of(const Items& items) {
  std::string text;
  for (const auto& item : items.items()) text += (text.empty() ? "" : ", ") + item.key();
  return text;
}

std::string keys_fault(const json& received, const json& expected) {
  std::string got = keys_of(received), wanted = keys_of(expected);  // sorted by the JSON library
  return got == wanted ? "" : "keys " + got + " instead of " + wanted;
}

std::string history_fault(const json& received, const json& expected, double rtol) {
  if (std::string fault = keys_fault(received, expected); !fault.empty()) return fault;
  for (const auto& [key, values] : expected.items()) {
    const json& got = received.at(key);
    if (got.size() != values.size()) return key + ": " + std::to_string(got.size()) + " epochs";
    for (std::size_t epoch = 0; epoch < values.size(); ++epoch) {
      std::string fault = number_fault(got[epoch], values[epoch], rtol);
      if (!fault.empty()) return key + " of epoch " + std::to_string(epoch + 1) + ": " + fault;
    }
  }
  return "";
}

std::string logs_fault(const json& received, const json& expected, double rtol) {
  if (std::string fault = keys_fault(received, expected); !fault.empty()) return fault;
  for (const auto& [key, value] : expected.items()) {
    if (std::string fault = number_fault(received.at(key), value, rtol); !fault.empty()) return key + ": " + fault;
  }
  return "";
}

// The arrays of a role under the names that the commands take: `prefix` alone for a single one.
void add_role(const Arrays& arrays, const json& role, const std::string& prefix, const std::string& separator,
              const std::vector<std::string>& names, Arrays& into) {
  auto key_of = [&](const std::string& name) { return prefix.empty() ? name : prefix + separator + name; };
  if (role.is_string()) {
    into.emplace(prefix.empty() ? names.at(0) : prefix, arrays.at(role));
  } else if (role.is_array()) {
    for (std::size_t i = 0; i < role.size(); ++i) into.emplace(key_of(names.at(i)), arrays.at(role[i]));
  } else {
    for (const auto& [name, key] : role.items()) into.emplace(key_of(name), arrays.at(key));
  }
}

class TrainedCase {
 public:
  explicit TrainedCase(const Case& c) : case_(c), spec_(read_json(c.path("train.json"))) {}

  std::string fault() {
    ProcessResult result =
        run_mica({"fit", case_.path("initial.keras"), "--data", case_.path("train.npz"), "--options",
                  case_.path("train.json"), "--history", files_ / "history.json", "--output", trained_, "--quiet"});
    if (std::string fault = failure(result); !fault.empty()) return fault;
    std::string fault = history_fault(read_json(files_ / "history.json"), spec_.at("history"), rtol());
    if (!fault.empty()) return "history: " + fault;
    if (fault = variables_fault(); !fault.empty()) return fault;
    if (fault = evaluation_fault(); !fault.empty()) return "evaluate: " + fault;
    if (fault = prediction_fault(); !fault.empty()) return "predict: " + fault;
    return "";
  }

 private:
  double rtol() const { return spec_.at("history_rtol"); }
  Tolerance tolerance() const { return {.rtol = 0, .atol = spec_.at("weights_atol")}; }
  const std::vector<std::string>& input_names() {
    if (input_names_.empty()) input_names_ = load_model(trained_).input_names();
    return input_names_;
  }

  // Weights by path, the optimizer's variables by number: their names are those of the other library.
  std::string variables_fault() {
    const Model model = load_model(trained_);
    Arrays received;
    for (const Variable& variable : model.weights()) received.emplace(variable.path(), variable.cell()->array());
    const std::optional<files::SavedObject> optimizer = files::saved_optimizer(model);
    const Parameters slots = optimizer ? optimizer->variables : Parameters();
    Arrays expected;
    for (auto& [key, array] : case_.arrays("final.npz")) {
      const bool is_slot = key.starts_with("optimizer/");
      const std::string name = is_slot ? key.substr(0, key.find(':')) : key;
      expected.emplace(name, array);
    }
    for (std::size_t i = 0; i < slots.size(); ++i)
      received.emplace("optimizer/" + std::to_string(i), slots[i].cell()->array());
    return difference(received, expected, tolerance());
  }

  std::string evaluation_fault() {
    const Arrays arrays = case_.arrays("train.npz");
    const json& roles = spec_.at("arrays");
    Arrays data;
    add_role(arrays, roles.at("x"), "x", ":", input_names(), data);
    add_role(arrays, roles.at("y"), "y", ":", load_model(trained_).output_names(), data);
    write_arrays(files_ / "test.npz", data);
    const std::string batch_size = std::to_string(spec_.at("fit").value("batch_size", 32));
    ProcessResult result =
        run_mica({"evaluate", trained_, "--data", files_ / "test.npz", "--batch-size", batch_size, "--json"});
    if (std::string fault = failure(result); !fault.empty()) return fault;
    return logs_fault(json::parse(result.out), spec_.at("evaluate"), rtol());
  }

  std::string prediction_fault() {
    Arrays inputs;
    add_role(case_.arrays("train.npz"), spec_.at("arrays").at("x"), "", "", input_names(), inputs);
    write_arrays(files_ / "in.npz", inputs);
    ProcessResult result = run_mica({"run", trained_, "--inputs", files_ / "in.npz", "--output", files_ / "out.npz"});
    if (std::string fault = failure(result); !fault.empty()) return fault;
    const Tolerance of_outputs{.rtol = rtol(), .atol = tolerance().atol};
    return difference(read_arrays(files_ / "out.npz"), case_.arrays("predict.npz"), of_outputs);
  }

  const Case& case_;
  const json spec_;
  Workspace files_;
  const std::string trained_ = files_ / "trained.keras";
  std::vector<std::string> input_names_;
};

TEST(KerasTrainFixtures, EndWithKerasNumbers) {
  check_cases("train", "keras train", [](const Case& c) { return TrainedCase(c).fault(); });
}

}  // namespace
}  // namespace mica::keras_fixtures
