#include "frontend/training/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>

#include "absl/strings/str_format.h"

namespace mica::internal {
namespace {

constexpr int kBarWidth = 20;
constexpr auto kRedraw = std::chrono::milliseconds(100);

// Keras' numbers: four decimals, an exponent for small ones.
std::string metrics_text(const Logs& logs) {
  std::string text;
  for (const auto& [name, value] : logs.items()) {
    bool small = std::abs(value) <= 1e-3 && value != 0;
    text += absl::StrFormat(small ? " - %s: %.4e" : " - %s: %.4f", name, value);
  }
  return text;
}

std::string step_time(double seconds) {
  if (seconds >= 1) return absl::StrFormat("%.0fs/step", seconds);
  if (seconds >= 1e-3) return absl::StrFormat("%.0fms/step", seconds * 1e3);
  return absl::StrFormat("%.0fus/step", seconds * 1e6);
}

}  // namespace

EpochProgress::EpochProgress(int verbose, int epoch, int epochs, std::int64_t batches)
    : verbose_(verbose >= 0            ? verbose
               : isatty(STDOUT_FILENO) ? 1
                                       : 2),
      batches_(batches),
      start_(Clock::now()),
      drawn_(start_ - kRedraw) {
  if (verbose_ > 0 && epochs > 0) std::printf("Epoch %d/%d\n", epoch + 1, epochs);
}

bool EpochProgress::due(std::int64_t done) const {
  return verbose_ == 1 && done < batches_ && Clock::now() - drawn_ >= kRedraw;
}

void EpochProgress::update(std::int64_t done, const Logs& logs) {
  if (!due(done)) return;
  drawn_ = Clock::now();
  draw(done, logs, false);
}

void EpochProgress::finish(const Logs& logs) {
  if (verbose_ > 0) draw(batches_, logs, true);
}

void EpochProgress::draw(std::int64_t done, const Logs& logs, bool last) {
  double seconds = std::chrono::duration<double>(Clock::now() - start_).count(),
         per_step = seconds / static_cast<double>(std::max<std::int64_t>(1, done));
  std::string line;
  if (verbose_ == 1) {
    int filled = static_cast<int>(done * kBarWidth / std::max<std::int64_t>(1, batches_));
    std::string bar;
    for (int i = 0; i < kBarWidth; ++i) bar += i < filled ? "━" : " ";
    double remaining = last ? seconds : per_step * static_cast<double>(batches_ - done);
    line = absl::StrFormat("\r%d/%d %s %.0fs %s%s", done, batches_, bar, remaining, step_time(per_step),
                           metrics_text(logs));
  } else {
    line = absl::StrFormat("%d/%d - %.0fs - %s%s", done, batches_, seconds, step_time(per_step), metrics_text(logs));
  }
  std::fputs(line.c_str(), stdout);
  if (last) std::fputc('\n', stdout);
  std::fflush(stdout);
}

}  // namespace mica::internal
