#include "frontend/training/bad_loss.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace mica::internal {
namespace {

// "nan in row 7 of input \"x\"", or nothing.
std::string bad_value(const rt::Array& array, const std::string& what, const TrainingData& batch) {
  const std::int64_t per_row = std::max<std::int64_t>(1, array.numel() / std::max<std::int64_t>(1, batch.rows()));
  for (std::int64_t i = 0; i < array.numel() && array.dtype().is_floating(); ++i) {
    if (!std::isfinite(array.at(i)))
      return absl::StrCat("The data has ", array.at(i), " in row ", batch.origin_of(i / per_row), " of ", what, ".");
  }
  return "";
}

std::string bad_data(const TrainingConfig& config, const TrainingData& batch) {
  for (std::size_t i = 0; i < batch.x.arrays.size(); ++i) {
    std::string bad = bad_value(batch.x.arrays[i], absl::StrCat("input \"", batch.x.names[i], "\""), batch);
    if (!bad.empty()) return bad;
  }
  for (std::size_t i = 0; i < batch.y.size(); ++i) {
    if (!batch.y[i].defined()) continue;
    std::string bad = bad_value(batch.y[i], absl::StrCat("targets of \"", config.heads[i].output, "\""), batch);
    if (!bad.empty()) return bad;
  }
  return "";
}

// The first output whose loss is not finite; the model, when only their sum with penalties is not.
std::string bad_output(const Model& model, const TrainingConfig& config, const Tally& tally) {
  if (config.heads.size() == 1) return config.heads[0].output;
  std::size_t next = 1;
  for (const Head& head : config.heads) {
    if (!head.loss) continue;
    if (next < tally.last_losses().size() && !std::isfinite(tally.last_losses()[next++])) return head.output;
  }
  return model.name();
}

}  // namespace

void throw_bad_loss(const Model& model, const TrainingConfig& config, const Tally& tally, const TrainingData& batch,
                    int epoch) {
  const std::string bad = bad_data(config, batch);
  throw Error({.where = bad_output(model, config, tally),
               .expected = "a finite loss",
               .received = absl::StrCat(tally.last_loss(), " in batch ", batch.number, " of epoch ", epoch + 1),
               .hint = bad.empty() ? kExplodingHint : bad});
}

void throw_bad_gradient(const std::string& variable, const TrainingData& batch, int epoch) {
  throw Error({.where = variable,
               .expected = "a finite gradient",
               .received = absl::StrCat("nan or infinity in batch ", batch.number, " of epoch ", epoch + 1),
               .hint = "The loss is finite and no weight was changed. Lower the learning rate or clip the values that "
                       "lead to it: log(0), sqrt(0) and 0/0 have no finite gradient."});
}

}  // namespace mica::internal
