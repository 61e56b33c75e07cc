// Reads HDF5: the subset that h5py and libhdf5 write for weights. Nothing in the file is believed: each size, offset,
// name, count and total is checked before it is used or memory is taken for it. External links, external storage and
// virtual datasets are refused by name. Errors name the file and the object: "a.weights.h5:/layers/dense/vars/0".
//
//   absl::StatusOr<File> file = File::open(path);
//   absl::StatusOr<Dataset> kernel = file->root().dataset("layers/dense/vars/0");
//   absl::StatusOr<rt::Array> values = kernel->read();
//   absl::StatusOr<std::vector<Dataset>> all = file->datasets();     // by path
//
// Groups, datasets and attributes are values; they keep the file's bytes alive.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "frontend/files/hdf5/attribute.h"
#include "frontend/files/hdf5/image.h"
#include "frontend/files/hdf5/link.h"
#include "frontend/files/hdf5/object_header.h"
#include "frontend/files/hdf5/storage.h"
#include "runtime/array.h"

namespace mica::files::hdf5 {

// The bytes that all objects of a file share.
struct FileContent {
  Image image;
  std::shared_ptr<void> owner;
  std::uint64_t root;  // address of the root group

  Image at_path(std::string_view path) const;  // whose errors name the object
};

// The end of a path: an object's header, and its path without soft links.
struct Target {
  std::string path;
  std::uint64_t address;
  ObjectHeader header;
};

// What groups and datasets have in common: a place in a file, and attributes.
class Object {
 public:
  const std::string& path() const { return path_; }                         // "/layers/dense/vars/0"; the root is "/"
  const std::string& where() const { return image_.where(); }               // "<file>:<path>"
  const std::vector<Attribute>& attributes() const { return attributes_; }  // ordered by name
  const Attribute* attribute(std::string_view name) const;                  // null when there is none

 protected:
  Object(std::shared_ptr<const FileContent> content, std::string path);

  std::shared_ptr<const FileContent> content_;
  std::string path_;
  Image image_;  // whose errors name this object
  std::vector<Attribute> attributes_;
};

class Dataset : public Object {
 public:
  const std::vector<std::int64_t>& shape() const { return storage_.space.shape; }
  std::int64_t numel() const { return storage_.space.numel; }
  // The type of its elements; an error when they are not numbers or bools. Keras' bfloat16 (two opaque bytes and an
  // attribute) is kBFloat16.
  absl::StatusOr<DType> dtype() const;

  // The elements where they lie in the file: only when they are stored as an Array holds them (contiguous, not
  // compressed, little-endian). Any alignment.
  std::optional<Bytes> view() const;
  // Fills `out`, which must have numel * dtype().bytes() bytes, in row-major order.
  absl::Status read_into(std::span<std::byte> out) const;
  // A new array.
  absl::StatusOr<rt::Array> read() const;
  // The elements of a dataset of strings.
  absl::StatusOr<std::vector<std::string>> read_texts() const;

 private:
  friend class Group;
  friend class DatasetWalk;
  using Object::Object;
  static absl::StatusOr<Dataset> open(const std::shared_ptr<const FileContent>& content, const Target& target);

  Storage storage_;
};

class Group : public Object {
 public:
  // Ordered by name, as h5py lists them.
  const std::vector<Link>& links() const { return links_; }
  bool contains(std::string_view name) const;  // a link of this name, wherever it leads

  // What lies at a path from here ("vars/0"; from the root when it begins with '/'). Soft links are followed.
  absl::StatusOr<Group> group(std::string_view path) const;
  absl::StatusOr<Dataset> dataset(std::string_view path) const;
  // Whether the path leads to a group; an error when it leads to nothing.
  absl::StatusOr<bool> is_group(std::string_view path) const;

 private:
  friend class File;
  friend class DatasetWalk;
  using Object::Object;
  static absl::StatusOr<Group> open(const std::shared_ptr<const FileContent>& content, const Target& target);
  absl::StatusOr<Target> find(std::string_view path) const;
  absl::StatusOr<Link> link_of(const std::string& group_path, std::uint64_t group, const std::string& name) const;

  std::uint64_t address_ = kUndefined;  // of its object header
  std::vector<Link> links_;
};

class File {
 public:
  static absl::StatusOr<File> open(std::string_view path);
  // The content of a file in memory that `owner` keeps alive; errors call it `name` ("model.keras:model.weights.h5").
  static absl::StatusOr<File> open(Bytes content, std::shared_ptr<void> owner, std::string name,
                                   Checksums checksums = Checksums::kVerify);

  const Group& root() const { return root_; }
  // Every dataset below the root, each once, group by group and in the order of names. Soft links are names of what is
  // found anyway; an external link is an error.
  absl::StatusOr<std::vector<Dataset>> datasets() const;

 private:
  explicit File(Group root) : root_(std::move(root)) {}

  Group root_;
};

}  // namespace mica::files::hdf5
