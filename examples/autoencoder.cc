// Models as layers: an encoder and a decoder chained, trained through both, the code taken out in the middle.
#include "models/autoencoder.h"

#include <cstdio>
#include <iostream>

using namespace mica;

int main() {
  set_random_seed(1);
  Model model = examples::autoencoder();
  std::cout << model.summary({.expand_nested = true});

  Tensor pictures = rand({64, 28, 28, 1});
  model.compile({.optimizer = Adam(1e-3), .loss = "mse"});
  History history = model.fit(pictures, pictures, {.batch_size = 16, .epochs = 4});

  Tensor code = model.trace(pictures)["encoder/code_of"];
  std::printf("code of a picture: %d numbers; reconstruction error %.4f\n", static_cast<int>(code.size(1)),
              history["loss"].back());
  return history["loss"].back() < history["loss"].front() ? 0 : 1;
}
