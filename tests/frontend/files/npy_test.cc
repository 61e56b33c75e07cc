#include "frontend/files/npy.h"

#include "frontend/files/npy_header.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using NpyTest = TempFolder;

TEST_F(NpyTest, WritesTheHeaderOfNumpy) {
  EXPECT_EQ(npy_header_text(kFloat32, {}), "{'descr': '<f4', 'fortran_order': False, 'shape': (), }");
  EXPECT_EQ(npy_header_text(kBool, {3}), "{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }");
  EXPECT_EQ(npy_header_text(kInt64, {3, 4}), "{'descr': '<i8', 'fortran_order': False, 'shape': (3, 4), }");
  EXPECT_EQ(npy_preamble(kFloat32, {3, 4}).size() % 64, 0u);
}

TEST_F(NpyTest, RoundTripKeepsEveryDtype) {
  for (int kind = 0; kind < DType::kCount; ++kind) {
    const DType dtype(static_cast<DType::Kind>(kind));
    ASSERT_TRUE(write_npy(path("a.npy"), make_array(dtype, {2, 2}, {0, 1, 1, 0})).ok());
    const auto array = read_npy(path("a.npy"));
    ASSERT_TRUE(array.ok()) << array.status();
    EXPECT_EQ(array->dtype().name(), dtype.name());
    EXPECT_THAT(array->dims(), ElementsAre(2, 2));
    EXPECT_THAT(values_of(*array), ElementsAre(0, 1, 1, 0)) << dtype.name();
  }
}

TEST_F(NpyTest, TurnsColumnMajorIntoRowMajor) {
  const auto array = read_npy(fixture("fortran.npy"));
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_THAT(array->dims(), ElementsAre(2, 3, 4));
  for (std::int64_t i = 0; i < 24; ++i) EXPECT_EQ(array->at(i), static_cast<double>(i) / 2);
}

TEST_F(NpyTest, SwapsBigEndianNumbers) {
  const auto array = read_npy(fixture("big_endian.npy"));
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_THAT(values_of(*array), ElementsAre(0, 0.5, 1, 1.5, 2, 2.5));
}

TEST_F(NpyTest, ReadsVersion2) {
  const auto array = read_npy(fixture("version2.npy"));
  ASSERT_TRUE(array.ok()) << array.status();
  EXPECT_THAT(values_of(*array), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(NpyTest, MappedArraysMayBeWrittenWithoutTouchingTheFile) {
  ASSERT_TRUE(write_npy(path("a.npy"), make_array(kFloat32, {2}, {1, 2})).ok());
  const auto array = read_npy(path("a.npy"));
  array->set(0, 9);
  EXPECT_THAT(values_of(*array), ElementsAre(9, 2));
  EXPECT_THAT(values_of(*read_npy(path("a.npy"))), ElementsAre(1, 2));
}

TEST_F(NpyTest, RefusesWhatIsNotNumbers) {
  EXPECT_EQ(error_of(read_npy(fixture("objects.npy"))),
            fixture("objects.npy") +
                ": expected a dtype of numbers, received '|O'. Arrays of Python objects cannot be read.");
  EXPECT_EQ(error_of(read_npy(fixture("structured.npy"))),
            fixture("structured.npy") + ": expected a dtype of numbers, received a structured one.");
}

TEST_F(NpyTest, NamesAFileThatIsMissing) {
  EXPECT_EQ(error_of(read_npy(path("none.npy"))),
            path("none.npy") + ": expected to open the file, received 'No such file or directory'.");
}

// A .npy file with this header text and `data_bytes` bytes of zeros.
std::string npy_with_header(const std::string& header, std::size_t data_bytes) {
  std::string content("\x93NUMPY\x01\x00", 8);
  append_le<std::uint16_t>(content, static_cast<std::uint16_t>(header.size()));
  return content + header + std::string(data_bytes, '\0');
}

TEST_F(NpyTest, RefusesSizesThatTheFileDoesNotHave) {
  const std::string claim = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }";
  EXPECT_EQ(
      error_of(read_npy(put("a.npy", npy_with_header(claim, 8)))),
      path("a.npy") + ": expected 4000000000000 bytes after the header, received 8. Is the file damaged or cut off?");
  const std::string overflow = "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }";
  EXPECT_EQ(error_of(read_npy(put("b.npy", npy_with_header(overflow, 8)))),
            path("b.npy") + ": expected fewer than 2^63 bytes, received a shape with more.");
}

TEST_F(NpyTest, RefusesMalformedHeaders) {
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} more",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'shape': (2,)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (99999999999999999999,)}"}) {
    EXPECT_THAT(error_of(read_npy(put("a.npy", npy_with_header(header, 8)))),
                HasSubstr("expected a .npy header with descr, fortran_order and shape"))
        << header;
  }
}

TEST_F(NpyTest, RefusesEveryTruncation) {
  const std::string whole = read_text(fixture("big_endian.npy"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(error_of(read_npy(put("a.npy", whole.substr(0, size)))), "") << size;
  }
}

}  // namespace
}  // namespace mica::files
