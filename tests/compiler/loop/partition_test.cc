// Loops over pieces: each piece a loop of its own, and nothing else changed.
#include "compiler/loop/partition.h"

#include <gtest/gtest.h>

namespace mica::loop {
namespace {

std::string partitioned(std::string_view text, int lanes = 8) {
  auto kernel = parse_kernel(text);
  if (!kernel.ok()) return std::string(kernel.status().message());
  return print(partition(*kernel, lanes));
}

TEST(Partition, PiecesOfAConcatenationBecomeCopies) {
  EXPECT_EQ(partitioned(R"(kernel @k(in a: f32[N,16], in b: f32[N,8], out y: f32[N,24]) {
  for i in 0..N {
    for j in 0..24 {
      y[i, j] = select(j < 16, a[i, min(j, 15)], b[i, max(j - 16, 0)])
} } }
)"),
            R"(kernel @k(in a: f32[N,16], in b: f32[N,8], out y: f32[N,24]) {
  for i in 0..N {
    for j in 0..16 {
      y[i, j] = a[i, j]
    }
    for j in 0..8 {
      y[i, j + 16] = b[i, j]
} } }
)");
}

TEST(Partition, EveryComparisonTurnsAtItsOwnPlace) {
  for (const auto& [condition, at] : std::vector<std::pair<std::string, int>>{{"j < 10", 10},
                                                                              {"j <= 10", 11},
                                                                              {"j > 10", 11},
                                                                              {"j >= 10", 10},
                                                                              {"10 < j", 11},
                                                                              {"40 - 3*j >= 0", 14},
                                                                              {"40 - 3*j > 0", 14},
                                                                              {"39 - 3*j > 0", 13},
                                                                              {"2*j + 1 > 8", 4}}) {
    const std::string text =
        partitioned("kernel @k(in a: f32[32], out y: f32[32]) {\n  for j in 0..32 {\n    y[j] = select(" + condition +
                    ", a[j], 1)\n} }\n");
    EXPECT_NE(text.find("for j in 0.." + std::to_string(at) + " {"), std::string::npos) << condition << "\n" << text;
    EXPECT_NE(text.find("for j in 0.." + std::to_string(32 - at) + " {"), std::string::npos) << condition << "\n"
                                                                                             << text;
    EXPECT_EQ(text.find("select"), std::string::npos) << text;
  }
}

TEST(Partition, AnEqualityLeavesOneElementAlone) {
  const std::string text = partitioned(R"(kernel @k(in a: f32[32], out y: f32[32]) {
  for j in 0..32 {
    y[j] = select(j == 5, 1, a[j])
} }
)");
  EXPECT_NE(text.find("for j in 0..5 {"), std::string::npos) << text;
  EXPECT_NE(text.find("for j in 0..1 {"), std::string::npos) << text;
  EXPECT_NE(text.find("for j in 0..26 {"), std::string::npos) << text;
}

// What another loop decides, what is folded in order, and pieces shorter than a vector stay as they are.
TEST(Partition, WhatIsNotItsOwnChoiceStays) {
  for (const char* text : {R"(kernel @k(in a: f32[32,32], out y: f32[32,32]) {
  for i in 0..32 {
    for j in 0..32 {
      y[i, j] = select(j <= i, a[i, j], 0)
} } }
)",
                           R"(kernel @k(in a: f32[32], out y: f32[]) {
  local acc: f32[]
  acc[] = 0
  for j in 0..32 {
    acc[] = acc[] + select(j < 16, a[j], 0)
  }
  y[] = acc[]
}
)",
                           R"(kernel @k(in a: f32[6], out y: f32[6]) {
  for j in 0..6 {
    y[j] = select(j < 3, a[j], 0)
} }
)"}) {
    EXPECT_EQ(partitioned(text), text);
  }
}

}  // namespace
}  // namespace mica::loop
