#include "frontend/files/idx.h"

#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using IdxTest = TempFolder;

const std::string kInt16Pair("\x00\x00\x0B\x01\x00\x00\x00\x02\x01\x02\xFF\xFE", 12);  // 258 and -2

TEST_F(IdxTest, ReadsBigEndianNumbers) {
  const auto array = read_idx(put("a", kInt16Pair));
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->dtype(), kInt16);
  EXPECT_THAT(array->dims(), ElementsAre(2));
  EXPECT_THAT(values_of(*array), ElementsAre(258, -2));
}

TEST_F(IdxTest, ReadsGzippedMnist) {
  const std::string labels = MICA_FIXTURES "/../data/mnist/t10k-labels-idx1-ubyte.gz";
  if (!std::filesystem::exists(labels)) GTEST_SKIP() << "NOT TESTED: needs " << labels;
  const auto array = read_idx(labels);
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->dtype(), kUInt8);
  EXPECT_THAT(array->dims(), ElementsAre(10000));
  EXPECT_EQ(array->at(0), 7);  // the first test digits are 7, 2, 1, 0, 4
  EXPECT_EQ(array->at(4), 4);
}

TEST_F(IdxTest, RefusesEveryTruncationAndMore) {
  for (std::size_t size = 0; size < kInt16Pair.size(); ++size) {
    EXPECT_NE(error_of(read_idx(put("a", kInt16Pair.substr(0, size)))), "") << size;
  }
  EXPECT_EQ(error_of(read_idx(put("a", kInt16Pair + "x"))),
            path("a") + ": expected nothing after the data, received more bytes.");
}

TEST_F(IdxTest, RefusesClaimsBeyondTheFile) {
  const std::string claim("\x00\x00\x08\x02\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF", 12);
  EXPECT_EQ(
      error_of(read_idx(put("a", claim))),
      path("a") +
          ": expected 4611686014132420609 bytes of elements, received a file with at most 0. Was the file cut off?");
  const std::string overflow("\x00\x00\x0E\x03\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x7F\xFF\xFF\xFF", 16);
  EXPECT_THAT(error_of(read_idx(put("a", overflow))), HasSubstr("expected fewer than 2^63 bytes"));
}

TEST_F(IdxTest, RefusesOtherFiles) {
  EXPECT_EQ(error_of(read_idx(put("a", "hello"))),
            path("a") + ": expected an IDX file, as MNIST's, received a file that does not begin like one.");
}

}  // namespace
}  // namespace mica::files
