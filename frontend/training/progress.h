// What fit and evaluate print: a bar that is redrawn on a terminal, one line an epoch elsewhere.
#pragma once
#include <cstdint>
#include <optional>

#include "frontend/mica/training.h"
#include "frontend/views/progress.h"

namespace mica::internal {

class EpochProgress {
 public:
  // verbose: 0 nothing, 1 a bar, 2 a line, -1 a bar on a terminal and a line elsewhere. `epochs` 0: an evaluation.
  EpochProgress(int verbose, int epoch, int epochs, std::optional<std::int64_t> batches);
  // Whether update() after `done` batches would draw; reading the logs for nothing would hold up the next step.
  bool due(std::int64_t done) const { return done != batches_ && bar_.due(); }
  void update(std::int64_t done, const Logs& logs);
  void finish(std::int64_t done, const Logs& logs);

 private:
  std::optional<std::int64_t> batches_;  // nothing: not known
  views::ProgressBar bar_;
};

}  // namespace mica::internal
