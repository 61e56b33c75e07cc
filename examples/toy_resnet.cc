// Residual connections, and every activation inside with one call.
#include "models/toy_resnet.h"

#include <cstdio>
#include <iostream>

using namespace mica;

int main() {
  set_random_seed(1);
  Model model = examples::toy_resnet();
  std::cout << model.summary() << model.dump(Stage::kProgram);

  Tensor images = rand({32, 32, 32, 3}), labels = F::one_hot(randint(0, 10, {32}), 10).to(kFloat32);
  model.compile({.optimizer = "adam", .loss = CategoricalCrossentropy({.from_logits = true}), .metrics = {"acc"}});
  History history = model.fit(images, labels, {.batch_size = 16, .epochs = 5});

  for (const auto& [key, activation] : model.trace(images)) {
    std::printf("%-14s %s\n", key.c_str(), activation.shape().to_string().c_str());
  }
  return history["loss"].back() < history["loss"].front() ? 0 : 1;
}
