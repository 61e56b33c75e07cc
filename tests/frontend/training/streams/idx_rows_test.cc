// idx_batches.
#include <gmock/gmock.h>

#include "tests/frontend/training/streams/stream_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using namespace std::string_literals;

class IdxRowsTest : public StreamTest {
 protected:
  // Three pictures of 1 x 2 pixels, and three labels.
  std::string images() const {
    return written("images", "\0\0\x08\x03\0\0\0\x03\0\0\0\x01\0\0\0\x02"s + "\0\x01\x02\x03\xFE\xFF"s);
  }
  std::string labels() const { return written("labels", "\0\0\x08\x01\0\0\0\x03\x07\x08\x09"s); }
};

TEST_F(IdxRowsTest, PicturesAndLabels) {
  auto source = idx_batches(images(), labels(), {.batch_size = 2});
  const std::vector<Batch> batches = all_of(*source);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(source->num_batches(), 2);
  EXPECT_EQ(only(batches[0].x).dtype(), kUInt8);
  EXPECT_EQ(only(batches[0].x).shape(), Shape({2, 1, 2}));
  EXPECT_THAT(numbers(batches[1].x), ElementsAre(254, 255));
  EXPECT_THAT(numbers(batches[0].y), ElementsAre(7, 8));
}

TEST_F(IdxRowsTest, ScaledPicturesAreFloats) {
  const std::vector<Batch> batches = all_of(*idx_batches(images(), {}, {.scale = 1.0 / 255}));
  EXPECT_EQ(only(batches[0].x).dtype(), kFloat32);
  EXPECT_FLOAT_EQ(numbers(batches[0].x)[5], 1.0f);
  EXPECT_TRUE(batches[0].y.empty());
}

TEST_F(IdxRowsTest, FilesThatAreCutOffAreAnError) {
  const std::string cut = written("cut", "\0\0\x08\x03\0\0\0\x03\0\0\0\x01\0\0\0\x02\x01"s);
  EXPECT_EQ(error_of([&] { idx_batches(cut); }),
            cut + ": expected 6 bytes of elements, received a file with at most 1. Was the file cut off?");
}

// Multi-byte elements are big-endian in the file.
TEST_F(IdxRowsTest, WideElementsAreTurned) {
  const std::string file = written("wide", "\0\0\x0B\x01\0\0\0\x02\x01\x02\xFF\xFF"s);
  EXPECT_THAT(numbers(all_of(*idx_batches(file))[0].x), ElementsAre(258, -1));
}

}  // namespace
}  // namespace mica
