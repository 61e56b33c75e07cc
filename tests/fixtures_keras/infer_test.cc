// Inference of real Keras' files: outputs, second runs, every activation, other batches, steps of the Program.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/fixtures_keras/case.h"

namespace mica::keras_fixtures {
namespace {

Tolerance for_activations(const Tolerance& tolerance) { return {tolerance.rtol, 2 * tolerance.atol}; }

// "inputs", "inputs2" …: what one `mica run` takes in order.
ProcessResult run_on(const Case& c, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                     std::vector<std::string> more, const std::vector<std::string>& environment = {}) {
  std::vector<std::string> arguments = {"run", c.path("model.keras")};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    arguments.insert(arguments.end(), {"--inputs", inputs[i], "--output", outputs[i]});
  }
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_mica(arguments, environment);
}

// Where a tap and an output of another value share a key, the file has the tap.
Arrays outputs_beside_taps(const Arrays& outputs, const Arrays& activations) {
  Arrays visible;
  for (const auto& [key, array] : outputs) {
    if (!activations.contains(key)) visible.emplace(key, array);
  }
  return visible;
}

std::string refusal_fault_of(const Case& c) {
  Workspace files;
  Arrays none;
  write_arrays(files / "in.npz", none);
  ProcessResult result = run_on(c, {files / "in.npz"}, {files / "out.npz"}, {});
  return refusal_fault(result, c.meta().must_mention);
}

std::string run_with_taps(const Case& c, const std::vector<std::string>& environment) {
  if (c.meta().is_rejected) return refusal_fault_of(c);
  Workspace files;
  std::vector<std::string> inputs = {c.path("inputs.npz")}, outputs = {files / "out.npz"};
  if (c.has_second_run()) {
    inputs.push_back(c.path("inputs2.npz"));
    outputs.push_back(files / "out2.npz");
  }
  ProcessResult result = run_on(c, inputs, outputs, {"--tap", "all"}, environment);
  if (std::string fault = failure(result); !fault.empty()) return fault;

  const Arrays received = read_arrays(outputs[0]), activations = c.arrays("activations.npz");
  std::string fault =
      difference(received, outputs_beside_taps(c.arrays("outputs.npz"), activations), c.meta().tolerance);
  if (!fault.empty()) return "output " + fault;
  fault = difference(received, activations, for_activations(c.meta().tolerance));
  if (!fault.empty()) return "activation " + fault;
  if (!c.has_second_run()) return "";
  fault = difference(read_arrays(outputs[1]), outputs_beside_taps(c.arrays("outputs2.npz"), activations),
                     c.meta().tolerance);
  return fault.empty() ? "" : "second run: output " + fault;
}

// The first `rows` rows of x repeated over and over.
rt::Array tiled(const rt::Array& x, std::int64_t rows) {
  std::vector<std::int64_t> dims = x.dims();
  const std::int64_t count = dims[0], row_bytes = count == 0 ? 0 : x.bytes() / count;
  dims[0] = rows;
  rt::Array result = rt::Array::uninitialized(x.dtype(), dims);
  for (std::int64_t row = 0; row < rows; ++row) {
    std::memcpy(result.as<char>() + row * row_bytes, x.as<char>() + row % count * row_bytes,
                static_cast<std::size_t>(row_bytes));
  }
  return result;
}

Arrays tiled(const Arrays& arrays, std::int64_t rows) {
  Arrays result;
  for (const auto& [key, array] : arrays) result.emplace(key, tiled(array, rows));
  return result;
}

bool has_rows(const Arrays& arrays, std::int64_t rows) {
  return std::all_of(arrays.begin(), arrays.end(),
                     [&](const auto& item) { return !item.second.dims().empty() && item.second.dims()[0] == rows; });
}

// 1 row and 33: the fixture's rows where rows are independent, else what the double reference says.
std::string run_on_rows(const Case& c, std::int64_t rows) {
  Workspace files;
  const Arrays inputs = c.arrays("inputs.npz"), outputs = c.arrays("outputs.npz");
  const std::int64_t batch = c.meta().batch;
  if (!has_rows(inputs, batch)) return "";
  write_arrays(files / "in.npz", tiled(inputs, rows));
  ProcessResult result = run_on(c, {files / "in.npz"}, {files / "out.npz"}, {});
  if (std::string fault = failure(result); !fault.empty()) return fault;
  const Arrays received = read_arrays(files / "out.npz");
  if (has_rows(outputs, batch) && difference(received, tiled(outputs, rows), c.meta().tolerance).empty()) return "";
  result = run_on(c, {files / "in.npz"}, {files / "reference.npz"}, {"--device", "reference"});
  if (std::string fault = failure(result); !fault.empty()) return "reference: " + fault;
  return difference(received, read_arrays(files / "reference.npz"), c.meta().tolerance);
}

std::string run_on_other_batches(const Case& c) {
  if (c.meta().is_rejected || !c.meta().has_open_batch) return "";
  for (std::int64_t rows : {1, 33}) {
    std::string fault = run_on_rows(c, rows);
    if (!fault.empty()) return std::to_string(rows) + " rows: " + fault;
  }
  return "";
}

// Kernels, library calls, copies, and loops over them: nothing that interprets.
std::string fault_of_step(const nlohmann::json& step) {
  const std::string text = step.at("step");
  if (text.starts_with("loop ")) {
    for (const auto& inner : step.at("steps")) {
      if (std::string fault = fault_of_step(inner); !fault.empty()) return fault;
    }
    return "";
  }
  bool compiled = text.starts_with("kernel ") || text.starts_with("onednn.") || text == "copy";
  return compiled ? "" : "a step \"" + text + "\"";
}

std::string steps_fault(const Case& c) {
  if (c.meta().is_rejected) return "";
  ProcessResult result = run_mica({"dump", c.path("model.keras"), "--stage", "program", "--format", "json"});
  if (std::string fault = failure(result); !fault.empty()) return fault;
  const nlohmann::json program = nlohmann::json::parse(result.out);
  for (const char* part : {"init", "run"}) {
    for (const auto& step : program.at(part)) {
      if (std::string fault = fault_of_step(step); !fault.empty()) return fault;
    }
  }
  return "";
}

TEST(KerasInferFixtures, OnTheBestLevel) {
  check_cases("infer", "keras infer", [](const Case& c) { return run_with_taps(c, {}); });
}

TEST(KerasInferFixtures, OnAvx2) {
  check_cases("infer", "keras infer, x86-64-v3",
              [](const Case& c) { return run_with_taps(c, {"MICA_CPU=x86-64-v3"}); });
}

TEST(KerasInferFixtures, OfOneAndOf33Rows) { check_cases("infer", "keras infer, 1 and 33 rows", run_on_other_batches); }

TEST(KerasInferFixtures, AreCompiledSteps) { check_cases("infer", "keras infer, compiled steps", steps_fault); }

}  // namespace
}  // namespace mica::keras_fixtures
