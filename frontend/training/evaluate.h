// Evaluation, by evaluate() and as validation of fit().
#pragma once
#include "frontend/training/callback.h"
#include "frontend/training/feed.h"
#include "frontend/training/progress.h"
#include "frontend/training/step.h"

namespace mica::internal {

// Losses and metrics of the feed from its first batch on.
Logs evaluate_on(const Model& model, TrainingConfig& config, BatchFeed& feed, const CallbackList& callbacks,
                 EpochProgress* progress = nullptr);

void check_positive(const Model& model, const char* argument, std::int64_t value);

}  // namespace mica::internal
