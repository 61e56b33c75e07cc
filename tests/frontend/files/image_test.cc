// PNG and JPEG files: what is written is read again, and bad files are errors.
#include "frontend/files/image.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "frontend/mica/io.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

std::string path_of(const std::string& name) { return ::testing::TempDir() + "mica_image_" + name; }

// Smooth, so that JPEG changes little.
Tensor waves(std::int64_t height, std::int64_t width, std::int64_t channels) {
  std::vector<int> values;
  for (std::int64_t i = 0; i < height * width * channels; ++i) {
    values.push_back(static_cast<int>(127 + 100 * std::sin(0.05 * static_cast<double>(i / channels % width) +
                                                           0.04 * static_cast<double>(i / channels / width))));
  }
  return tensor(values, {height, width, channels}).to(kUInt8);
}

TEST(ImageFileTest, PngKeepsEveryPixel) {
  for (std::int64_t channels : {1, 3, 4}) {
    const Tensor image = waves(5, 7, channels);
    save_image(path_of("kept.png"), image);
    const Tensor read = load_image(path_of("kept.png"));
    EXPECT_EQ(read.shape(), image.shape());
    EXPECT_EQ(read.to_vector<int>(), image.to_vector<int>()) << channels;
  }
}

TEST(ImageFileTest, JpegKeepsMostOfEveryPixel) {
  for (std::int64_t channels : {1, 3}) {
    const Tensor image = waves(16, 24, channels);
    save_image(path_of("kept.jpg"), image);
    const Tensor read = load_image(path_of("kept.jpg"));
    EXPECT_EQ(read.shape(), image.shape());
    const std::vector<int> got = read.to_vector<int>(), want = image.to_vector<int>();
    for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 8) << i;
  }
}

TEST(ImageFileTest, NamesAndShapesThatCannotBeWritten) {
  EXPECT_EQ(error_of([] { save_image(path_of("a.gif"), waves(2, 2, 1)); }),
            path_of("a.gif") + ": expected a name that ends with .png, .jpg or .jpeg, received another one.");
  EXPECT_EQ(error_of([] { save_image(path_of("a.jpg"), waves(2, 2, 4)); }),
            path_of("a.jpg") + ": expected uint8 [height, width, 1 or 3], received uint8[2,2,4].");
  EXPECT_EQ(error_of([] { save_image(path_of("a.png"), ones({2, 2, 3})); }),
            path_of("a.png") + ": expected uint8 [height, width, 1, 3 or 4], received float32[2,2,3].");
}

TEST(ImageFileTest, PicturesThatEndEarlyAreErrors) {
  for (const char* name : {"cut.png", "cut.jpg"}) {
    save_image(path_of(name), waves(64, 48, 3));
    const auto size = std::filesystem::file_size(path_of(name));
    for (const double part : {0.9, 0.7, 0.3, 0.01}) {
      std::filesystem::resize_file(path_of(name), static_cast<std::uintmax_t>(static_cast<double>(size) * part));
      EXPECT_FALSE(files::read_image(path_of(name)).ok()) << name << " " << part;
    }
  }
}

// Every file that has another byte somewhere is an error or a picture, never a crash.
TEST(ImageFileTest, MutantsAreErrorsOrPictures) {
  for (const char* name : {"mutant.png", "mutant.jpg"}) {
    save_image(path_of(name), waves(16, 24, 3));
    std::stringstream content;
    content << std::ifstream(path_of(name), std::ios::binary).rdbuf();
    const std::string good = content.str();
    int refused = 0;
    for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 300) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 0x5A);
      std::ofstream(path_of(name), std::ios::binary) << bad;
      refused += !files::read_image(path_of(name)).ok();
    }
    EXPECT_GT(refused, 10) << name;
  }
}

}  // namespace
}  // namespace mica
