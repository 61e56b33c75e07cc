// The progress bar of Keras: it redraws itself on a terminal and gives one plain line elsewhere.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mica::views {

using Metrics = std::vector<std::pair<std::string, double>>;  // values to show as they are, in order

enum class ProgressMode { kSilent, kBar, kLines };

// kBar on a terminal, else kLines.
ProgressMode progress_mode_for_stdout();

struct ProgressOptions {
  ProgressMode mode = progress_mode_for_stdout();
  std::function<void(std::string_view)> print = {};  // default: standard output, flushed
  std::function<double()> seconds = {};              // default: a steady clock
};

// One epoch (or one evaluate or predict call) of `steps` steps.
class ProgressBar {
 public:
  explicit ProgressBar(std::int64_t steps, ProgressOptions options = {});

  // Another number of steps, where it was not known, or fewer came.
  void set_steps(std::int64_t steps) { steps_ = steps; }
  // Whether update() would draw now: a bar redraws at most every 0.05 s, lines come at the end only.
  bool due() const;
  // After `step` steps.
  void update(std::int64_t step, const Metrics& metrics);
  // The final state, with the end of the line: "469/469 ━━━… 3s 6ms/step - accuracy: 0.9841 - loss: 0.0517".
  void finish(const Metrics& metrics);

 private:
  std::string bar(std::int64_t step) const;
  std::string metrics_text(const Metrics& metrics) const;
  double seconds_per_step(std::int64_t step, double now);
  void draw(std::int64_t step, const Metrics& metrics, bool last);

  std::int64_t steps_;
  ProgressOptions options_;
  double start_, after_first_step_ = -1, last_draw_ = -1;
  std::size_t drawn_width_ = 0;  // of the line on the terminal, to wipe what a shorter one leaves
};

// "Epoch 1/5" before an epoch's bar; nothing when silent.
void print_epoch(int epoch, int epochs, const ProgressOptions& options = {});

}  // namespace mica::views
