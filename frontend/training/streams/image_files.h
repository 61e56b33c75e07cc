// The pictures of a folder and the class of each, in Keras' order.
#pragma once
#include <string>
#include <vector>

#include "frontend/mica/training/streams.h"

namespace mica::internal {

struct ImageFiles {
  std::vector<std::string> class_names;
  std::vector<std::string> paths;
  std::vector<std::int64_t> labels;  // one a path; none where there are no classes
};

// Those of the subset that the options ask for; shuffled, where they say so, before the files are split.
ImageFiles image_files(const std::string& directory, const ImageDatasetOptions& options);

}  // namespace mica::internal
