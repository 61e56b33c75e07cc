// Shared layers: the gradients of both calls add up in one set of weights.
#include "models/shared_embedding.h"

#include <cstdio>
#include <iostream>

using namespace mica;

int main() {
  set_random_seed(1);
  Model model = examples::shared_embedding();
  std::cout << model.summary();

  // Half of the pairs are the same text twice.
  const std::int64_t pairs = 128;
  Tensor a = randint(0, 60, {pairs, 8}), other = randint(0, 60, {pairs, 8});
  Tensor same = (arange(pairs) % 2).reshape({pairs, 1});
  Tensor b = where(same == 1, a, other);

  model.compile({.optimizer = Adam(1e-2),
                 .loss = BinaryCrossentropy({.from_logits = true}),
                 .metrics = {metrics::BinaryAccuracy({.threshold = 0})}});
  History history = model.fit({a.to(kInt32), b.to(kInt32)}, same.to(kFloat32), {.epochs = 20});
  std::printf("binary accuracy on the training pairs: %.2f\n", history["binary_accuracy"].back());
  return history["loss"].back() < history["loss"].front() ? 0 : 1;
}
