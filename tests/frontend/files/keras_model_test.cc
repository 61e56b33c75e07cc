// Real files of Keras: outputs, configurations as Keras writes them, and what is refused.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "frontend/files/json.h"
#include "frontend/files/keras_archive.h"
#include "frontend/files/keras_object.h"
#include "frontend/mica/io.h"
#include "frontend/mica/layers.h"
#include "tests/frontend/files/file_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

const fs::path kFixtures = fs::path(MICA_FIXTURES) / "keras";

std::vector<std::string> cases_of(const char* kind) {
  std::vector<std::string> names;
  if (!fs::exists(kFixtures / kind)) return names;
  for (const auto& entry : fs::directory_iterator(kFixtures / kind)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

std::string model_of(const char* kind, const std::string& name) { return kFixtures / kind / name / "model.keras"; }

Json json_of(const fs::path& path) { return Json::parse(std::ifstream(path)); }

// What Keras says by leaving something out, or in a second way, is said in one way.
Json normalized(const Json& value) {
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& item : value) list.push_back(normalized(item));
    return list;
  }
  if (!value.is_object()) return value;
  Json object = Json::object();
  for (const auto& [key, item] : value.items()) {
    bool derived = key == "build_config" || key == "compile_config" || key == "shared_object_id";
    bool no_masks = key == "mask" && item == Json::array({nullptr, nullptr});
    if (derived || no_masks || (item.is_null() && key != "registered_name")) continue;
    object[key] = normalized(item);
  }
  return object;
}

Json written_config(const Model& model) { return Json::parse(files::layer_object(model).to_json()); }
Json fixture_config(const std::string& path) { return Json::parse(files::open_keras(path)->config.to_json()); }

void expect_near(const Tensor& actual, const Tensor& expected, double rtol, double atol, const std::string& where) {
  ASSERT_EQ(actual.shape(), expected.shape()) << where;
  std::vector<double> a = actual.to_vector<double>(), b = expected.to_vector<double>();
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_LE(std::abs(a[i] - b[i]), atol + rtol * std::abs(b[i]))
        << where << " at " << i << ": " << a[i] << ", " << b[i];
  }
}

// Structures of graphs: what is special in each is in its name.
const char* const kGraphs[] = {"dense_basic",
                               "bidirectional_masked",
                               "embedding_mask_zero_lstm",
                               "lstm_state",
                               "masking_lstm",
                               "rnn_stacked_cells",
                               "time_distributed_model",
                               "mlp_softmax",
                               "diamond_chain",
                               "dict_inputs_outputs",
                               "fan_out",
                               "functional_in_sequential",
                               "input_is_output",
                               "multi_in_out",
                               "names_with_odd_characters",
                               "nested_deep_shared",
                               "nested_model_is_output",
                               "nested_model_twice",
                               "nested_multi_io",
                               "nested_structure_io",
                               "ops_arithmetic",
                               "ops_layer_name_clash",
                               "ops_slicing",
                               "same_output_twice",
                               "sequential_in_functional_twice",
                               "sequential_top",
                               "shared_dense_twice",
                               "shared_recursive",
                               "static_batch",
                               "submodel_from_intermediate",
                               "unused_input_and_branch",
                               "variable_batch"};

class KerasGraph : public files::TempFolder, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (!fs::exists(kFixtures)) GTEST_SKIP() << "NOT TESTED: no fixtures at " << kFixtures;
    fixture_ = kFixtures / "infer" / GetParam();
  }
  std::string file() const { return fixture_ / "model.keras"; }
  fs::path fixture_;
};

TEST_P(KerasGraph, ComputesWhatKerasDoes) {
  Json meta = json_of(fixture_ / "meta.json");
  Model model = load_model(file());
  Tensors outputs = model.predict_all(load_npz((fixture_ / "inputs.npz").string()));
  TensorDict expected = load_npz((fixture_ / "outputs.npz").string());
  std::map<std::string, int> seen;
  std::vector<std::string> names = model.output_names();
  ASSERT_EQ(outputs.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    int repetition = seen[names[i]]++;
    std::string key = repetition == 0 ? names[i] : names[i] + ":" + std::to_string(repetition);
    expect_near(outputs[i], expected[key], meta["rtol"], meta["atol"], key);
  }
}

TEST_P(KerasGraph, ConfigIsWrittenAsKerasDoes) {
  EXPECT_EQ(normalized(written_config(load_model(file()))), normalized(fixture_config(file())));
}

TEST_P(KerasGraph, SavedAndLoadedIsTheSame) {
  Model model = load_model(file());
  std::string saved = path("again.keras");
  model.save(saved);
  Model again = load_model(saved);
  EXPECT_EQ(written_config(again), written_config(model));
  Parameters before = model.weights(), after = again.weights();
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].path(), before[i].path());
    EXPECT_EQ(after[i].to_vector(), before[i].to_vector()) << before[i].path();
  }
}

TEST_P(KerasGraph, WeightsLieWhereKerasPutsThem) {
  std::string saved = path("again.keras");
  load_model(file()).save(saved);
  auto datasets = [](const std::string& name) {
    std::vector<std::string> texts;
    files::KerasArchive archive = *files::open_keras(name);
    std::vector<files::hdf5::Dataset> all = *archive.weights.datasets();
    for (const files::hdf5::Dataset& dataset : all) {
      texts.push_back(dataset.path() + " " + Shape(dataset.shape()).to_string());
    }
    return texts;
  };
  EXPECT_EQ(datasets(saved), datasets(file()));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, KerasGraph, testing::ValuesIn(kGraphs),
                         [](const auto& test) { return std::string(test.param); });

class KerasBad : public testing::TestWithParam<std::string> {};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Layer names of up to three letters must be words of their own.
bool mentions(const std::string& message, const std::string& word) {
  std::string text = lower(message), wanted = lower(word);
  for (std::size_t at = text.find(wanted); at != text.npos; at = text.find(wanted, at + 1)) {
    auto is_letter = [&](std::size_t i) {
      return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
    };
    if (wanted.size() > 3 || (!(at > 0 && is_letter(at - 1)) && !is_letter(at + wanted.size()))) return true;
  }
  return false;
}

TEST_P(KerasBad, IsRefusedQuicklyWithTheRightWords) {
  fs::path folder = kFixtures / "bad" / GetParam();
  Json expected = json_of(folder / "expected.json");
  auto start = std::chrono::steady_clock::now();
  std::string message = error_of([&] { load_model((folder / "model.keras").string()); });
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_NE(message, "");
  EXPECT_LT(seconds, 1.0);
  for (const Json& word : expected["must_mention"]) EXPECT_TRUE(mentions(message, word)) << word << " in: " << message;
  if (!expected.contains("must_mention_any")) return;
  bool any = false;
  for (const Json& word : expected["must_mention_any"]) any = any || mentions(message, word);
  EXPECT_TRUE(any) << expected["must_mention_any"] << " in: " << message;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KerasBad);
INSTANTIATE_TEST_SUITE_P(Fixtures, KerasBad, testing::ValuesIn(cases_of("bad")),
                         [](const auto& test) { return test.param; });

TEST(KerasRefused, CodeAndUnknownClasses) {
  if (!fs::exists(kFixtures)) GTEST_SKIP() << "NOT TESTED: no fixtures at " << kFixtures;
  for (const char* name : {"reject_custom_activation", "reject_custom_layer", "reject_lambda"}) {
    std::string message = error_of([&] { load_model(model_of("infer", name)); });
    Json meta = json_of(kFixtures / "infer" / name / "meta.json");
    for (const Json& word : meta["must_mention"]) EXPECT_TRUE(mentions(message, word)) << word << " in: " << message;
  }
}

}  // namespace
}  // namespace mica
