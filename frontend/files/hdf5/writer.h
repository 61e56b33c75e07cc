// Writer: an HDF5 file through libhdf5, with its defaults, which are those of h5py and so of Keras. Nothing in the file
// depends on the time: equal calls give equal bytes. Reading it back is file.h's work.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/array.h"

namespace mica::files::hdf5 {

class Writer {
 public:
  // Overwrites the file. AtomicFile::temporary_path() makes it appear whole or not at all.
  static absl::StatusOr<Writer> create(std::string_view path);
  Writer(Writer&& other) noexcept;
  Writer& operator=(Writer&&) = delete;
  ~Writer();  // without finish() the file is damaged

  // A path's groups that are not there yet are made.
  absl::Status add_group(const std::string& path);
  // Elements beside each other; bfloat16 as Keras has it, two opaque bytes and an attribute "dtype".
  absl::Status add_dataset(const std::string& path, const rt::Array& array);
  // Of the group or dataset at `path` ("/" for the root).
  absl::Status add_attribute(const std::string& path, const std::string& name, const std::string& text);
  absl::Status add_attribute(const std::string& path, const std::string& name, const rt::Array& array);

  // Everything is in the file afterwards; nothing may be added.
  absl::Status finish();

 private:
  Writer(std::string path, std::int64_t file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::int64_t file_;  // libhdf5's identifier; negative once it is closed
};

}  // namespace mica::files::hdf5
