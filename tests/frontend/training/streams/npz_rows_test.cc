// npz_batches: stored and compressed members.
#include <gmock/gmock.h>

#include "frontend/files/file_error.h"
#include "frontend/files/npz.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/value.h"
#include "tests/frontend/training/streams/stream_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;

class NpzRowsTest : public StreamTest {
 protected:
  std::string written_npz(const TensorDict& tensors, files::Compression compression) const {
    files::NamedArrays arrays;
    for (const auto& [name, tensor] : tensors)
      arrays.emplace_back(name, internal::compute(internal::defined_node(tensor, name)));
    files::throw_if_error(files::write_npz(path("data.npz"), arrays, compression));
    return path("data.npz");
  }
};

TEST_F(NpzRowsTest, RowsOfArraysByRole) {
  const TensorDict data = {{"x:image", arange(0, 10).reshape({5, 2})},
                           {"x:text", arange(0, 5) * 10},
                           {"y:kind", arange(0, 5).to(kInt32)},
                           {"sample_weight", ones({5})},
                           {"other", ones({2})}};
  for (files::Compression compression : {files::Compression::kNone, files::Compression::kDeflate}) {
    auto source = npz_batches(written_npz(data, compression), {.batch_size = 2});
    EXPECT_EQ(source->num_batches(), 3);
    for (int pass = 0; pass < 2; ++pass) {
      const std::vector<Batch> batches = all_of(*source);
      ASSERT_EQ(batches.size(), 3u);
      EXPECT_EQ(batches[0].x.items()[0].first, "image");
      EXPECT_EQ(only(batches[0].x).shape(), Shape({2, 2}));
      EXPECT_THAT(numbers(batches[2].x), ElementsAre(8, 9));
      EXPECT_EQ(only(batches[0].y).dtype(), kInt32);
      EXPECT_THAT(numbers(batches[1].y), ElementsAre(2, 3));
      EXPECT_EQ(batches[0].sample_weight.items().size(), 1u);
    }
  }
}

TEST_F(NpzRowsTest, LengthsThatDifferAreAnError) {
  const std::string file = written_npz({{"x", ones({4, 2})}, {"y", ones({3})}}, files::Compression::kNone);
  EXPECT_EQ(error_of([&] { npz_batches(file); }),
            file + ": expected arrays of one length, 4 rows as the first, received 3 rows.");
  const std::string none = written_npz({{"a", ones({4})}}, files::Compression::kNone);
  EXPECT_EQ(
      error_of([&] { npz_batches(none); }),
      none + ": expected arrays named x, y and sample_weight, or x:<input>, y:<output>, received a file without any.");
}

// A flipped bit of a member shows when its last row is read, on the thread that reads ahead.
TEST_F(NpzRowsTest, DamagedMembersAreAnErrorOfTheBatch) {
  const std::string file = written_npz({{"x", arange(0, 4000).reshape({1000, 4})}}, files::Compression::kDeflate);
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(900);
  bytes.put('\x55');
  bytes.close();
  auto source = npz_batches(file, {.batch_size = 100});
  const std::string error = error_of([&] { all_of(*source); });
  EXPECT_EQ(error.substr(0, file.size() + 6), file + ":x.npy");
}

}  // namespace
}  // namespace mica
