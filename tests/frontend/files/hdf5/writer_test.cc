// What is written comes back bit for bit, and h5py reads it as its own.
#include "frontend/files/hdf5/writer.h"

#include <cstdlib>
#include <iostream>

#include "frontend/files/hdf5/file.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files::hdf5 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using H5WriterTest = TempFolder;

constexpr const char* kDTypes[] = {"bool",   "int8",   "int16",   "int32",   "int64",    "uint8",  "uint16",
                                   "uint32", "uint64", "float16", "float32", "bfloat16", "float64"};

rt::Array counted(DType dtype) {
  return make_array(dtype, {2, 3},
                    dtype.is_bool()       ? std::vector<double>{0, 1, 1, 1, 1, 1}
                    : dtype.is_floating() ? std::vector<double>{0, .5, 1, 1.5, 2, 2.5}
                                          : std::vector<double>{0, 1, 2, 3, 4, 5});
}

absl::Status write_everything(const std::string& path) {
  absl::StatusOr<Writer> writer = Writer::create(path);
  MICA_FILE_TRY(writer.status());
  for (const char* dtype : kDTypes) MICA_FILE_TRY(writer->add_dataset(std::string("/dtypes/") + dtype, counted(dtype)));
  MICA_FILE_TRY(writer->add_dataset("/shapes/scalar", make_array(kFloat32, {}, {2.5})));
  MICA_FILE_TRY(writer->add_dataset("/shapes/empty", make_array(kFloat32, {0, 3}, {})));
  MICA_FILE_TRY(writer->add_group("/layers/dense/vars"));
  MICA_FILE_TRY(writer->add_group("/layers/dense"));
  MICA_FILE_TRY(writer->add_attribute("/layers/dense/vars", "name", "hidden Ⅱ"));
  MICA_FILE_TRY(writer->add_attribute("/", "rates", make_array(kFloat32, {2}, {0.5, 0.25})));
  return writer->finish();
}

TEST_F(H5WriterTest, WhatIsWrittenComesBack) {
  const absl::Status status = write_everything(path("a.h5"));
  ASSERT_TRUE(status.ok()) << status;
  const absl::StatusOr<File> file = File::open(path("a.h5"));
  ASSERT_TRUE(file.ok()) << file.status();
  for (const char* dtype : kDTypes) {
    const rt::Array want = counted(dtype);
    const absl::StatusOr<rt::Array> got = file->root().dataset(std::string("dtypes/") + dtype)->read();
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->dtype().name(), want.dtype().name());
    EXPECT_EQ(got->dims(), want.dims());
    EXPECT_EQ(std::memcmp(got->data(), want.data(), static_cast<std::size_t>(want.bytes())), 0) << dtype;
  }
  EXPECT_THAT(values_of(*file->root().dataset("shapes/scalar")->read()), ElementsAre(2.5));
  EXPECT_THAT(file->root().dataset("shapes/empty")->shape(), ElementsAre(0, 3));
  EXPECT_EQ(*file->root().group("layers/dense/vars")->attribute("name")->read_text(), "hidden Ⅱ");
  EXPECT_THAT(values_of(*file->root().attribute("rates")->read()), ElementsAre(0.5, 0.25));
}

TEST_F(H5WriterTest, EqualCallsGiveEqualBytes) {
  ASSERT_TRUE(write_everything(path("a.h5")).ok());
  ASSERT_TRUE(write_everything(path("b.h5")).ok());
  EXPECT_TRUE(read_text(path("a.h5")) == read_text(path("b.h5")));
}

TEST_F(H5WriterTest, H5pyReadsOurs) {
  const char* chosen = std::getenv("MICA_TEST_PYTHON");
  const std::string python = chosen != nullptr ? chosen : "python3";
  if (std::system((python + " -c 'import h5py, ml_dtypes' 2>/dev/null").c_str()) != 0) {
    std::cerr << "*** SKIPPED: " << python << " has no h5py, so that nobody has read our .h5 files but ourselves ***\n";
    GTEST_SKIP() << "NOT TESTED: needs python3 (or MICA_TEST_PYTHON) with h5py and ml_dtypes";
  }
  ASSERT_TRUE(write_everything(path("a.h5")).ok());
  const std::string script = MICA_SOURCE_DIR "/tests/fixtures/make_h5_fixtures.py";
  EXPECT_EQ(std::system((python + " " + script + " check " + path("a.h5")).c_str()), 0);
}

TEST_F(H5WriterTest, SaysWhatFailed) {
  EXPECT_THAT(error_of(Writer::create(path("missing/a.h5"))),
              HasSubstr(path("missing/a.h5") + ": expected to create an HDF5 file, received '"));
  absl::StatusOr<Writer> writer = Writer::create(path("a.h5"));
  ASSERT_TRUE(writer->add_dataset("/x", make_array(kFloat32, {1}, {1})).ok());
  EXPECT_THAT(error_of(writer->add_dataset("/x", make_array(kFloat32, {1}, {1}))),
              HasSubstr("a.h5: expected to write the dataset /x, received '"));
  EXPECT_THAT(error_of(writer->add_attribute("/y", "name", "text")), HasSubstr("write the attribute 'name' of /y"));
  EXPECT_TRUE(writer->finish().ok());
}

}  // namespace
}  // namespace mica::files::hdf5
