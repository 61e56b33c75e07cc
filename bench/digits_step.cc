// Times the training step of the digits example (batch 128, Adam): one JSON line a run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "models/digits.h"

using namespace mica;

int main(int argc, char** argv) {
  int steps = argc > 1 ? std::atoi(argv[1]) : 40, warm_up = 10;
  set_random_seed(0);
  Model model = examples::digits();
  model.compile({.optimizer = Adam(1e-3), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  Tensor images = rand({128, 28, 28, 1}), labels = randint(0, 10, {128});
  std::vector<double> milliseconds;
  for (int i = 0; i < warm_up + steps; ++i) {
    auto start = std::chrono::steady_clock::now();
    model.train_on_batch(images, labels);
    if (i >= warm_up)
      milliseconds.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  std::printf("{\"peer\": \"mica\", \"median_ms\": %.3f, \"min_ms\": %.3f}\n", milliseconds[milliseconds.size() / 2],
              milliseconds.front());
}
