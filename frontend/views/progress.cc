#include "frontend/views/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "frontend/views/terminal.h"

namespace mica::views {
namespace {

constexpr int kBarWidth = 20;
constexpr double kRedrawInterval = 0.05;  // seconds
constexpr std::string_view kBold = "\x1b[1m", kGreen = "\x1b[32m", kWhite = "\x1b[37m", kPlain = "\x1b[0m";

ProgressOptions with_defaults(ProgressOptions options) {
  if (!options.print) {
    options.print = [](std::string_view text) {
      std::fwrite(text.data(), 1, text.size(), stdout);
      std::fflush(stdout);
    };
  }
  if (!options.seconds) {
    options.seconds = [] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    };
  }
  return options;
}

std::string per_step(double seconds) {
  if (seconds >= 1 || seconds == 0) return fmt::format(" {:.0f}s/step", seconds);
  if (seconds >= 1e-3) return fmt::format(" {:.0f}ms/step", seconds * 1e3);
  return fmt::format(" {:.0f}us/step", seconds * 1e6);
}

std::string remaining(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds);
  if (seconds > 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60);
  if (seconds > 60) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

// Columns that `text` takes: colours take none, a character of several bytes takes one.
std::size_t visible_width(std::string_view text) {
  std::size_t width = 0;
  bool escape = false;
  for (const char c : text) {
    if (c == '\x1b') escape = true;
    if (!escape && (c & 0xC0) != 0x80) ++width;
    if (c == 'm') escape = false;
  }
  return width;
}

}  // namespace

ProgressMode progress_mode_for_stdout() { return stdout_is_terminal() ? ProgressMode::kBar : ProgressMode::kLines; }

ProgressBar::ProgressBar(std::int64_t steps, ProgressOptions options)
    : steps_(steps), options_(with_defaults(std::move(options))), start_(options_.seconds()) {}

bool ProgressBar::due() const {
  return options_.mode == ProgressMode::kBar && (last_draw_ < 0 || options_.seconds() - last_draw_ >= kRedrawInterval);
}

void ProgressBar::update(std::int64_t step, const Metrics& metrics) { draw(step, metrics, false); }

void ProgressBar::finish(const Metrics& metrics) { draw(steps_, metrics, true); }

void ProgressBar::draw(std::int64_t step, const Metrics& metrics, bool last) {
  if (options_.mode == ProgressMode::kSilent) return;
  const double now = options_.seconds();
  const double step_seconds = seconds_per_step(step, now);
  if (options_.mode == ProgressMode::kLines) {
    if (!last) return;
    options_.print(fmt::format("{}/{} - {:.0f}s -{}{}\n", step, steps_, now - start_, per_step(step_seconds),
                               metrics_text(metrics)));
    return;
  }
  if (!last && !due()) return;
  last_draw_ = now;
  const std::string time =
      last ? fmt::format("{:.0f}s", now - start_) : remaining(step_seconds * static_cast<double>(steps_ - step));
  const std::string line =
      bar(step) + fmt::format(" {}{}{}{}{}", kBold, time, kPlain, per_step(step_seconds), metrics_text(metrics));
  const std::size_t width = visible_width(line);
  const std::string wipe(drawn_width_ > width ? drawn_width_ - width : 0, ' ');
  drawn_width_ = width;
  options_.print("\r" + line + wipe + (last ? "\n" : ""));
}

std::string ProgressBar::bar(std::int64_t step) const {
  const auto digits = std::to_string(steps_).size();
  const auto done = static_cast<int>(kBarWidth * step / std::max<std::int64_t>(steps_, 1));
  std::string text = fmt::format("{}{:>{}}/{}{} ", kBold, step, digits, steps_, kPlain);
  const auto piece = [&](std::string_view color, int length) {
    text += color;
    for (int i = 0; i < length; ++i) text += "━";
    text += kPlain;
  };
  if (done > 0) piece(kGreen, done);
  piece(kWhite, kBarWidth - done);
  return text;
}

std::string ProgressBar::metrics_text(const Metrics& metrics) const {
  std::string text;
  for (const auto& [name, value] : metrics) {
    text +=
        std::abs(value) > 1e-3 ? fmt::format(" - {}: {:.4f}", name, value) : fmt::format(" - {}: {:.4e}", name, value);
  }
  return text;
}

// The first step compiles and is left out as soon as there are others.
double ProgressBar::seconds_per_step(std::int64_t step, double now) {
  if (step <= 0) return 0;
  const bool others = after_first_step_ >= 0 && step > 1;
  const double seconds =
      others ? (now - after_first_step_) / static_cast<double>(step - 1) : (now - start_) / static_cast<double>(step);
  if (step == 1) after_first_step_ = now;
  return seconds;
}

void print_epoch(int epoch, int epochs, const ProgressOptions& options) {
  if (options.mode != ProgressMode::kSilent) with_defaults(options).print(fmt::format("Epoch {}/{}\n", epoch, epochs));
}

}  // namespace mica::views
