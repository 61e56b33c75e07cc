// The training step of an MLP 784-512-512-10 (batch 128, Adam) written by hand with lazy values, with Keras' layers
// (`lazy`) and with PyTorch's modules (`median_us`), beside train_on_batch; and what recording and finding a Program
// cost a node. `…_us` are minima of CPU time, for which MICA_NUM_THREADS=1 is meant, `…median_us` medians of wall time.
// One JSON line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <vector>

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

double wall_microseconds() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
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

// A way to write the step, and what its steps took.
struct Contestant {
  std::function<void()> step;
  std::vector<double> wall_us = {};
  double cpu_us = 1e9;  // the least

  void run() {
    const double cpu = cpu_microseconds(), wall = wall_microseconds();
    step();
    wall_us.push_back(wall_microseconds() - wall);
    cpu_us = std::min(cpu_us, cpu_microseconds() - cpu);
  }
  double median_us() {
    std::sort(wall_us.begin(), wall_us.end());
    return wall_us[wall_us.size() / 2];
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 100;
  set_random_seed(0);
  const Tensor x = rand({128, 784}), y = randint(0, 10, {128});

  Model kept_model = mlp();
  kept_model.compile({.optimizer = Adam(1e-3), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  Contestant kept{[&] { kept_model.train_on_batch(x, y); }};

  Model lazy_model = mlp();
  optim::Adam optimizer(lazy_model.trainable_weights(), {.lr = 1e-3});
  SparseCategoricalCrossentropy loss_of({.from_logits = true});
  Contestant lazy{[&] {
    optimizer.zero_grad();
    loss_of(y, lazy_model(x)).backward();
    optimizer.step();
  }};

  auto net = nn::Sequential({nn::Linear(784, 512), nn::ReLU(), nn::Linear(512, 512), nn::ReLU(), nn::Linear(512, 10)});
  optim::Adam net_optimizer(net.parameters(), {.lr = 1e-3});
  Contestant modules{[&] {
    net_optimizer.zero_grad();
    F::cross_entropy(net(x), y).backward();
    net_optimizer.step();
  }};

  constexpr int kBlock = 10;  // taking turns, so that all see the same machine, each with its own data in the cache
  for (Contestant* contestant : {&kept, &lazy, &modules})
    for (int i = 0; i < kBlock; ++i) contestant->step();
  for (int done = 0; done < steps; done += kBlock) {
    for (Contestant* contestant : {&kept, &lazy, &modules})
      for (int i = 0; i < kBlock; ++i) contestant->run();
  }
  std::printf("{");
  time_recording();
  std::printf(
      "\"train_on_batch_us\": %.1f, \"lazy_us\": %.1f, \"ratio\": %.3f, \"train_on_batch_median_us\": %.1f, "
      "\"lazy_median_us\": %.1f, \"median_us\": %.1f, \"programs\": %d}\n",
      kept.cpu_us, lazy.cpu_us, lazy.cpu_us / kept.cpu_us, kept.median_us(), lazy.median_us(), modules.median_us(),
      internal::num_lazy_programs());
}
