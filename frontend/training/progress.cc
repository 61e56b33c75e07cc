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

views::ProgressBar begin(int verbose, int epoch, int epochs, std::int64_t batches) {
  if (epochs > 0) views::print_epoch(epoch + 1, epochs, options_for(verbose));
  return views::ProgressBar(batches, options_for(verbose));
}

}  // namespace

EpochProgress::EpochProgress(int verbose, int epoch, int epochs, std::int64_t batches)
    : batches_(batches), bar_(begin(verbose, epoch, epochs, batches)) {}

void EpochProgress::update(std::int64_t done, const Logs& logs) {
  if (due(done)) bar_.update(done, logs.items());
}

}  // namespace mica::internal
