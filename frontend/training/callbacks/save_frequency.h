// When a callback saves: after every epoch, or every so many batches.
#pragma once
#include <cstdint>
#include <string>

namespace mica::internal {

class SaveFrequency {
 public:
  // "epoch", or a number of batches, as text. Errors name `callback`.
  SaveFrequency(const char* callback, const std::string& text);
  bool at_epochs() const { return batches_ == 0; }
  // After batch `batch` of an epoch; batches between two calls count too.
  bool is_due(int batch);
  std::int64_t seen() const { return seen_; }
  void set_seen(std::int64_t seen, int last_batch);

 private:
  std::int64_t batches_ = 0;  // 0: at epochs
  std::int64_t seen_ = 0;     // since the last time
  int last_batch_ = -1;
};

}  // namespace mica::internal
