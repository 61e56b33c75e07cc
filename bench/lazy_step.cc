// The training step of an MLP 784-512-512-10 (batch 128, Adam) written by hand with lazy values, beside train_on_batch
// of the same model; and what recording and finding a Program cost a node. One JSON line.
#include <algorithm>
#include <chrono>
#include <cmath>
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

// Adam by PyTorch's formula; the bias corrections are scalars of the step.
class AdamByHand {
 public:
  explicit AdamByHand(Parameters parameters) : parameters_(std::move(parameters)) {
    for (const Variable& p : parameters_) {
      m_.emplace_back(zeros_like(p), "m", false);
      v_.emplace_back(zeros_like(p), "v", false);
    }
  }
  void zero_grad() {
    for (Variable& p : parameters_) p.zero_grad();
  }
  void step() {
    NoGradGuard guard;
    ++step_;
    const double rate = 1e-3 / (1 - std::pow(0.9, step_)), root = std::sqrt(1 - std::pow(0.999, step_));
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      Tensor g = parameters_[i].grad();
      Tensor m = m_[i] + (g - m_[i]) * 0.1, v = v_[i] + (g * g - v_[i]) * 0.001;
      m_[i].assign(m);
      v_[i].assign(v);
      parameters_[i].assign(parameters_[i] - m * rate / (v.sqrt() / root + 1e-8));
    }
    internal::run_bindings();
  }

 private:
  Parameters parameters_, m_, v_;
  int step_ = 0;
};

Model mlp() {
  Tensor x = Input({784});
  Tensor h = Dense(512, {.activation = "relu"})(x);
  h = Dense(512, {.activation = "relu"})(h);
  return Model({x}, {Dense(10)(h)});
}

double microseconds_of(const std::function<void()>& step) {
  auto start = std::chrono::steady_clock::now();
  step();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

double cpu_microseconds() { return static_cast<double>(std::clock()) * 1e6 / CLOCKS_PER_SEC; }

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
  AdamByHand optimizer(lazy.trainable_weights());
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
  std::vector<double> lazily, whole;
  for (int i = 0; i < steps; ++i) {  // interleaved: both see the same machine
    whole.push_back(microseconds_of(kept_step));
    lazily.push_back(microseconds_of(lazy_step));
  }
  std::printf("{");
  time_recording();
  std::printf("\"lazy_us\": %.1f, \"train_on_batch_us\": %.1f, \"ratio\": %.3f, \"programs\": %d}\n", median(lazily),
              median(whole), median(lazily) / median(whole), internal::num_lazy_programs());
}
