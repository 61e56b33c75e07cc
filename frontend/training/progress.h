// What fit and evaluate print: a bar that is redrawn on a terminal, one line an epoch elsewhere.
#pragma once
#include <chrono>
#include <cstdint>

#include "frontend/mica/training.h"

namespace mica::internal {

class EpochProgress {
 public:
  // verbose: 0 nothing, 1 a bar, 2 a line, -1 a bar on a terminal and a line elsewhere. `epochs` 0: an evaluation.
  EpochProgress(int verbose, int epoch, int epochs, std::int64_t batches);
  // Whether update() after `done` batches would draw: the bar is redrawn ten times a second at most.
  bool due(std::int64_t done) const;
  void update(std::int64_t done, const Logs& logs);
  void finish(const Logs& logs);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(std::int64_t done, const Logs& logs, bool last);
  int verbose_;
  std::int64_t batches_;
  Clock::time_point start_, drawn_;
};

}  // namespace mica::internal
