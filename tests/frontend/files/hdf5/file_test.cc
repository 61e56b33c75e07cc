// Files of h5py (tests/fixtures/make_h5_fixtures.py): values exact, what is not supported refused by name.
#include "frontend/files/hdf5/file.h"

#include "tests/frontend/files/file_testing.h"

namespace mica::files::hdf5 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string h5_fixture(const std::string& name) { return MICA_SOURCE_DIR "/tests/fixtures/h5/" + name + ".h5"; }

File open_fixture(const std::string& name) {
  absl::StatusOr<File> file = File::open(h5_fixture(name));
  EXPECT_TRUE(file.ok()) << file.status();
  return *std::move(file);
}

// 0, 1, 2, … or, for floats, halves: counted() of the script.
std::vector<double> counted(std::int64_t count, DType dtype) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(i);
    values.push_back(dtype.is_floating() ? value / 2 : dtype.is_bool() ? std::min(value, 1.0) : value);
  }
  return values;
}

void expect_values(const absl::StatusOr<Dataset>& dataset, DType dtype, const std::vector<std::int64_t>& shape,
                   const std::vector<double>& values) {
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  const absl::StatusOr<rt::Array> array = dataset->read();
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_EQ(array->dtype().name(), dtype.name()) << dataset->path();
  EXPECT_EQ(array->dims(), shape) << dataset->path();
  EXPECT_EQ(values_of(*array), values) << dataset->path();
}

// The same content in files of the oldest and of the newest format.
class H5FileTest : public testing::TestWithParam<const char*> {
 protected:
  File open(const std::string& name) const { return open_fixture(name + "_" + GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Formats, H5FileTest, testing::Values("earliest", "latest"));

TEST_P(H5FileTest, ReadsEveryDtype) {
  const File file = open("values");
  for (const char* name : {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16",
                           "float32", "float64", "bfloat16"}) {
    const DType dtype(name);
    expect_values(file.root().dataset(std::string("dtypes/") + name), dtype, {2, 3}, counted(6, dtype));
  }
  expect_values(file.root().dataset("dtypes/big_endian"), kFloat32, {2, 3}, counted(6, kFloat32));
}

TEST_P(H5FileTest, ReadsEveryShape) {
  const File file = open("values");
  expect_values(file.root().dataset("shapes/scalar"), kFloat32, {}, {2.5});
  expect_values(file.root().dataset("shapes/empty"), kFloat32, {0, 3}, {});
  expect_values(file.root().dataset("shapes/null"), kFloat32, {0}, {});
  expect_values(file.root().dataset("shapes/rank4"), kFloat64, {2, 1, 3, 2}, counted(12, kFloat64));
  expect_values(file.root().dataset("shapes/unwritten"), kFloat32, {3}, {0, 0, 0});
  expect_values(file.root().dataset("shapes/filled"), kInt16, {3}, {7, 7, 7});
}

TEST_P(H5FileTest, ReadsTextsAndAttributes) {
  const File file = open("values");
  EXPECT_THAT(*file.root().dataset("texts/variable")->read_texts(), ElementsAre("first", "", "zweiter Ⅱ"));
  EXPECT_THAT(*file.root().dataset("texts/fixed")->read_texts(), ElementsAre("abc", "defgh", ""));
  EXPECT_EQ(*file.root().attribute("keras_version")->read_text(), "3.15.1");
  const absl::StatusOr<Group> vars = file.root().group("layers/dense/vars");
  ASSERT_TRUE(vars.ok()) << vars.status();
  EXPECT_EQ(*vars->attribute("name")->read_text(), "hidden");
  EXPECT_EQ(*vars->attribute("fixed")->read_text(), "padded");
  EXPECT_THAT(*vars->attribute("names")->read_texts(), ElementsAre("kernel", "bias"));
  EXPECT_THAT(values_of(*vars->attribute("count")->read()), ElementsAre(3));
  EXPECT_THAT(values_of(*vars->attribute("rates")->read()), ElementsAre(0.5, 0.25));
  EXPECT_EQ(vars->attribute("flag")->read()->dtype().name(), "bool");
  EXPECT_EQ(vars->attribute("missing"), nullptr);
  EXPECT_THAT(error_of(vars->attribute("count")->read_text()),
              HasSubstr("values_" + std::string(GetParam()) +
                        ".h5:/layers/dense/vars@count: expected strings, received int64."));
}

TEST_P(H5FileTest, FollowsPathsAndSoftLinks) {
  const File file = open("values");
  for (const char* path : {"layers/dense/vars/0", "/layers/dense/vars/0", "layers/soft/0", "layers/relative"}) {
    expect_values(file.root().dataset(path), kFloat32, {2, 3}, counted(6, kFloat32));
  }
  const absl::StatusOr<Group> layers = file.root().group("layers");
  ASSERT_TRUE(layers.ok()) << layers.status();
  expect_values(layers->dataset("/dtypes/int8"), kInt8, {2, 3}, counted(6, kInt8));
  EXPECT_EQ(layers->dataset("soft/0")->path(), "/layers/dense/vars/0");
  EXPECT_TRUE(file.root().group("layers/empty")->links().empty());
  EXPECT_TRUE(*file.root().is_group("layers/soft"));
  EXPECT_FALSE(*file.root().is_group("layers/relative"));
  EXPECT_TRUE(layers->contains("dense"));
  EXPECT_FALSE(layers->contains("dens"));
  const std::string name = h5_fixture(std::string("values_") + GetParam());
  EXPECT_EQ(error_of(file.root().dataset("layers/dense")),
            name + ":/layers/dense: expected a dataset, received a group.");
  EXPECT_EQ(error_of(file.root().group("dtypes/int8")), name + ":/dtypes/int8: expected a group, received a dataset.");
  EXPECT_EQ(error_of(layers->dataset("dense/vars/1")),
            name + ":/layers/dense/vars/1: expected an object of this name, received a group without one.");
}

TEST_P(H5FileTest, ReadsChunks) {
  const File file = open("chunks");
  for (const char* name : {"plain", "deflated", "shuffled", "checked", "everything", "single", "single_deflated",
                           "limited", "growing", "growing_second", "growing_both", "growing_both_deflated", "early"}) {
    expect_values(file.root().dataset(name), kFloat32, {7, 5}, counted(35, kFloat32));
  }
  expect_values(file.root().dataset("rank3"), kInt64, {5, 4, 3}, counted(60, kInt64));
  expect_values(file.root().dataset("paged"), kInt16, {1100}, counted(1100, kInt16));
  expect_values(file.root().dataset("long"), kInt16, {600}, counted(600, kInt16));
  expect_values(file.root().dataset("unwritten"), kFloat32, {4}, {0, 0, 0, 0});
  expect_values(file.root().dataset("shrunk"), kFloat32, {4, 3}, {0, .5, 1, 2.5, 3, 3.5, 5, 5.5, 6, 7.5, 8, 8.5});
  std::vector<double> holes(35, -1);
  for (const int row : {3, 4, 5}) holes[row * 5 + 2] = holes[row * 5 + 3] = 1;
  expect_values(file.root().dataset("holes"), kFloat32, {7, 5}, holes);
  EXPECT_THAT(*file.root().dataset("strings")->read_texts(), ElementsAre("abc", "defgh", "", "i"));
}

TEST_P(H5FileTest, ReadsManyLinksAndAttributes) {
  const File file = open("many");
  const absl::StatusOr<Group> links = file.root().group("links");
  ASSERT_TRUE(links.ok()) << links.status();
  ASSERT_EQ(links->links().size(), 300u);
  EXPECT_EQ(links->links()[299].name, "value_299");
  expect_values(links->dataset("value_123"), kFloat32, {}, {123});
  const absl::StatusOr<Dataset> dataset = file.root().dataset("attributes");
  ASSERT_EQ(dataset->attributes().size(), 120u);
  EXPECT_THAT(values_of(*dataset->attribute("attribute_42")->read()), ElementsAre(42));
  EXPECT_EQ(*dataset->attribute("text_59")->read_text(), "text 59");
  EXPECT_EQ(file.datasets()->size(), 301u);
}

TEST_P(H5FileTest, ElementsBesideEachOtherAreTheFileItself) {
  const File file = open("values");
  const absl::StatusOr<Dataset> dataset = file.root().dataset("dtypes/float32");
  const std::optional<Bytes> view = dataset->view();
  ASSERT_TRUE(view.has_value());
  std::vector<float> values(6);
  ASSERT_EQ(view->size(), 24u);
  std::memcpy(values.data(), view->data(), view->size());
  EXPECT_THAT(values, ElementsAre(0, .5, 1, 1.5, 2, 2.5));
  EXPECT_FALSE(file.root().dataset("dtypes/big_endian")->view().has_value());
  EXPECT_FALSE(file.root().dataset("dtypes/bool")->view().has_value()) << "bools of files may be anything";
  std::vector<std::byte> small(8);
  EXPECT_THAT(error_of(dataset->read_into(small)), HasSubstr("expected room for 24 bytes, received 8"));
}

TEST(H5FileErrorsTest, RefusesByName) {
  const File file = open_fixture("refused");
  const std::pair<const char*, const char*> cases[] = {
      {"compound", "expected numbers, bools or strings, received compound elements of 8 bytes"},
      {"complex", "received compound elements of 8 bytes"},
      {"references", "received object references of 8 bytes"},
      {"ragged", "received variable length of 16 bytes"},
      {"lzf", "expected deflate, shuffle and fletcher32, received lzf (filter 32000)"},
      {"scaled", "received scaleoffset"},
      {"bomb", "received a claim of 4503599627370496 bytes"},
      {"external_storage", "expected elements in this file, received a dataset with external storage"},
      {"virtual", "received a virtual dataset, whose elements lie in others"},
      {"external_link", "received an external link, which Mica never follows"},
      {"soft_loop", "received ones that lead in circles"},
      {"soft_pair", "received ones that lead in circles"},
      {"dangling", "/nowhere: expected an object of this name, received a group without one"},
      {"missing", "expected an object of this name"},
  };
  for (const auto& [name, message] : cases) {
    const std::string error = error_of(file.root().dataset(name));
    EXPECT_THAT(error, HasSubstr(message)) << name;
    EXPECT_THAT(error, HasSubstr(h5_fixture("refused") + ":/")) << name;
  }
  EXPECT_THAT(error_of(file.root().dataset("opaque")->dtype()), HasSubstr("expected numbers, received opaque bytes"));
  EXPECT_NE(error_of(file.datasets()), "");
}

TEST(H5FileTest, VisitsGroupsInCirclesOnce) {
  const File file = open_fixture("circle");
  const absl::StatusOr<std::vector<Dataset>> datasets = file.datasets();
  ASSERT_TRUE(datasets.ok()) << datasets.status();
  ASSERT_EQ(datasets->size(), 1u);
  EXPECT_EQ(datasets->front().path(), "/a/value");
  expect_values(file.root().dataset("a/b/again/b/again/value"), kFloat32, {}, {1});
}

TEST(H5FileErrorsTest, RefusesOtherFilesAndTruncatedOnes) {
  const std::string whole = read_text(h5_fixture("values_earliest"));
  const auto open_text = [](std::string_view text) {
    return error_of(File::open(as_bytes(text), nullptr, "a.keras:model.weights.h5"));
  };
  EXPECT_EQ(open_text(whole), "");
  EXPECT_EQ(open_text(std::string_view(whole).substr(0, 3000)),
            "a.keras:model.weights.h5: expected the " + std::to_string(whole.size()) +
                " bytes that the superblock claims, received 3000. Is the file damaged or cut off?");
  EXPECT_EQ(open_text("not an HDF5 file"),
            "a.keras:model.weights.h5: expected an HDF5 file, received 16 bytes that do not begin like one."
            " Is the file damaged or cut off?");
  EXPECT_NE(open_text(""), "");
}

}  // namespace
}  // namespace mica::files::hdf5
