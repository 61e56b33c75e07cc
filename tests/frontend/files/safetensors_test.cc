#include "frontend/files/safetensors.h"

#include <cstdlib>
#include <iostream>
#include <map>

#include "frontend/mica/io.h"
#include "tests/frontend/files/file_testing.h"
#include "tests/frontend/files/mutation.h"

namespace mica::files {
namespace {

using testing::HasSubstr;
using SafetensorsTest = TempFolder;

const std::string kFixture = MICA_SOURCE_DIR "/tests/fixtures/safetensors/all.safetensors";

// The arrays of make_safetensors_fixtures.py.
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
  return arrays;
}

// By name: the order is the file's own.
void expect_equal(const absl::StatusOr<NamedArrays>& got, const NamedArrays& want) {
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_EQ(got->size(), want.size());
  for (const auto& [name, array] : want) {
    const auto found = std::find_if(got->begin(), got->end(), [&](const auto& item) { return item.first == name; });
    ASSERT_NE(found, got->end()) << name;
    EXPECT_EQ(found->second.dtype().name(), array.dtype().name()) << name;
    EXPECT_EQ(found->second.dims(), array.dims()) << name;
    EXPECT_EQ(values_of(found->second), values_of(array)) << name;
  }
}

// A file of this header and so many bytes of data.
std::string file_of(const std::string& header, std::size_t data_bytes) {
  std::string content;
  append_le<std::uint64_t>(content, header.size());
  return content + header + std::string(data_bytes, '\0');
}

TEST_F(SafetensorsTest, ReadsWhatTheLibrarySaved) { expect_equal(read_safetensors(kFixture), expected_arrays()); }

TEST_F(SafetensorsTest, RoundTrip) {
  NamedArrays arrays = expected_arrays();
  arrays.emplace_back("bfloat16", make_array(kBFloat16, {3}, {0.5, -2, 3}));
  ASSERT_TRUE(write_safetensors(path("a.safetensors"), arrays, {{"a", "b\"ä"}}).ok());
  expect_equal(read_safetensors(path("a.safetensors")), arrays);
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(SafetensorsTest, TheLibraryReadsOurs) {
  const char* given = std::getenv("MICA_SAFETENSORS_PYTHON");
  const std::string python = given != nullptr ? given : "python3";
  if (std::system((python + " -c 'import safetensors, numpy, ml_dtypes' 2>/dev/null").c_str()) != 0) {
    std::cerr << "*** SKIPPED: " << python << " with safetensors and ml_dtypes is not here, so that nobody has read "
              << "our .safetensors files but ourselves; MICA_SAFETENSORS_PYTHON names one ***\n";
    GTEST_SKIP() << "NOT TESTED: needs python3 with safetensors";
  }
  NamedArrays arrays = expected_arrays();
  arrays.emplace_back("bfloat16", make_array(kBFloat16, {2, 3}, {0, 0.5, 1, 1.5, 2, 2.5}));
  ASSERT_TRUE(write_safetensors(path("ours.safetensors"), arrays, {{"format", "pt"}, {"from", "mica"}}).ok());
  const std::string script = MICA_SOURCE_DIR "/tests/fixtures/make_safetensors_fixtures.py";
  EXPECT_EQ(std::system((python + " " + script + " check " + path("ours.safetensors")).c_str()), 0);
}

TEST_F(SafetensorsTest, TensorsComeBack) {
  const TensorDict tensors{{"a/kernel", tensor({1.5, -2})}, {"b", arange(3)}};
  save_safetensors(path("a.safetensors"), tensors, {{"format", "pt"}});
  const TensorDict found = load_safetensors(path("a.safetensors"));
  EXPECT_EQ(found["a/kernel"].to_vector<double>(), (std::vector<double>{1.5, -2}));
  EXPECT_EQ(found["b"].to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST_F(SafetensorsTest, RefusesWhatItIsNot) {
  const std::string where = path("a.safetensors");
  auto error = [&](const std::string& content) { return error_of(read_safetensors(put("a.safetensors", content))); };
  EXPECT_EQ(error("short"), where + ": expected a .safetensors file, received 5 bytes.");
  EXPECT_EQ(error("this is some text"),
            where + ": expected a header of at most 9 bytes, received 2338328219631577204. Is it a .safetensors file?");
  EXPECT_EQ(error(file_of("[]", 0)), where + ": expected a header that is an object, received [].");
  EXPECT_EQ(error(file_of(R"({"a": {"dtype": "F8_E4M3", "shape": [1], "data_offsets": [0, 1]}})", 1)),
            where + ": expected a dtype that Mica has, of 'a', received \"F8_E4M3\".");
  EXPECT_EQ(error(file_of(R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", 4)),
            where + ": expected the shape of 'a' as a list of sizes, received [-1].");
  EXPECT_EQ(error(file_of(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", 4)),
            where + ": expected 8 bytes of 'a', received those from 0 to 4.");
  EXPECT_EQ(error(file_of(R"({"a": {"dtype": "F32", "shape": [4611686018427387904], "data_offsets": [0, 0]}})", 0)),
            where + ": expected fewer than 2^63 bytes, received a shape with more.");
  EXPECT_EQ(error(file_of(R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},)"
                          R"("b": {"dtype": "U8", "shape": [2], "data_offsets": [1, 3]}})",
                          3)),
            where + ": expected an array at byte 2 of the data, received one at byte 1.");
  EXPECT_EQ(error(file_of(R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}})", 3)),
            where + ": expected 2 bytes after the header, received 3. Is the file damaged or cut off?");
  EXPECT_THAT(error(file_of(R"({"__metadata__": {"a": 1}})", 0)), HasSubstr("an object of strings"));
}

TEST_F(SafetensorsTest, RefusesEveryTruncation) {
  put("a.safetensors", read_text(kFixture));
  for (std::size_t size = std::filesystem::file_size(path("a.safetensors")); size-- > 0;) {
    std::filesystem::resize_file(path("a.safetensors"), size);
    ASSERT_NE(error_of(read_safetensors(path("a.safetensors"))), "") << "cut to " << size;
  }
}

TEST_F(SafetensorsTest, EveryMutantIsReadOrRefused) {
  Mutator mutator(read_text(kFixture), 20251121);
  const int count = mutant_count(300);
  int refused = 0;
  for (int i = 0; i < count; ++i) {
    refused += !read_safetensors(put("mutant.safetensors", mutator.next())).ok();
  }
  EXPECT_GT(refused, count / 2);
}

}  // namespace
}  // namespace mica::files
