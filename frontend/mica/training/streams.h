// Data sets that stay in their files: what fit(), evaluate() and predict() take batch by batch. A thread reads ahead of
// the training, so that of a file no more is in memory than a few batches and the rows that are being shuffled.
//
// Errors of a file name it and the place in it, when the batch is read. Every pass starts the file anew and, where rows
// are shuffled, in another order; with a seed the orders are the same in every run.
#pragma once
#include "mica/training/data.h"

namespace mica {

// Reads `batches` batches of any source ahead, on a thread of its own. An Error of the source comes out of next().
std::shared_ptr<BatchSource> prefetch(std::shared_ptr<BatchSource> source, int batches = 2);

// In the structs below: shuffle takes each row at random out of the next shuffle_buffer ones; `prefetch` is the number
// of batches that are read ahead, 0 for none.

// Numeric columns of a CSV file (RFC 4180, plain or gzipped). x is [rows, features], float32, or with by_name a tensor
// [rows, 1] for each feature, by the name of its column; y is [rows] of one label and [rows, labels] of several.
struct CsvBatchesOptions {
  std::vector<std::string> labels = {};    // columns; none: no targets
  std::vector<std::string> features = {};  // columns; none: all that are neither label nor weight
  std::string sample_weight = {};          // a column
  bool by_name = false;
  std::int64_t batch_size = 32;
  char separator = ',';
  bool header = true;  // without one, columns are named "0", "1", …
  bool shuffle = false;
  std::int64_t shuffle_buffer = 10000;
  std::optional<std::uint64_t> seed = {};
  int prefetch = 2;
};
std::shared_ptr<BatchSource> csv_batches(std::string_view path, CsvBatchesOptions options = {});

// Rows of the arrays of an .npz file, compressed or not, as `mica fit` names them: x, y and sample_weight, or
// x:<input>, y:<output> and sample_weight:<output>. Others are not read.
struct NpzBatchesOptions {
  std::int64_t batch_size = 32;
  bool shuffle = false;
  std::int64_t shuffle_buffer = 10000;
  std::optional<std::uint64_t> seed = {};
  int prefetch = 2;
};
std::shared_ptr<BatchSource> npz_batches(std::string_view path, NpzBatchesOptions options = {});

// Rows of two IDX files, plain or gzipped, as MNIST's. x is multiplied by `scale`, which makes it float32; with 1 it is
// as in the file. No path of labels: no targets.
struct IdxBatchesOptions {
  double scale = 1;
  std::int64_t batch_size = 32;
  bool shuffle = false;
  std::int64_t shuffle_buffer = 10000;
  std::optional<std::uint64_t> seed = {};
  int prefetch = 2;
};
std::shared_ptr<BatchSource> idx_batches(std::string_view images, std::string_view labels = {},
                                         IdxBatchesOptions options = {});

// (keras.utils.image_dataset_from_directory) PNG and JPEG files, one folder a class: x is float32 [rows, height, width,
// channels] from 0 to 255.
struct ImageDatasetOptions {
  std::string label_mode = "int";             // int32 [rows]; "categorical" float32 [rows, classes]; "binary" float32
                                              // [rows, 1]; "none": every image below the folder, without targets
  std::vector<std::string> class_names = {};  // the folders, in order of the labels; none: all, sorted
  std::string color_mode = "rgb";             // or "grayscale", "rgba"
  std::int64_t batch_size = 32;
  std::array<std::int64_t, 2> image_size = {256, 256};  // height, width
  bool shuffle = true;
  std::optional<std::uint64_t> seed = {};       // a split of shuffled files needs one
  std::optional<double> validation_split = {};  // the share of the files that is the validation's
  std::string subset = {};                      // "training" or "validation"
  std::string interpolation = "bilinear";       // or "nearest", "bicubic", "area", "lanczos3", "lanczos5", …
  bool follow_links = false;
  bool crop_to_aspect_ratio = false, pad_to_aspect_ratio = false;
  int prefetch = 2;
};
class ImageDataset : public BatchSource {
 public:
  virtual const std::vector<std::string>& class_names() const = 0;
  virtual const std::vector<std::string>& file_paths() const = 0;  // of this subset, in the order of the first pass
};
std::shared_ptr<ImageDataset> image_dataset_from_directory(std::string_view directory,
                                                           ImageDatasetOptions options = {});

}  // namespace mica
