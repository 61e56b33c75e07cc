#include "frontend/files/byte_source.h"

#include "frontend/files/bytes.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

std::string text_of(const std::vector<std::byte>& bytes) { return std::string(as_text(bytes)); }

TEST(ByteSourceTest, MemoryKnowsHowMuchIsLeft) {
  const auto source = open_source(as_bytes("abcde"), Compression::kNone, "here");
  std::byte three[3];
  ASSERT_TRUE(source->read_exactly(three, "letters").ok());
  EXPECT_EQ(as_text(three), "abc");
  EXPECT_EQ(source->at_most(), 2u);
  EXPECT_EQ(error_of(source->expect_end()), "here: expected nothing after the data, received more bytes.");
  EXPECT_EQ(error_of(source->read_exactly(three, "letters")),
            "here: expected 3 bytes of letters, received 1. Was the file cut off?");
}

TEST(ByteSourceTest, InflatesWhatDeflateMade) {
  std::string content(3'000'000, 'a');
  for (std::size_t i = 0; i < content.size(); i += 7) content[i] = static_cast<char>(i * i % 251);
  const std::vector<std::byte> deflated = deflate_bytes(as_bytes(content));
  EXPECT_LT(deflated.size(), content.size());
  const auto source = open_source(deflated, Compression::kDeflate, "here");
  EXPECT_GE(source->at_most(), content.size());
  const auto inflated = read_all(*source);
  ASSERT_TRUE(inflated.ok());
  EXPECT_TRUE(text_of(*inflated) == content);
  EXPECT_EQ(source->at_most(), 0u);
}

TEST(ByteSourceTest, DeflatesNothing) {
  const auto source = open_source(deflate_bytes({}), Compression::kNone, "here");
  const std::vector<std::byte> deflated = deflate_bytes({});
  const auto inflated = read_all(*open_source(deflated, Compression::kDeflate, "here"));
  ASSERT_TRUE(inflated.ok());
  EXPECT_TRUE(inflated->empty());
}

TEST(ByteSourceTest, SaysThatDeflateDataEndsEarly) {
  std::vector<std::byte> deflated = deflate_bytes(as_bytes("some text that is long enough to be cut"));
  deflated.resize(deflated.size() - 4);
  EXPECT_EQ(error_of(read_all(*open_source(deflated, Compression::kDeflate, "here"))),
            "here: expected whole deflate data, received data that ends early. Was the file cut off?");
}

TEST(ByteSourceTest, SaysThatDeflateDataIsDamaged) {
  const std::vector<std::byte> nonsense(20, std::byte{0xff});
  EXPECT_EQ(error_of(read_all(*open_source(nonsense, Compression::kDeflate, "here"))),
            "here: expected whole deflate data, received damaged data.");
}

TEST(ByteSourceTest, KnowsGzipByItsFirstBytes) {
  EXPECT_EQ(detect_compression(as_bytes("\x1f\x8b\x08")), Compression::kGzip);
  EXPECT_EQ(detect_compression(as_bytes("\x1f")), Compression::kNone);
}

TEST(BytesTest, SwapsElementsOfEachWidth) {
  std::byte bytes[] = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  swap_elements(bytes, 2);
  EXPECT_EQ(load_le<std::uint32_t>(bytes, 0), 0x03040102u);
  swap_elements(bytes, 1);
  EXPECT_EQ(load_le<std::uint32_t>(bytes, 0), 0x03040102u);
}

}  // namespace
}  // namespace mica::files
