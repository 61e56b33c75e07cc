// Times train_on_batch of a model file on one batch: one JSON line a run.
//
//   train_step MODEL.keras BATCH.npz LOSSES adam|sgd [SECONDS]
//
// BATCH.npz holds `x:<input>` and `y:<output>`; LOSSES is `<output>=<loss>[:logits]`, comma-separated.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "mica/mica.h"

using namespace mica;

namespace {

double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

TensorDict role(const TensorDict& arrays, const std::string& prefix) {
  TensorDict found;
  for (const auto& [key, value] : arrays)
    if (key.starts_with(prefix)) found.set(key.substr(prefix.size()), value);
  return found;
}

Loss loss_of(const std::string& text) {
  if (text == "sparse_categorical_crossentropy:logits") return SparseCategoricalCrossentropy({.from_logits = true});
  return Loss(text);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return std::fprintf(stderr, "train_step MODEL BATCH LOSSES adam|sgd [SECONDS]\n"), 2;
  double budget = argc > 5 ? std::atof(argv[5]) : 4;
  double begin = seconds();
  Model model = load_model(argv[1]);
  TensorDict arrays = load_npz(argv[2]);
  TensorDict x = role(arrays, "x:"), y = role(arrays, "y:");
  std::vector<std::pair<std::string, Loss>> losses;
  for (const std::string& item : std::vector<std::string>(absl::StrSplit(std::string(argv[3]), ','))) {
    std::vector<std::string> halves = absl::StrSplit(item, absl::MaxSplits('=', 1));
    losses.emplace_back(halves.at(0), loss_of(halves.at(1)));
  }
  Optimizer optimizer = std::string(argv[4]) == "sgd" ? Optimizer(SGD(1e-4, {.momentum = 0.9})) : Adam(1e-4);
  model.compile({.optimizer = optimizer, .loss = LossSpec::of(std::move(losses))});
  double first = model.train_on_batch(x, y)["loss"], compiled = seconds() - begin, last = first;
  for (int i = 0; i < 3; ++i) model.train_on_batch(x, y);
  std::vector<double> times;
  for (double end = seconds() + budget; times.size() < 5 || (times.size() < 1000 && seconds() < end);) {
    double start = seconds();
    last = model.train_on_batch(x, y)["loss"];
    times.push_back((seconds() - start) * 1e6);
  }
  std::sort(times.begin(), times.end());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"peer\": \"mica\", \"median_us\": %.1f, \"p99_us\": %.1f, \"min_us\": %.1f, \"compile_ms\": %.1f, "
      "\"peak_rss_mb\": %.1f, \"loss_first\": %.7g, \"loss_last\": %.7g}\n",
      times[times.size() / 2], times[times.size() * 99 / 100], times.front(), compiled * 1e3,
      static_cast<double>(usage.ru_maxrss) / 1024, first, last);
}
