#include "frontend/training/progress.h"

namespace mica::internal {
namespace {

views::ProgressOptions options_for(int verbose) {
  switch (verbose) {
    case 0:
      return {.mode = views::ProgressMode::kSilent};
    case 1:
      return {.mode = views::ProgressMode::kBar};
    case 2:
      return {.mode = views::ProgressMode::kLines};
    default:
      return {};
  }
}

views::ProgressBar begin(int verbose, int epoch, int epochs, std::optional<std::int64_t> batches) {
  if (epochs > 0) views::print_epoch(epoch + 1, epochs, options_for(verbose));
  return views::ProgressBar(batches.value_or(0), options_for(verbose));
}

}  // namespace

EpochProgress::EpochProgress(int verbose, int epoch, int epochs, std::optional<std::int64_t> batches)
    : batches_(batches), bar_(begin(verbose, epoch, epochs, batches)) {}

void EpochProgress::update(std::int64_t done, const Logs& logs) {
  if (!due(done)) return;
  if (!batches_) bar_.set_steps(done);
  bar_.update(done, logs.items());
}

void EpochProgress::finish(std::int64_t done, const Logs& logs) {
  bar_.set_steps(done);
  bar_.finish(logs.items());
}

}  // namespace mica::internal
