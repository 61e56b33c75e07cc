// What the tests of files share: a folder that goes away, whole files as text, and arrays in short.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/array.h"

namespace mica::files {

class TempFolder : public testing::Test {
 protected:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "mica_files_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~TempFolder() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  // Writes `content` under `name` and returns the path.
  std::string put(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }
  // Overwrites one byte in place, which is far cheaper than a new file.
  void put_byte(const std::string& name, std::size_t at, char value) const {
    std::fstream(path(name), std::ios::binary | std::ios::in | std::ios::out)
        .seekp(static_cast<std::streamoff>(at))
        .put(value);
  }
  std::size_t file_count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

 private:
  std::filesystem::path folder_;
};

inline std::string fixture(const std::string& name) { return MICA_SOURCE_DIR "/tests/fixtures/files/" + name; }

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline rt::Array make_array(DType dtype, std::vector<std::int64_t> dims, const std::vector<double>& values) {
  rt::Array array = rt::Array::uninitialized(dtype, std::move(dims));
  for (std::size_t i = 0; i < values.size(); ++i) array.set(static_cast<std::int64_t>(i), values[i]);
  return array;
}

inline std::vector<double> values_of(const rt::Array& array) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < array.numel(); ++i) values.push_back(array.at(i));
  return values;
}

// The message of a failed operation; the empty string when it did not fail.
inline std::string error_of(const absl::Status& status) { return std::string(status.message()); }
template <class T>
std::string error_of(const absl::StatusOr<T>& result) {
  return error_of(result.status());
}

}  // namespace mica::files
