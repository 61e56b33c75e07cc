#include "frontend/files/zip_reader.h"
#include "frontend/files/zip_writer.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using testing::HasSubstr;

class ZipTest : public TempFolder {
 protected:
  // An archive of two members, `first` and `second`.
  std::string two_members(Compression compression = Compression::kNone) const {
    absl::StatusOr<ZipWriter> zip = ZipWriter::create(path("two.zip"));
    EXPECT_TRUE(zip->add("first", {as_bytes("some "), as_bytes("content")}, compression).ok());
    EXPECT_TRUE(zip->add("folder/second", {}, compression).ok());
    EXPECT_TRUE(zip->finish().ok());
    return read_text(path("two.zip"));
  }
};

// `text` with the bytes at the n-th occurrence of `from` replaced by those of `to`.
std::string with(std::string text, const std::string& from, const std::string& to, int occurrence = 0) {
  std::size_t at = text.find(from);
  while (occurrence-- > 0) at = text.find(from, at + 1);
  return text.replace(at, to.size(), to);
}

// The number at `offset` behind the n-th `signature` replaced.
template <class T>
std::string with_number(std::string text, const std::string& signature, std::size_t offset, T value,
                        int occurrence = 0) {
  std::size_t at = text.find(signature);
  while (occurrence-- > 0) at = text.find(signature, at + 1);
  std::string raw;
  append_le<T>(raw, value);
  return text.replace(at + offset, raw.size(), raw);
}

const std::string kLocal("PK\x03\x04"), kCentral("PK\x01\x02"), kEnd("PK\x05\x06");

TEST_F(ZipTest, RoundTrip) {
  for (const Compression compression : {Compression::kNone, Compression::kDeflate}) {
    two_members(compression);
    const auto zip = ZipReader::open(path("two.zip"));
    ASSERT_TRUE(zip.ok()) << zip.status();
    ASSERT_EQ(zip->members().size(), 2u);
    ASSERT_NE(zip->find("first"), nullptr);
    EXPECT_EQ(as_text(*zip->read(*zip->find("first"))), "some content");
    EXPECT_TRUE(zip->read(*zip->find("folder/second"))->empty());
    EXPECT_EQ(zip->find("second"), nullptr);
  }
}

TEST_F(ZipTest, StoredContentIsAligned) {
  two_members();
  const auto zip = ZipReader::open(path("two.zip"));
  for (const ZipMember& member : zip->members()) EXPECT_EQ(member.offset % 64, 0u) << member.name;
  EXPECT_EQ(as_text(*zip->stored_bytes(*zip->find("first"))), "some content");
}

TEST_F(ZipTest, MoreThan65535MembersNeedTheWideDirectory) {
  absl::StatusOr<ZipWriter> writer = ZipWriter::create(path("many.zip"));
  for (int i = 0; i < 66000; ++i) ASSERT_TRUE(writer->add(std::to_string(i), {}).ok());
  ASSERT_TRUE(writer->finish().ok());
  const auto zip = ZipReader::open(path("many.zip"));
  ASSERT_TRUE(zip.ok()) << zip.status();
  EXPECT_EQ(zip->members().size(), 66000u);
}

TEST_F(ZipTest, ReadsWideSizesOfSmallMembers) {  // NumPy writes every member so
  const auto zip = ZipReader::open(fixture("stored.npz"));
  ASSERT_TRUE(zip.ok()) << zip.status();
  EXPECT_EQ(zip->find("scalar.npy")->size, 128u + 4u);
}

TEST_F(ZipTest, ComparesChecksums) {
  const std::string damaged = with(two_members(), "some content", "same content");
  const auto zip = ZipReader::open(put("a.zip", damaged));
  ASSERT_TRUE(zip.ok());
  const std::string message = path("a.zip") +
                              ":first: expected the content that its checksum promises, received other bytes."
                              " Is the file damaged?";
  EXPECT_EQ(error_of(zip->read(*zip->find("first"))), message);
  EXPECT_EQ(error_of(zip->stored_bytes(*zip->find("first"))), message);
}

TEST_F(ZipTest, RefusesMembersOutsideTheFile) {
  const std::string text = two_members();
  EXPECT_THAT(error_of(ZipReader::open(put("a.zip", with_number<std::uint32_t>(text, kCentral, 42, 1u << 30)))),
              HasSubstr("expected the header of first at byte 1073741824, received something else"));
  std::string far = with_number<std::uint32_t>(text, kCentral, 20, 1u << 30);
  far = with_number<std::uint32_t>(far, kCentral, 24, 1u << 30);
  EXPECT_THAT(error_of(ZipReader::open(put("b.zip", far))), HasSubstr("expected 1073741824 bytes of first"));
}

TEST_F(ZipTest, RefusesMembersThatShareBytes) {
  // Both directory entries point at the first member.
  std::string text = with(two_members(), "folder/second", "first/another");
  text = with_number<std::uint32_t>(text, kCentral, 42, 0, 1);
  EXPECT_NE(error_of(ZipReader::open(put("a.zip", text))), "");

  absl::StatusOr<ZipWriter> writer = ZipWriter::create(path("same.zip"));
  ASSERT_TRUE(writer->add("a", {as_bytes("one")}).ok());
  ASSERT_TRUE(writer->add("a", {as_bytes("two")}).ok());
  ASSERT_TRUE(writer->finish().ok());
  EXPECT_THAT(error_of(ZipReader::open(path("same.zip"))), HasSubstr("expected each member once, received a twice"));
}

TEST_F(ZipTest, RefusesADirectoryOutsideTheFile) {
  const std::string text = two_members();
  EXPECT_THAT(error_of(ZipReader::open(put("a.zip", with_number<std::uint32_t>(text, kEnd, 16, 1u << 30)))),
              HasSubstr("expected a directory inside the file"));
  EXPECT_THAT(error_of(ZipReader::open(put("b.zip", with_number<std::uint16_t>(text, kEnd, 10, 60000)))),
              HasSubstr("expected a directory inside the file, received 60000 members"));
}

TEST_F(ZipTest, RefusesWhatItCannotRead) {
  const std::string text = two_members();
  EXPECT_THAT(error_of(ZipReader::open(put("a.zip", with_number<std::uint16_t>(text, kCentral, 8, 1)))),
              HasSubstr(":first: expected a member that is not encrypted, received an encrypted one."));
  EXPECT_THAT(error_of(ZipReader::open(put("b.zip", with_number<std::uint16_t>(text, kCentral, 10, 12)))),
              HasSubstr(":first: expected a stored or deflated member, received compression method 12."));
  EXPECT_THAT(error_of(ZipReader::open(put("c.zip", with(text, "first", "fiSst")))), HasSubstr("one name for first"));
}

// A deflated member that claims more than its bytes can hold takes no memory for the claim.
TEST_F(ZipTest, RefusesClaimsThatDeflateCannotKeep) {
  const std::string text = with_number<std::uint32_t>(two_members(Compression::kDeflate), kCentral, 24, 4'000'000'000u);
  const auto zip = ZipReader::open(put("a.zip", text));
  ASSERT_TRUE(zip.ok()) << zip.status();
  EXPECT_LT(zip->source(*zip->find("first"))->at_most(), 100'000u);
  EXPECT_THAT(error_of(zip->read(*zip->find("first"))), HasSubstr("expected as many bytes as the directory claims"));
}

}  // namespace
}  // namespace mica::files
