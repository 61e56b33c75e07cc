// Loads weights that real Keras saved for networks of its applications and compares the outputs: 1e-4 of the largest.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>

#include "frontend/mica/mica.h"

namespace mica {
namespace {

using Make = Model (*)(applications::ApplicationOptions);

const std::map<std::string, Make>& networks() {
  static const std::map<std::string, Make> all = {
      {"VGG16", applications::VGG16},
      {"ResNet50", applications::ResNet50},
      {"MobileNetV2", applications::MobileNetV2},
      {"DenseNet121", applications::DenseNet121},
      {"EfficientNetB0", applications::EfficientNetB0},
  };
  return all;
}

// The largest difference as a share of the largest output.
double difference(Make make, const std::string& path) {
  Model model = make({.weights = path + ".weights.h5", .input_shape = {64, 64, 3}, .classes = 10});
  TensorDict arrays = load_npz(path + ".npz");
  std::vector<double> got = model.predict(arrays["image"]).to_vector<double>();
  std::vector<double> want = arrays["output"].to_vector<double>();
  double apart = 0, largest = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    apart = std::max(apart, std::abs(got[i] - want[i]));
    largest = std::max(largest, std::abs(want[i]));
  }
  return apart / largest;
}

int run(const std::string& folder) {
  std::size_t equal = 0;
  for (const auto& [name, make] : networks()) {
    double apart = difference(make, folder + "/" + name);
    if (apart <= 1e-4) ++equal;
    std::cout << name << ": outputs differ by " << apart << " of the largest\n";
  }
  std::cout << "keras applications: " << equal << " of " << networks().size() << "\n";
  return equal == networks().size() ? 0 : 1;
}

}  // namespace
}  // namespace mica

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--names") {
    for (const auto& [name, make] : mica::networks()) std::cout << name << "\n";
    return 0;
  }
  return argc == 2 ? mica::run(argv[1]) : 2;
}
