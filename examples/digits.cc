// The main job: describe a network for handwritten digits, look at it, compile it and look at every stage of the
// compiler, train it, and take features from its inside. What it writes lies in build/digits/ (or --output DIR).
#include "models/digits.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "digits/dataset.h"

using namespace mica;
namespace fs = std::filesystem;

namespace {

struct Arguments {
  std::string data = MICA_DATA "/mnist", output = "build/digits";
  bool data_given = false;
  int epochs = 2;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string name = argv[i];
    bool has_value = i + 1 < argc;
    if (name == "--data" && has_value) {
      arguments.data = argv[++i];
      arguments.data_given = true;
    } else if (name == "--output" && has_value) {
      arguments.output = argv[++i];
    } else if (name == "--epochs" && has_value) {
      arguments.epochs = std::stoi(argv[++i]);
    } else {
      throw Error(
          {.where = "digits", .expected = "--data DIR, --output DIR or --epochs N", .received = name, .hint = {}});
    }
  }
  return arguments;
}

examples::Digits load(const Arguments& arguments) {
  if (arguments.data_given || fs::exists(arguments.data)) return examples::load_mnist(arguments.data);
  std::printf(
      "\n*** %s is not there: drawing digits instead of reading MNIST. Give --data DIR for the real files. ***\n\n",
      arguments.data.c_str());
  return examples::draw_digits(12000, 2000);
}

// Every stage of the compiler as one file, named in the order of the road.
void dump_stages(const Model& model, const fs::path& folder) {
  const std::pair<const char*, Stage> stages[] = {
      {"1-calls", Stage::kCalls}, {"2-graph", Stage::kGraph}, {"3-fused", Stage::kFused},    {"4-loop", Stage::kLoop},
      {"5-llvm", Stage::kLlvm},   {"6-asm", Stage::kAsm},     {"7-program", Stage::kProgram}};
  fs::create_directories(folder);
  for (const auto& [name, stage] : stages) std::ofstream(folder / (std::string(name) + ".txt")) << model.dump(stage);
}

int run(const Arguments& arguments) {
  fs::path output = arguments.output;
  fs::create_directories(output);
  set_random_seed(1);

  Model model = examples::digits();
  std::cout << model.summary();
  model.plot((output / "model.svg").string());
  dump_stages(model, output / "dumps");
  std::cout << model.dump(Stage::kFused) << "\n";

  examples::Digits digits = load(arguments);
  std::printf("data: %s\n", digits.source.c_str());
  model.compile(
      {.optimizer = Adam(1e-3), .loss = SparseCategoricalCrossentropy({.from_logits = true}), .metrics = {"accuracy"}});
  model.fit(
      digits.train_images, digits.train_labels,
      {.batch_size = 128, .epochs = arguments.epochs, .validation_data = {digits.test_images, digits.test_labels}});

  // The same nodes, the same weights: nothing is copied, and only what leads to the features is compiled.
  Model features(model.inputs(), model.get_layer("flatten").output(), {.name = "features"});
  Tensor rows = features.predict(digits.test_images, {.batch_size = 500});
  save_npz((output / "features.npz").string(), {{"features", rows}, {"labels", digits.test_labels}});
  plot_features((output / "features.svg").string(), rows, digits.test_labels,
                {.title = "Features of the test set, two principal components"});

  std::printf("wrote %s, %s, %s and %s\n", (output / "model.svg").c_str(), (output / "dumps").c_str(),
              (output / "features.npz").c_str(), (output / "features.svg").c_str());
  Logs result = model.evaluate(digits.test_images, digits.test_labels, {.batch_size = 500, .verbose = 0});
  std::printf("test accuracy: %.2f %%\n", 100 * result["accuracy"]);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const Error& error) {
    std::fprintf(stderr, "digits: error: %s\n", error.what());
    return 1;
  }
}
