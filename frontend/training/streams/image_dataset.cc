// image_dataset_from_directory.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/files/file_error.h"
#include "frontend/files/image.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/execute.h"
#include "frontend/graph/value.h"
#include "frontend/training/rows.h"
#include "frontend/training/streams/image_files.h"
#include "frontend/training/streams/resample.h"
#include "frontend/training/streams/row_batches.h"

namespace mica {
namespace internal {
namespace {

constexpr const char* kWhere = "image_dataset_from_directory";

void expect_one_of(const char* option, const std::string& value, const std::vector<std::string>& allowed) {
  if (std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
  throw Error({.where = kWhere,
               .expected = absl::StrCat(option, " to be one of ", join(allowed)),
               .received = absl::StrCat("\"", value, "\""),
               .hint = {}});
}

[[noreturn]] void refuse(std::string expected, std::string received) {
  throw Error({.where = kWhere, .expected = std::move(expected), .received = std::move(received), .hint = {}});
}

void check(const ImageDatasetOptions& o) {
  expect_one_of("label_mode", o.label_mode, {"int", "categorical", "binary", "none"});
  expect_one_of("color_mode", o.color_mode, {"rgb", "grayscale", "rgba"});
  expect_one_of("interpolation", o.interpolation, resampling_methods());
  expect_one_of("subset", o.subset, {"", "training", "validation"});
  check_option(kWhere, "batch_size", o.batch_size, 1);
  check_option(kWhere, "prefetch", o.prefetch, 0);
  for (std::int64_t side : o.image_size) check_option(kWhere, "image_size", side, 1);
  const double split = o.validation_split.value_or(0.5);
  if (!(split > 0 && split < 1)) refuse("validation_split between 0 and 1", absl::StrCat(split));
  if (o.validation_split.has_value() == o.subset.empty()) {
    refuse("validation_split and subset together", o.subset.empty() ? "validation_split alone" : "subset alone");
  }
  if (o.validation_split && o.shuffle && !o.seed) {
    refuse("a seed, or shuffle = false, where files are split", "neither: the two subsets would overlap");
  }
  if (o.crop_to_aspect_ratio && o.pad_to_aspect_ratio) {
    refuse("one of crop_to_aspect_ratio and pad_to_aspect_ratio", "both");
  }
  if (o.label_mode == "none" && !o.class_names.empty()) refuse("no class_names without labels", join(o.class_names));
}

// Pictures in the order of their files; passes after the first are shuffled anew.
class ImageBatches : public BatchSource {
 public:
  ImageBatches(ImageFiles files, ImageDatasetOptions options)
      : files_(std::move(files)), o_(std::move(options)), seeds_(o_.seed) {
    seeds_.next();  // the first pass's, which ordered the files
    channels_ = o_.color_mode == "grayscale" ? 1 : o_.color_mode == "rgb" ? 3 : 4;
    fit_ = o_.crop_to_aspect_ratio ? Fit::kCrop : o_.pad_to_aspect_ratio ? Fit::kPad : Fit::kStretch;
    for (std::size_t i = 0; i < files_.paths.size(); ++i) order_.push_back(i);
  }

  std::optional<Batch> next() override {
    const std::size_t begin = next_, end = std::min(order_.size(), begin + static_cast<std::size_t>(o_.batch_size));
    if (begin == end) return std::nullopt;
    next_ = end;
    Batch batch{.x = of_array(pictures(begin, end))};
    if (!files_.labels.empty()) batch.y = of_array(labels(begin, end));
    return batch;
  }

  void restart() override {
    if (next_ == 0) return;
    next_ = 0;
    if (o_.shuffle) order_ = shuffled(order_.size(), seeds_.next());
  }

  std::optional<std::int64_t> num_batches() const override {
    return (static_cast<std::int64_t>(order_.size()) + o_.batch_size - 1) / o_.batch_size;
  }
  const ImageFiles& files() const { return files_; }

 private:
  rt::Array pictures(std::size_t begin, std::size_t end) const {
    const auto [height, width] = o_.image_size;
    rt::Array all =
        rt::Array::uninitialized(kFloat32, {static_cast<std::int64_t>(end - begin), height, width, channels_});
    float* out = all.as<float>();
    for (std::size_t at = begin; at < end; ++at, out += height * width * channels_) {
      const rt::Array image =
          files::value_or_throw(files::read_image(files_.paths[order_[at]], channels_, files::JpegTransform::kFast));
      resample(image, o_.image_size, o_.interpolation, fit_, out);
    }
    return all;
  }

  rt::Array labels(std::size_t begin, std::size_t end) const {
    const auto rows = static_cast<std::int64_t>(end - begin),
               classes = static_cast<std::int64_t>(files_.class_names.size());
    const bool is_index = o_.label_mode == "int", is_one_hot = o_.label_mode == "categorical";
    rt::Array all =
        is_index ? rt::Array::zeros(kInt32, {rows}) : rt::Array::zeros(kFloat32, {rows, is_one_hot ? classes : 1});
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t label = files_.labels[order_[begin + static_cast<std::size_t>(row)]];
      if (is_one_hot) {
        all.set(row * classes + label, 1);
      } else {
        all.set(row, static_cast<double>(label));
      }
    }
    return all;
  }

  const ImageFiles files_;
  const ImageDatasetOptions o_;
  int channels_;
  Fit fit_;
  std::vector<std::size_t> order_;
  std::size_t next_ = 0;
  PassSeeds seeds_;
};

// The batches, read ahead or not, and what is known of the files.
class ImageFolder final : public ImageDataset {
 public:
  ImageFolder(std::shared_ptr<ImageBatches> images, int ahead)
      : images_(std::move(images)), batches_(ahead > 0 ? prefetch(images_, ahead) : images_) {}
  const std::vector<std::string>& class_names() const override { return images_->files().class_names; }
  const std::vector<std::string>& file_paths() const override { return images_->files().paths; }
  std::optional<Batch> next() override { return batches_->next(); }
  void restart() override { batches_->restart(); }
  std::optional<std::int64_t> num_batches() const override { return batches_->num_batches(); }

 private:
  std::shared_ptr<ImageBatches> images_;
  std::shared_ptr<BatchSource> batches_;
};

}  // namespace
}  // namespace internal

std::shared_ptr<ImageDataset> image_dataset_from_directory(std::string_view directory, ImageDatasetOptions options) {
  using namespace internal;
  check(options);
  ImageFiles files = image_files(std::string(directory), options);
  if (options.label_mode == "binary" && files.class_names.size() != 2) {
    refuse("two classes for label_mode \"binary\"", absl::StrCat(files.class_names.size()));
  }
  const int ahead = options.prefetch;
  return std::make_shared<ImageFolder>(std::make_shared<ImageBatches>(std::move(files), std::move(options)), ahead);
}

}  // namespace mica
