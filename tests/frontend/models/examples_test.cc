// The example models against real Keras: outputs, every activation, and the weights after five steps of Adam
// (tests/fixtures/README.md).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "examples/models/autoencoder.h"
#include "examples/models/digits.h"
#include "examples/models/ensemble.h"
#include "examples/models/shared_embedding.h"
#include "examples/models/ticket.h"
#include "examples/models/toy_resnet.h"

namespace mica {
namespace {

struct Example {
  const char* name;
  Model (*make)();  // without dropout: Keras' numbers have none
};

const Example kExamples[] = {
    {"digits", [] { return examples::digits(0); }},
    {"ticket", [] { return examples::ticket(); }},
    {"autoencoder", [] { return examples::autoencoder(); }},
    {"shared_embedding", [] { return examples::shared_embedding(); }},
    {"toy_resnet", [] { return examples::toy_resnet(0); }},
    {"ensemble", [] { return examples::ensemble(); }},
};

class ExampleTest : public ::testing::TestWithParam<Example> {
 protected:
  void SetUp() override {
    clear_session();
    std::string path = std::string(MICA_SOURCE_DIR) + "/tests/fixtures/models/" + GetParam().name;
    arrays_ = load_npz(path + ".npz");
    std::ifstream(path + ".json") >> meta_;
    model_ = GetParam().make();
    for (const Variable& weight : model_.weights()) Variable(weight).assign(arrays_.at("weights/" + weight.path()));
  }

  // The arrays under "x/", "y/" …, rows [begin, end) where they are given, by input or output name.
  TensorDict group(const std::string& prefix, std::int64_t begin = 0, std::int64_t end = -1) const {
    TensorDict group;
    for (const auto& [key, value] : arrays_) {
      if (key.starts_with(prefix))
        group.set(key.substr(prefix.size()), end < 0 ? value : value.narrow(0, begin, end - begin));
    }
    return group;
  }

  Loss loss_of(const std::string& output) const {
    const auto& spec = meta_["loss"][output];
    bool from_logits = spec.value("from_logits", false);
    if (spec["class"] == "SparseCategoricalCrossentropy")
      return SparseCategoricalCrossentropy({.from_logits = from_logits});
    if (spec["class"] == "CategoricalCrossentropy") return CategoricalCrossentropy({.from_logits = from_logits});
    if (spec["class"] == "BinaryCrossentropy") return BinaryCrossentropy({.from_logits = from_logits});
    return MeanSquaredError();
  }

  void compile() const {
    std::vector<std::string> outputs = meta_["outputs"];
    if (outputs.size() == 1) return model_.compile({.optimizer = Adam(1e-3), .loss = loss_of(outputs[0])});
    ASSERT_EQ(outputs.size(), 2u);
    model_.compile({.optimizer = Adam(1e-3),
                    .loss = {{outputs[0], loss_of(outputs[0])}, {outputs[1], loss_of(outputs[1])}},
                    .loss_weights = {{outputs[0], meta_["loss_weights"][outputs[0]]},
                                     {outputs[1], meta_["loss_weights"][outputs[1]]}}});
  }

  TensorDict arrays_;
  nlohmann::json meta_;
  Model model_;
};

void expect_near(const std::string& what, const Tensor& got, const Tensor& want, double absolute, double relative) {
  std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_LE(std::abs(a[i] - b[i]), absolute + relative * std::abs(b[i]))
        << what << "[" << i << "] got " << a[i] << ", want " << b[i];
  }
}

TEST_P(ExampleTest, OutputsAreThoseOfKeras) {
  TensorDict outputs = model_.predict_dict(group("inputs/"));
  for (const auto& [name, want] : group("outputs/")) expect_near(name, outputs.at(name), want, 1e-5, 1e-5);
}

TEST_P(ExampleTest, ActivationsAreThoseOfKeras) {
  TensorDict taps = model_.trace(group("inputs/"));
  for (const auto& [key, want] : group("activations/")) expect_near(key, taps.at(key), want, 1e-5, 1e-5);
}

TEST_P(ExampleTest, FiveStepsOfAdamLeadToTheWeightsOfKeras) {
  compile();
  std::vector<double> losses = arrays_.at("losses").to_vector<double>();
  std::int64_t batch = meta_["batch_size"];
  for (std::size_t step = 0; step < losses.size(); ++step) {
    std::int64_t begin = static_cast<std::int64_t>(step) * batch;
    Logs logs = model_.train_on_batch(group("x/", begin, begin + batch), group("y/", begin, begin + batch));
    EXPECT_NEAR(logs["loss"], losses[step], 1e-5 * (1 + std::abs(losses[step]))) << "step " << step;
  }
  for (const auto& weight : meta_["weights"]) {
    std::string path = weight["path"];
    double tolerance = std::max(2e-5, 2 * weight["float32_drift"].get<double>());
    for (const Variable& variable : model_.weights()) {
      if (variable.path() == path) expect_near(path, variable, arrays_.at("final/" + path), tolerance, 0);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Keras, ExampleTest, ::testing::ValuesIn(kExamples),
                         [](const auto& example) { return std::string(example.param.name); });

// What the fuser must reach: one step for each contraction and pool, nothing elementwise beside a producer that could
// take it.
TEST(ExampleSteps, DigitsNeedOneForEachConvolutionPoolAndDenseLayer) {
  std::string program = examples::digits().dump(Stage::kProgram);
  EXPECT_NE(program.find(" 5 run steps"), std::string::npos) << program;
}

TEST(ExampleSteps, ResidualSumsAreEpilogues) {  // 7 convolutions, 2 pools, 2 dense layers
  std::string program = examples::toy_resnet().dump(Stage::kProgram);
  EXPECT_NE(program.find(" 11 run steps"), std::string::npos) << program;
}

TEST(ExampleSteps, TheAutoencoderNeedsNoReshape) {  // 4 convolutions, 4 transposed ones, 2 pools, 1 upsampling
  std::string program = examples::autoencoder().dump(Stage::kProgram);
  EXPECT_NE(program.find(" 11 run steps"), std::string::npos) << program;
}

TEST(ExampleSteps, TheTicketModelNeedsTwelveAtMost) {
  std::string program = examples::ticket().dump(Stage::kProgram);
  std::size_t at = program.find(" run steps");
  ASSERT_NE(at, std::string::npos);
  EXPECT_LE(std::stoi(program.substr(program.rfind(' ', at - 1))), 12) << program;
}

}  // namespace
}  // namespace mica
