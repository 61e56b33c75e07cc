#include "frontend/views/progress.h"

#include <gtest/gtest.h>

namespace mica::views {
namespace {

class ProgressTest : public testing::Test {
 protected:
  ProgressOptions options(ProgressMode mode) {
    return {
        .mode = mode, .print = [this](std::string_view text) { printed_ += text; }, .seconds = [this] { return now_; }};
  }
  std::string take() { return std::exchange(printed_, ""); }

  double now_ = 100;
  std::string printed_;
};

std::string repeated(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

// The line that Keras' Progbar draws for these steps and times.
std::string keras_line(const std::string& count, int done, const std::string& time, const std::string& rest) {
  return "\r\x1b[1m" + count + "\x1b[0m " + (done > 0 ? "\x1b[32m" + repeated("━", done) + "\x1b[0m" : "") +
         "\x1b[37m" + repeated("━", 20 - done) + "\x1b[0m \x1b[1m" + time + "\x1b[0m " + rest;
}

TEST_F(ProgressTest, DrawsTheBarOfKeras) {
  ProgressBar bar(200, options(ProgressMode::kBar));
  now_ += 2;
  bar.update(1, {{"loss", 2.5}});
  EXPECT_EQ(take(), keras_line("  1/200", 0, "6:38", "2s/step - loss: 2.5000"));
  now_ += 1.98;
  bar.update(100, {{"loss", 0.0005}});
  EXPECT_EQ(take(), keras_line("100/200", 10, "2s", "20ms/step - loss: 5.0000e-04"));
  now_ += 1.992;
  bar.finish({{"accuracy", 0.98414}, {"loss", 0.05}});
  EXPECT_EQ(take(), keras_line("200/200", 20, "6s", "20ms/step - accuracy: 0.9841 - loss: 0.0500\n"));
}

TEST_F(ProgressTest, RedrawsAtMostTwentyTimesASecond) {
  ProgressBar bar(1000, options(ProgressMode::kBar));
  for (int step = 1; step <= 1000; ++step) {
    now_ += 0.001;
    bar.update(step, {});
  }
  int draws = 0;
  for (const char c : take()) draws += c == '\r';
  EXPECT_LE(draws, 21);
  EXPECT_GE(draws, 19);
}

TEST_F(ProgressTest, WipesALongerLine) {
  ProgressBar bar(10, options(ProgressMode::kBar));
  now_ += 1;
  bar.update(5, {{"a_long_name", 1}});
  take();
  now_ += 1;
  bar.update(6, {});
  EXPECT_TRUE(take().ends_with("333ms/step" + std::string(22, ' ')));
}

TEST_F(ProgressTest, GivesOnePlainLineElsewhere) {
  ProgressBar bar(2, options(ProgressMode::kLines));
  now_ += 0.25;
  bar.update(1, {{"loss", 3}});
  EXPECT_EQ(take(), "");
  now_ += 0.0004;
  bar.finish({{"loss", 0.12514}});
  EXPECT_EQ(take(), "2/2 - 0s - 400us/step - loss: 0.1251\n");
}

TEST_F(ProgressTest, EpochLinesAndSilence) {
  print_epoch(1, 5, options(ProgressMode::kBar));
  EXPECT_EQ(take(), "Epoch 1/5\n");
  print_epoch(1, 5, options(ProgressMode::kSilent));
  ProgressBar bar(2, options(ProgressMode::kSilent));
  bar.update(1, {});
  bar.finish({});
  EXPECT_EQ(take(), "");
}

}  // namespace
}  // namespace mica::views
