// The training step of an MLP 784-512-512-10 (batch 128, Adam) written by hand with lazy values, beside train_on_batch
// of the same model; and what recording and finding a Program cost a node. Minima of CPU time, so run it with
// MICA_NUM_THREADS=1. One JSON line.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>

#include "frontend/graph/evaluate.h"
#include "frontend/graph/pending.h"
#include "mica/mica.h"

using namespace mica;

namespace {

Model mlp() {
  Tensor x = Input({784});
  Tensor h = Dense(512, {.activation = "relu"})(x);
  h = Dense(512, {.activation = "relu"})(h);
  return Model({x}, {Dense(10)(h)});
}

double cpu_microseconds() { return static_cast<double>(std::clock()) * 1e6 / CLOCKS_PER_SEC; }

double cpu_microseconds_of(const std::function<void()>& step) {
  const double start = cpu_microseconds();
  step();
  return cpu_microseconds() - start;
}

// CPU time a node of recording a chain of small operations, and of recording, finding and running it: the minimum of
// nine rounds. The values are scalars, so that the run itself costs little.
void time_recording() {
  constexpr int kNodes = 2000;
  Variable w(tensor({1.0, 2.0}), "w", false);
  auto record = [&] {
    Tensor x = w;
    for (int i = 0; i < kNodes / 2; ++i) x = (x + w) * w;
    return x;
  };
  record().eval();
  double recording = 1e9, all = 1e9;
  for (int round = 0; round < 9; ++round) {
    const double start = cpu_microseconds();
    Tensor x = record();
    const double recorded = cpu_microseconds();
    x.eval();
    recording = std::min(recording, (recorded - start) / kNodes);
    all = std::min(all, (cpu_microseconds() - start) / kNodes);
  }
  std::printf("\"record_us_per_node\": %.3f, \"record_find_run_us_per_node\": %.3f, ", recording, all);
}

}  // namespace

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 100;
  set_random_seed(0);
  Tensor x = rand({128, 784}), y = randint(0, 10, {128});
  Model kept = mlp(), lazy = mlp();
  kept.compile({.optimizer = Adam(1e-3), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  optim::Adam optimizer(lazy.trainable_weights(), {.lr = 1e-3});
  SparseCategoricalCrossentropy loss_of({.from_logits = true});
  auto lazy_step = [&] {
    optimizer.zero_grad();
    Tensor loss = loss_of(y, lazy(x));
    loss.backward();
    optimizer.step();
  };
  auto kept_step = [&] { kept.train_on_batch(x, y); };
  for (int i = 0; i < 10; ++i) {
    kept_step();
    lazy_step();
  }
  double lazily = 1e9, whole = 1e9;
  for (int i = 0; i < steps; ++i) {  // interleaved: both see the same machine
    whole = std::min(whole, cpu_microseconds_of(kept_step));
    lazily = std::min(lazily, cpu_microseconds_of(lazy_step));
  }
  std::printf("{");
  time_recording();
  std::printf("\"lazy_us\": %.1f, \"train_on_batch_us\": %.1f, \"ratio\": %.3f, \"programs\": %d}\n", lazily, whole,
              lazily / whole, internal::num_lazy_programs());
}
