#include "frontend/views/memory_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mica/mica.h"

namespace mica {
namespace {

using ::testing::HasSubstr;

TEST(MemoryReport, BytesReadAsAPersonWritesThem) {
  EXPECT_EQ(views::bytes_text(40), "40 bytes");
  EXPECT_EQ(views::bytes_text(1024), "1.0 KiB");
  EXPECT_EQ(views::bytes_text(5 * 1024 * 1024 + 512 * 1024), "5.5 MiB");
}

TEST(MemoryReport, AModelSaysWhatABatchTakes) {
  Tensor x = Input({64}, {.name = "x"});
  Tensor hidden = Dense(256, {.activation = "relu", .name = "hidden"})(x);
  Model model({x}, {Dense(10, {.name = "logits"})(hidden)}, {.name = "small"});
  std::string text = model.memory_report(zeros({128, 64}));
  EXPECT_THAT(text, HasSubstr("memory of small for x f32[128,64]\n"));
  EXPECT_THAT(text, HasSubstr("  inputs      32.0 KiB\n"));  // 128 · 64 · 4
  EXPECT_THAT(text, HasSubstr("  weights     75.0 KiB\n"));  // (64 · 256 + 256 + 256 · 10 + 10) · 4
  EXPECT_THAT(text, HasSubstr("  results      5.0 KiB\n"));  // 128 · 10 · 4
  EXPECT_THAT(text, HasSubstr("128.0 KiB  f32[N,256] of step 0, onednn.matmul of hidden, until step 1"));
}

// What autodiff of a network keeps: the hidden values, for the gradients of the weights after and before them.
TEST(MemoryReport, ATrainingStepSaysWhatItKeeps) {
  Tensor x = Input({64}, {.name = "x"});
  Tensor hidden = Dense(256, {.activation = "tanh", .name = "hidden"})(x);
  Model model({x}, {Dense(10, {.name = "logits"})(hidden)}, {.name = "small"});
  model.compile({.optimizer = Adam(1e-3), .loss = "mse"});
  std::string text = model.memory_report(zeros({128, 64}), zeros({128, 10}));
  EXPECT_THAT(text, HasSubstr("memory of a training step of small for x f32[128,64], target:logits f32[128,10]\n"));
  EXPECT_THAT(text, HasSubstr("  inputs      37.0 KiB\n"));  // 128 · 64 · 4, 128 · 10 · 4, three numbers of Adam
  EXPECT_THAT(text, HasSubstr("  weights     75.0 KiB\n"));
  EXPECT_THAT(text, HasSubstr("  slots      150.1 KiB   of the optimizer\n"));  // two of each weight
  EXPECT_THAT(text, HasSubstr("  saved "));
  const std::size_t saved = text.find("  saved ");
  EXPECT_THAT(text.substr(saved), HasSubstr("128.0 KiB  f32[N,256] of step "));
  EXPECT_THAT(text.substr(saved), HasSubstr(" of hidden, until step "));
  EXPECT_EQ(model.optimizer().iterations(), 0) << "nothing was trained";
}

TEST(MemoryReport, OfAModelThatIsNotCompiledIsAnError) {
  Tensor x = Input({64}, {.name = "x"});
  Model model({x}, {Dense(10)(x)});
  EXPECT_THROW(model.memory_report(zeros({4, 64}), zeros({4, 10})), Error);
}

TEST(MemoryReport, WrongInputsAreErrorsOfTheModel) {
  Tensor x = Input({64}, {.name = "x"});
  Model model({x}, {Dense(10)(x)});
  EXPECT_THROW(model.memory_report(zeros({128, 63})), Error);
}

}  // namespace
}  // namespace mica
