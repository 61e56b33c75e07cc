#include "frontend/training/streams/image_files.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "frontend/files/image.h"
#include "frontend/graph/collections.h"
#include "frontend/training/rows.h"

namespace mica::internal {
namespace {

namespace fs = std::filesystem;

bool is_picture(const fs::path& path) {
  const std::string name = path.filename().string();
  if (files::is_image_name(name)) return true;
  for (const char* ending : {".bmp", ".gif"}) {
    if (!absl::EndsWithIgnoreCase(name, ending)) continue;
    throw Error({.where = path.string(), .expected = "a PNG or JPEG picture", .received = ending, .hint = {}});
  }
  return false;
}

std::vector<std::string> sorted_folders(const std::string& directory) {
  std::vector<std::string> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory() && !name.starts_with('.')) folders.push_back(name);
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// Folder by folder, each sorted: the pictures of a folder come before those of the folders in it.
std::vector<std::string> pictures_below(const std::string& directory, bool follow_links) {
  const auto how = follow_links ? fs::directory_options::follow_directory_symlink : fs::directory_options::none;
  std::vector<std::pair<std::string, std::string>> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory, how)) {
    if (entry.is_regular_file() && is_picture(entry.path()))
      found.emplace_back(entry.path().parent_path().string(), entry.path().filename().string());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> paths;
  for (const auto& [folder, name] : found) paths.push_back(folder + "/" + name);
  return paths;
}

std::vector<std::string> chosen_classes(const std::string& directory, const ImageDatasetOptions& o) {
  const std::vector<std::string> folders = sorted_folders(directory);
  for (const std::string& name : o.class_names) {
    if (std::find(folders.begin(), folders.end(), name) != folders.end()) continue;
    throw Error({.where = directory,
                 .expected = absl::StrCat("class_names of its folders ", join(folders)),
                 .received = absl::StrCat("\"", name, "\""),
                 .hint = {}});
  }
  return o.class_names.empty() ? folders : o.class_names;
}

ImageFiles all_files(const std::string& directory, const ImageDatasetOptions& o) {
  ImageFiles files;
  if (o.label_mode == "none") {
    files.paths = pictures_below(directory, o.follow_links);
    return files;
  }
  files.class_names = chosen_classes(directory, o);
  for (std::size_t label = 0; label < files.class_names.size(); ++label) {
    for (std::string& path : pictures_below(directory + "/" + files.class_names[label], o.follow_links)) {
      files.paths.push_back(std::move(path));
      files.labels.push_back(static_cast<std::int64_t>(label));
    }
  }
  return files;
}

// The files at these places.
void keep(ImageFiles& files, const std::vector<std::size_t>& places) {
  ImageFiles kept{.class_names = files.class_names, .paths = {}, .labels = {}};
  for (std::size_t place : places) {
    kept.paths.push_back(files.paths[place]);
    if (!files.labels.empty()) kept.labels.push_back(files.labels[place]);
  }
  files = std::move(kept);
}

// Keras: the last ones are the validation's.
std::vector<std::size_t> subset_of(std::vector<std::size_t> order, const ImageDatasetOptions& o) {
  if (!o.validation_split) return order;
  const auto held_out = static_cast<std::size_t>(*o.validation_split * static_cast<double>(order.size()));
  const auto middle = order.end() - static_cast<std::ptrdiff_t>(held_out);
  return o.subset == "training" ? std::vector<std::size_t>(order.begin(), middle)
                                : std::vector<std::size_t>(middle, order.end());
}

std::vector<std::size_t> order_of(std::size_t count, const ImageDatasetOptions& o) {
  if (o.shuffle) return shuffled(count, o.seed);
  std::vector<std::size_t> order(count);
  for (std::size_t i = 0; i < count; ++i) order[i] = i;
  return order;
}

}  // namespace

ImageFiles image_files(const std::string& directory, const ImageDatasetOptions& options) {
  if (!fs::is_directory(directory)) {
    throw Error({.where = directory, .expected = "a folder of pictures", .received = "none there", .hint = {}});
  }
  ImageFiles files = all_files(directory, options);
  keep(files, subset_of(order_of(files.paths.size(), options), options));
  if (!files.paths.empty()) return files;
  throw Error({.where = directory,
               .expected = absl::StrCat("PNG or JPEG pictures",
                                        options.subset.empty() ? "" : absl::StrCat(" for the subset ", options.subset)),
               .received = "none",
               .hint = options.label_mode == "none" ? "" : "Each class has a folder of its own below this one."});
}

}  // namespace mica::internal
