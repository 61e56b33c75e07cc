// How long the first run of the digits example takes in a running process: one JSON line. Run it several times, with
// MICA_CACHE=off for cold figures.
#include <chrono>
#include <cstdio>

#include "models/digits.h"

using namespace mica;

namespace {

template <class F>
double milliseconds(F f) {
  auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main() {
  Tensor x = Input({3}), images = rand({128, 28, 28, 1}), labels = randint(0, 10, {128}), batch = rand({64, 28, 28, 1});
  Model(x, Dense(2, {.activation = "tanh"})(x)).predict(rand({2, 3}));  // the process has compiled something before
  images.eval();
  labels.eval();
  batch.eval();
  Model model = examples::digits();
  double predict = milliseconds([&] { model.predict(batch, {.batch_size = 64}).eval(); });
  double step = milliseconds([&] {
    model.compile({.optimizer = Adam(1e-3),
                   .loss = SparseCategoricalCrossentropy({.from_logits = true}),
                   .metrics = {"accuracy"}});
    model.train_on_batch(images, labels);
  });
  std::printf("{\"predict_ms\": %.1f, \"first_step_ms\": %.1f}\n", predict, step);
}
