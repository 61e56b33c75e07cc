#include "frontend/files/hdf5/file.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "frontend/files/hdf5/elements.h"
#include "frontend/files/hdf5/superblock.h"
#include "frontend/files/hdf5/text.h"
#include "frontend/files/mapped_file.h"

namespace mica::files::hdf5 {
namespace {

constexpr int kMostSoftLinks = 32;  // followed for one path
constexpr std::size_t kDeepestGroup = 512;

std::string child_path(const std::string& path, const std::string& name) {
  return absl::StrCat(path == "/" ? "" : path, "/", name);
}

const Link* find_link(const std::vector<Link>& sorted, std::string_view name) {
  const auto found = std::ranges::lower_bound(sorted, name, {}, &Link::name);
  return found != sorted.end() && found->name == name ? &*found : nullptr;
}

absl::Status external_link(const Image& image) {
  return image.refused("an object in this file", "an external link, which Mica never follows");
}

std::vector<std::string> components(std::string_view path) {
  return absl::StrSplit(absl::string_view(path.data(), path.size()), '/', absl::SkipEmpty());
}

}  // namespace

Image FileContent::at_path(std::string_view path) const {
  return image.named(absl::StrCat(image.where(), ":", std::string(path)));
}

Object::Object(std::shared_ptr<const FileContent> content, std::string path)
    : content_(std::move(content)), path_(std::move(path)), image_(content_->at_path(path_)) {}

const Attribute* Object::attribute(std::string_view name) const {
  const auto found = std::ranges::lower_bound(attributes_, name, {}, &Attribute::name);
  return found != attributes_.end() && found->name() == name ? &*found : nullptr;
}

absl::StatusOr<Dataset> Dataset::open(const std::shared_ptr<const FileContent>& content, const Target& target) {
  Dataset dataset(content, target.path);
  MICA_HDF5_LET(attributes, read_attributes(dataset.image_, target.header));
  dataset.attributes_ = std::move(attributes);
  MICA_HDF5_LET(storage, read_storage(dataset.image_, target.header));
  dataset.storage_ = std::move(storage);
  return dataset;
}

absl::StatusOr<DType> Dataset::dtype() const {
  const Datatype& datatype = storage_.datatype;
  if (datatype.kind == Datatype::Kind::kNumber) return datatype.dtype;
  const Attribute* keras_dtype = attribute("dtype");
  if (datatype.kind == Datatype::Kind::kOpaque && keras_dtype != nullptr) {
    MICA_HDF5_LET(name, keras_dtype->read_text());
    DType dtype = kFloat32;
    if (DType::parse(name, &dtype) && static_cast<std::uint64_t>(dtype.bytes()) == datatype.bytes) return dtype;
  }
  return image_.refused("numbers", datatype.name());
}

std::optional<Bytes> Dataset::view() const {
  return dtype().ok() && is_native(storage_.datatype) ? storage_.elements : std::nullopt;
}

absl::Status Dataset::read_into(std::span<std::byte> out) const {
  MICA_FILE_TRY(dtype().status());
  if (out.size() != storage_.bytes()) {
    return image_.refused(absl::StrCat("room for ", storage_.bytes(), " bytes"), absl::StrCat(out.size()));
  }
  MICA_FILE_TRY(read_elements(image_, storage_, out));
  to_native(storage_.datatype, out);
  return absl::OkStatus();
}

absl::StatusOr<rt::Array> Dataset::read() const {
  MICA_HDF5_LET(type, dtype());
  rt::Array array = rt::Array::uninitialized(type, shape());
  MICA_FILE_TRY(read_into({array.as<std::byte>(), storage_.bytes()}));
  return array;
}

absl::StatusOr<std::vector<std::string>> Dataset::read_texts() const {
  std::vector<std::byte> elements(storage_.bytes());
  MICA_FILE_TRY(read_elements(image_, storage_, elements));
  return hdf5::read_texts(image_, storage_.datatype, elements);
}

absl::StatusOr<Group> Group::open(const std::shared_ptr<const FileContent>& content, const Target& target) {
  Group group(content, target.path);
  group.address_ = target.address;
  MICA_HDF5_LET(attributes, read_attributes(group.image_, target.header));
  group.attributes_ = std::move(attributes);
  MICA_HDF5_LET(links, read_links(group.image_, target.header));
  group.links_ = std::move(links);
  return group;
}

bool Group::contains(std::string_view name) const { return find_link(links_, name) != nullptr; }

absl::StatusOr<Group> Group::group(std::string_view path) const {
  MICA_HDF5_LET(target, find(path));
  if (!target.header.is_group()) return content_->at_path(target.path).refused("a group", "a dataset");
  return open(content_, target);
}

absl::StatusOr<Dataset> Group::dataset(std::string_view path) const {
  MICA_HDF5_LET(target, find(path));
  if (target.header.is_group()) return content_->at_path(target.path).refused("a dataset", "a group");
  return Dataset::open(content_, target);
}

absl::StatusOr<bool> Group::is_group(std::string_view path) const {
  MICA_HDF5_LET(target, find(path));
  return target.header.is_group();
}

// The link `name` of the group whose header lies at address `group`.
absl::StatusOr<Link> Group::link_of(const std::string& group_path, std::uint64_t group, const std::string& name) const {
  std::vector<Link> others;
  if (group != address_) {
    const Image image = content_->at_path(group_path);
    MICA_HDF5_LET(header, ObjectHeader::read(image, group));
    if (!header.is_group()) return image.refused(absl::StrCat("a group with '", name, "'"), "a dataset");
    MICA_HDF5_LET(links, read_links(image, header));
    others = std::move(links);
  }
  const Link* link = find_link(group == address_ ? links_ : others, name);
  const Image image = content_->at_path(child_path(group_path, name));
  if (link == nullptr) return image.refused("an object of this name", "a group without one");
  if (link->kind == Link::Kind::kExternal) return external_link(image);
  return *link;
}

// Goes from group to group; a soft link puts its own path in front of what is left.
absl::StatusOr<Target> Group::find(std::string_view path) const {
  Target here{path_, address_, {}};
  std::vector<std::string> left;  // the next component stands last
  const auto go = [&](std::string_view more) {
    if (more.starts_with('/')) here = {"/", content_->root, {}};
    const std::vector<std::string> names = components(more);
    left.insert(left.end(), names.rbegin(), names.rend());
  };
  go(path);
  for (int soft_links = 0; !left.empty();) {
    const std::string name = std::move(left.back());
    left.pop_back();
    if (name == ".") continue;
    MICA_HDF5_LET(link, link_of(here.path, here.address, name));
    if (link.kind == Link::Kind::kHard) {
      here = {child_path(here.path, name), link.address, {}};
    } else if (++soft_links <= kMostSoftLinks) {
      go(link.target);
    } else {
      return content_->at_path(child_path(here.path, name))
          .refused("soft links that lead to an object", "ones that lead in circles");
    }
  }
  MICA_HDF5_LET(header, ObjectHeader::read(content_->at_path(here.path), here.address));
  here.header = std::move(header);
  return here;
}

// Visits every group below the root once.
class DatasetWalk {
 public:
  explicit DatasetWalk(const std::shared_ptr<const FileContent>& content)
      : content_(content), budget_(content->image) {}

  absl::Status visit(const Group& group, std::size_t depth) {
    if (depth > kDeepestGroup) {
      return group.image_.refused(absl::StrCat("at most ", kDeepestGroup, " nested groups"), "more");
    }
    // Groups may share their links, which are read for each of them.
    MICA_FILE_TRY(budget_.spend(group.links().size()));
    for (const Link& link : group.links()) {
      const std::string path = child_path(group.path(), link.name);
      if (link.kind == Link::Kind::kExternal) return external_link(content_->at_path(path));
      if (link.kind == Link::Kind::kSoft || !seen_.insert(link.address).second) continue;
      MICA_FILE_TRY(object(path, link.address, depth));
    }
    return absl::OkStatus();
  }

  std::vector<Dataset> take_datasets() { return std::move(datasets_); }

 private:
  absl::Status object(const std::string& path, std::uint64_t address, std::size_t depth) {
    MICA_HDF5_LET(header, ObjectHeader::read(content_->at_path(path), address));
    const Target target{path, address, std::move(header)};
    if (target.header.is_group()) {
      MICA_HDF5_LET(group, Group::open(content_, target));
      return visit(group, depth + 1);
    }
    const bool is_named_datatype =
        target.header.find(MessageType::kLayout) == nullptr && target.header.find(MessageType::kDatatype) != nullptr;
    if (is_named_datatype) return absl::OkStatus();
    MICA_HDF5_LET(dataset, Dataset::open(content_, target));
    datasets_.push_back(std::move(dataset));
    return absl::OkStatus();
  }

  const std::shared_ptr<const FileContent>& content_;
  Budget budget_;
  absl::flat_hash_set<std::uint64_t> seen_;
  std::vector<Dataset> datasets_;
};

absl::StatusOr<File> File::open(std::string_view path) {
  absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  MICA_FILE_TRY(file.status());
  return open((*file)->bytes(), *file, (*file)->path());
}

absl::StatusOr<File> File::open(Bytes content, std::shared_ptr<void> owner, std::string name, Checksums checksums) {
  MICA_HDF5_LET(superblock, read_superblock(Image(content, std::move(name), checksums)));
  auto shared = std::make_shared<const FileContent>(FileContent{superblock.image, std::move(owner), superblock.root});
  MICA_HDF5_LET(header, ObjectHeader::read(shared->at_path("/"), superblock.root));
  MICA_HDF5_LET(root, Group::open(shared, {"/", superblock.root, std::move(header)}));
  return File(std::move(root));
}

absl::StatusOr<std::vector<Dataset>> File::datasets() const {
  DatasetWalk walk(root_.content_);
  MICA_FILE_TRY(walk.visit(root_, 0));
  return walk.take_datasets();
}

}  // namespace mica::files::hdf5
