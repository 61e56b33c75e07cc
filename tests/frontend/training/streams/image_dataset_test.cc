// image_dataset_from_directory against real Keras, on tests/fixtures/streams/pictures.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "frontend/graph/random.h"
#include "tests/frontend/training/streams/stream_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;

const std::string kFolder = MICA_SOURCE_DIR "/tests/fixtures/streams/pictures";

class ImageDatasetTest : public StreamTest {
 protected:
  static ImageDatasetOptions options() { return {.batch_size = 4, .image_size = {6, 10}, .shuffle = false}; }

  // The case of this name, as Keras gave it.
  void expect_keras(const std::string& name, const ImageDatasetOptions& options, double tolerance = 1e-3) {
    static const TensorDict expected = load_npz(MICA_SOURCE_DIR "/tests/fixtures/streams/pictures.npz");
    std::vector<float> labels, pictures;
    auto source = image_dataset_from_directory(kFolder, options);
    for (const Batch& batch : all_of(*source)) {
      for (float number : numbers(batch.x)) pictures.push_back(number);
      if (batch.y.empty()) continue;
      for (float label : numbers(batch.y)) labels.push_back(label);
    }
    const std::vector<float> wanted = expected[name + "/x"].to_vector<float>();
    ASSERT_EQ(pictures.size(), wanted.size()) << name;
    double worst = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i)
      worst = std::max(worst, static_cast<double>(std::abs(pictures[i] - wanted[i])));
    EXPECT_LE(worst, tolerance) << name;
    if (expected.contains(name + "/y")) {
      EXPECT_EQ(labels, expected[name + "/y"].to_vector<float>()) << name;
    } else {
      EXPECT_TRUE(labels.empty()) << name;
    }
  }
};

TEST_F(ImageDatasetTest, ClassesAreSortedFolders) {
  auto source = image_dataset_from_directory(kFolder, options());
  EXPECT_THAT(source->class_names(), ElementsAre("birds", "cats", "dogs"));
  EXPECT_EQ(source->num_batches(), 2);
  EXPECT_EQ(source->file_paths()[1], kFolder + "/cats/a.PNG");
  EXPECT_EQ(source->file_paths()[3], kFolder + "/cats/old/c.png");
}

TEST_F(ImageDatasetTest, PixelsAndLabelsAreKeras) {
  expect_keras("plain", options());
  ImageDatasetOptions opacity = options();
  opacity.color_mode = "rgba";
  opacity.class_names = {"cats"};
  expect_keras("opacity", opacity);
  ImageDatasetOptions unlabelled = options();
  unlabelled.label_mode = "none";
  expect_keras("unlabelled", unlabelled);
  ImageDatasetOptions two = options();
  two.class_names = {"dogs", "cats"};
  two.label_mode = "binary";
  expect_keras("two", two);
}

// libpng weighs colours in fixed point: one step of 255.
TEST_F(ImageDatasetTest, GreyIsKeras) {
  ImageDatasetOptions grey = options();
  grey.color_mode = "grayscale";
  grey.label_mode = "categorical";
  expect_keras("grey", grey, 1.01);
}

TEST_F(ImageDatasetTest, AspectRatiosAreKeras) {
  ImageDatasetOptions crop = options();
  crop.crop_to_aspect_ratio = true;
  expect_keras("crop", crop);
  ImageDatasetOptions pad = options();
  pad.pad_to_aspect_ratio = true;
  expect_keras("pad", pad);
}

TEST_F(ImageDatasetTest, SubsetsAreKeras) {
  for (const char* subset : {"training", "validation"}) {
    ImageDatasetOptions with = options();
    with.validation_split = 0.4;
    with.subset = subset;
    expect_keras(subset, with);
  }
}

TEST_F(ImageDatasetTest, InterpolationsAreKeras) {
  for (const char* name : {"nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic"}) {
    ImageDatasetOptions with = options();
    with.interpolation = name;
    expect_keras(name, with);
  }
}

TEST_F(ImageDatasetTest, ShuffledSubsetsDoNotOverlap) {
  std::set<std::string> seen;
  for (const char* subset : {"training", "validation"}) {
    ImageDatasetOptions with = options();
    with.shuffle = true;
    with.seed = 7;
    with.validation_split = 0.5;
    with.subset = subset;
    const auto source = image_dataset_from_directory(kFolder, with);
    for (const std::string& file : source->file_paths()) EXPECT_TRUE(seen.insert(file).second) << file;
  }
  EXPECT_EQ(seen.size(), 6u);
}

TEST_F(ImageDatasetTest, BadFoldersAndFilesAreNamed) {
  EXPECT_EQ(error_of([] { image_dataset_from_directory("/nowhere"); }),
            "/nowhere: expected a folder of pictures, received none there.");
  EXPECT_EQ(error_of([] { image_dataset_from_directory(kFolder, {.class_names = {"fish"}}); }),
            kFolder + ": expected class_names of its folders birds, cats, dogs, received \"fish\".");
  EXPECT_EQ(error_of([] { image_dataset_from_directory(kFolder, {.label_mode = "binary"}); }),
            "image_dataset_from_directory: expected two classes for label_mode \"binary\", received 3.");
  EXPECT_EQ(
      error_of([] { image_dataset_from_directory(kFolder, {.validation_split = 0.5, .subset = "training"}); }),
      "image_dataset_from_directory: expected a seed, or shuffle = false, where files are split, received neither: "
      "the two subsets would overlap.");
  std::filesystem::create_directories(path("a"));
  const std::string broken = written("a/broken.png", "\x89PNG\r\n\x1a\n rest");
  const std::string error = error_of([&] { all_of(*image_dataset_from_directory(path(""), {.shuffle = false})); });
  EXPECT_NE(error.find("broken.png: expected a PNG picture, received one that libpng refuses"), std::string::npos)
      << error;
}

}  // namespace
}  // namespace mica
