#include "frontend/training/callbacks/save_frequency.h"

#include <charconv>

#include "absl/strings/str_cat.h"
#include "runtime/error.h"

namespace mica::internal {

SaveFrequency::SaveFrequency(const char* callback, const std::string& text) {
  if (text == "epoch") return;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), batches_);
  if (error == std::errc() && end == text.data() + text.size() && batches_ >= 1) return;
  throw Error({.where = callback,
               .expected = "save_freq to be \"epoch\" or a number of batches",
               .received = absl::StrCat("\"", text, "\""),
               .hint = {}});
}

bool SaveFrequency::is_due(int batch) {
  if (at_epochs()) return false;
  seen_ += batch <= last_batch_ ? batch + 1 : batch - last_batch_;  // an epoch may have begun
  last_batch_ = batch;
  if (seen_ < batches_) return false;
  seen_ = 0;
  return true;
}

void SaveFrequency::set_seen(std::int64_t seen, int last_batch) {
  seen_ = seen;
  last_batch_ = last_batch;
}

}  // namespace mica::internal
