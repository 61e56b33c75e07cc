#include "frontend/mica/io.h"

#include "runtime/error.h"
#include "tests/frontend/files/file_testing.h"

namespace mica {
namespace {

using testing::ElementsAre;
using IoTest = files::TempFolder;

TEST_F(IoTest, NpzKeepsNamesShapesAndValues) {
  save_npz(path("a.npz"), {{"features", tensor({{1.5, 2.0}, {3.0, 4.0}})}, {"labels", tensor({7, 8})}});
  const TensorDict loaded = load_npz(path("a.npz"));
  EXPECT_THAT(loaded.keys(), ElementsAre("features", "labels"));
  EXPECT_EQ(loaded["features"].shape(), (Shape{2, 2}));
  EXPECT_THAT(loaded["features"].to_vector(), ElementsAre(1.5, 2, 3, 4));
  EXPECT_EQ(loaded["labels"].dtype(), tensor({7, 8}).dtype());
}

TEST_F(IoTest, NpyKeepsOneTensor) {
  save_npy(path("a.npy"), tensor({1.0, 2.0, 3.0}));
  EXPECT_THAT(load_npy(path("a.npy")).to_vector(), ElementsAre(1, 2, 3));
}

TEST_F(IoTest, CsvGivesColumns) {
  const TensorDict table = load_csv(put("a.csv", "x|y\n1|2\n3|4\n"), {.separator = '|'});
  EXPECT_THAT(table["y"].to_vector(), ElementsAre(2, 4));
}

TEST_F(IoTest, IdxGivesBytes) {
  const Tensor labels = load_idx(put("a", std::string("\x00\x00\x08\x01\x00\x00\x00\x02\x05\x09", 10)));
  EXPECT_EQ(labels.dtype(), kUInt8);
  EXPECT_EQ(labels.shape(), Shape{2});
}

TEST_F(IoTest, ErrorsAreThoseOfTheFile) {
  try {
    load_npz(path("none.npz"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), path("none.npz") + ": expected to open the file, received 'No such file or directory'.");
  }
}

TEST_F(IoTest, VersionIsThatOfTheProject) { EXPECT_EQ(version(), "0.1.0"); }

}  // namespace
}  // namespace mica
