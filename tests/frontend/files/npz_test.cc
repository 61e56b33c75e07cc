#include "frontend/files/npz.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

#include "frontend/files/npy.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using NpzTest = TempFolder;

// The arrays of make_file_fixtures.py: counted from 0, halves for floating types.
NamedArrays expected_arrays() {
  NamedArrays arrays;
  for (const char* name : {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}) {
    const bool is_bool = std::string_view(name) == "bool";
    arrays.emplace_back(
        name, make_array(name, {2, 3},
                         is_bool ? std::vector<double>{0, 1, 1, 1, 1, 1} : std::vector<double>{0, 1, 2, 3, 4, 5}));
  }
  for (const char* name : {"float16", "float32", "float64"}) {
    arrays.emplace_back(name, make_array(name, {2, 3}, {0, 0.5, 1, 1.5, 2, 2.5}));
  }
  arrays.emplace_back("scalar", make_array(kFloat32, {}, {2.5}));
  arrays.emplace_back("empty", make_array(kFloat32, {0, 3}, {}));
  arrays.emplace_back("vector", make_array(kFloat32, {5}, {0, 0.5, 1, 1.5, 2}));
  arrays.emplace_back("rank4", make_array(kFloat64, {2, 1, 3, 2}, {0, .5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5}));
  return arrays;
}

void expect_equal(const absl::StatusOr<NamedArrays>& got, const NamedArrays& want) {
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_EQ(got->size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    const auto& [name, array] = (*got)[i];
    EXPECT_EQ(name, want[i].first);
    EXPECT_EQ(array.dtype().name(), want[i].second.dtype().name()) << name;
    EXPECT_EQ(array.dims(), want[i].second.dims()) << name;
    EXPECT_EQ(values_of(array), values_of(want[i].second)) << name;
  }
}

TEST_F(NpzTest, ReadsWhatNumpySaved) {
  expect_equal(read_npz(fixture("stored.npz")), expected_arrays());
  expect_equal(read_npz(fixture("deflated.npz")), expected_arrays());
}

TEST_F(NpzTest, RoundTrip) {
  for (const Compression compression : {Compression::kNone, Compression::kDeflate}) {
    ASSERT_TRUE(write_npz(path("a.npz"), expected_arrays(), compression).ok());
    expect_equal(read_npz(path("a.npz")), expected_arrays());
  }
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(NpzTest, WritesEqualBytesForEqualArrays) {
  ASSERT_TRUE(write_npz(path("a.npz"), expected_arrays()).ok());
  ASSERT_TRUE(write_npz(path("b.npz"), expected_arrays()).ok());
  EXPECT_TRUE(read_text(path("a.npz")) == read_text(path("b.npz")));
}

TEST_F(NpzTest, NumpyReadsOurs) {
  if (std::system("python3 -c 'import numpy' 2>/dev/null") != 0) {
    std::cerr
        << "*** SKIPPED: python3 with numpy is not here, so that nobody has read our .npz files but ourselves ***\n";
    GTEST_SKIP() << "NOT TESTED: needs python3 with numpy";
  }
  ASSERT_TRUE(write_npz(path("ours.npz"), expected_arrays()).ok());
  ASSERT_TRUE(write_npz(path("ours_deflated.npz"), expected_arrays(), Compression::kDeflate).ok());
  std::vector<double> counted;
  for (int i = 0; i < 24; ++i) counted.push_back(i / 2.0);
  ASSERT_TRUE(write_npy(path("ours.npy"), make_array(kFloat32, {2, 3, 4}, counted)).ok());
  const std::string script = MICA_SOURCE_DIR "/tests/fixtures/make_file_fixtures.py";
  EXPECT_EQ(std::system(("python3 " + script + " check " + path("")).c_str()), 0);
}

TEST_F(NpzTest, RefusesArraysOfOneName) {
  const rt::Array array = make_array(kFloat32, {1}, {1});
  EXPECT_EQ(error_of(write_npz(path("a.npz"), {{"a", array}, {"a", array}})),
            path("a.npz") + ": expected arrays of different names, received 'a' twice.");
  EXPECT_EQ(file_count(), 0u) << "a refused archive leaves nothing behind";
}

TEST_F(NpzTest, RefusesOtherArchivesAndFiles) {
  EXPECT_EQ(error_of(read_npz(put("a.npz", "not a zip archive, but long enough to be one"))),
            path("a.npz") +
                ": expected a zip archive, received 44 bytes without a zip directory at the end."
                " Is the file damaged or cut off?");
  EXPECT_THAT(error_of(read_npz(fixture(""))), HasSubstr("expected a regular file, received a folder or device"));
}

TEST_F(NpzTest, RefusesEveryTruncation) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    put("a.npz", read_text(fixture(name)));
    for (std::size_t size = std::filesystem::file_size(path("a.npz")); size-- > 0;) {
      std::filesystem::resize_file(path("a.npz"), size);
      ASSERT_NE(error_of(read_npz(path("a.npz"))), "") << name << " cut to " << size;
    }
  }
}

// Every byte of a small archive changed in turn: an error or arrays, never a crash.
TEST_F(NpzTest, SurvivesEveryChangedByte) {
  const NamedArrays small{{"a", make_array(kFloat32, {2}, {1, 2})}, {"b", make_array(kInt8, {3}, {1, 2, 3})}};
  for (const Compression compression : {Compression::kNone, Compression::kDeflate}) {
    ASSERT_TRUE(write_npz(path("a.npz"), small, compression).ok());
    const std::string whole = read_text(path("a.npz"));
    std::map<bool, int> outcomes;
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int change : {0x01, 0x80, 0xff}) {
        put_byte("a.npz", at, static_cast<char>(whole[at] ^ change));
        ++outcomes[read_npz(path("a.npz")).ok()];
      }
      put_byte("a.npz", at, whole[at]);
    }
    EXPECT_GT(outcomes[false], outcomes[true]);
  }
}

}  // namespace
}  // namespace mica::files
