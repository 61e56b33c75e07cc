#include "frontend/files/hdf5/writer.h"

#include <hdf5.h>

#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/files/file_error.h"

namespace mica::files::hdf5 {
namespace {

static_assert(sizeof(hid_t) == sizeof(std::int64_t));

// libhdf5 as distributions build it serves one thread at a time, and prints its errors unless it is told not to.
class Session {
 public:
  Session() : lock_(mutex()) {
    H5Eget_auto2(H5E_DEFAULT, &print_, &print_data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Session() { H5Eset_auto2(H5E_DEFAULT, print_, print_data_); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }

  std::scoped_lock<std::mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

// One of libhdf5's identifiers, closed at the end.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  ~Handle() {
    if (valid()) close_(id_);
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Handle(const Handle&) = delete;
  Handle& operator=(Handle&&) = delete;

  hid_t get() const { return id_; }
  bool valid() const { return id_ >= 0; }

 private:
  hid_t id_;
  Close close_;
};

// What libhdf5 found deepest down.
std::string last_error() {
  std::string text = "an error of libhdf5";
  const auto keep_first = [](unsigned depth, const H5E_error2_t* error, void* data) -> herr_t {
    if (depth == 0 && error->desc != nullptr) *static_cast<std::string*>(data) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
  return absl::StrCat("'", text, "'");
}

absl::Status failed(const std::string& file, const std::string& action) {
  return content_error(file, absl::StrCat("to ", action), last_error());
}

// The enumeration by which h5py marks bools.
Handle bool_type() {
  Handle type(H5Tenum_create(H5T_STD_I8LE), H5Tclose);
  for (const auto& [name, value] : {std::pair<const char*, std::int8_t>{"FALSE", 0}, {"TRUE", 1}}) {
    H5Tenum_insert(type.get(), name, &value);
  }
  return type;
}

Handle float16_type() {
  Handle type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
  H5Tset_fields(type.get(), 15, 10, 5, 0, 10);  // where the sign lies; exponent and mantissa: where and how many bits
  H5Tset_size(type.get(), 2);
  H5Tset_ebias(type.get(), 15);
  return type;
}

Handle type_of(DType dtype) {
  const auto standard = [](hid_t type) { return Handle(H5Tcopy(type), H5Tclose); };
  switch (dtype.kind()) {
    case DType::kBool:
      return bool_type();
    case DType::kInt8:
      return standard(H5T_STD_I8LE);
    case DType::kInt16:
      return standard(H5T_STD_I16LE);
    case DType::kInt32:
      return standard(H5T_STD_I32LE);
    case DType::kInt64:
      return standard(H5T_STD_I64LE);
    case DType::kUInt8:
      return standard(H5T_STD_U8LE);
    case DType::kUInt16:
      return standard(H5T_STD_U16LE);
    case DType::kUInt32:
      return standard(H5T_STD_U32LE);
    case DType::kUInt64:
      return standard(H5T_STD_U64LE);
    case DType::kFloat16:
      return float16_type();
    case DType::kBFloat16:
      return Handle(H5Tcreate(H5T_OPAQUE, 2), H5Tclose);
    case DType::kFloat32:
      return standard(H5T_IEEE_F32LE);
    case DType::kFloat64:
      return standard(H5T_IEEE_F64LE);
  }
  return Handle(H5I_INVALID_HID, H5Tclose);
}

Handle space_of(const std::vector<std::int64_t>& dims) {
  if (dims.empty()) return Handle(H5Screate(H5S_SCALAR), H5Sclose);
  const std::vector<hsize_t> lengths(dims.begin(), dims.end());
  return Handle(H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr), H5Sclose);
}

// Makes the groups above a new link.
Handle link_properties() {
  Handle properties(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(properties.get(), 1);
  return properties;
}

Handle dataset_properties() {
  Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(properties.get(), false);
  return properties;
}

// The file is the caller's, who may hold a lock on it; libhdf5 would ask for one of its own.
Handle access_properties() {
  Handle properties(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(properties.get(), false, true);
  return properties;
}

// libhdf5 asks for one link at a time.
bool exists(hid_t file, const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    if (H5Lexists(file, path.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) return true;
  }
}

absl::Status write_attribute(const std::string& file_path, hid_t file, const std::string& path, const std::string& name,
                             const Handle& type, const Handle& space, const void* data) {
  const Handle object(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose);
  const Handle attribute(H5Acreate2(object.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  if (!attribute.valid() || H5Awrite(attribute.get(), type.get(), data) < 0) {
    return failed(file_path, absl::StrCat("write the attribute '", name, "' of ", path));
  }
  return absl::OkStatus();
}

absl::Status write_text(const std::string& file_path, hid_t file, const std::string& path, const std::string& name,
                        const std::string& text) {
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  const char* data = text.c_str();
  return write_attribute(file_path, file, path, name, type, space_of({}), &data);
}

}  // namespace

absl::StatusOr<Writer> Writer::create(std::string_view path) {
  const Session session;
  std::string name(path);
  const hid_t file = H5Fcreate(name.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access_properties().get());
  if (file < 0) return failed(name, "create an HDF5 file");
  return Writer(std::move(name), file);
}

Writer::Writer(Writer&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

Writer::~Writer() {
  if (file_ < 0) return;
  const Session session;
  H5Fclose(file_);
}

absl::Status Writer::add_group(const std::string& path) {
  const Session session;
  if (path == "/" || exists(file_, path)) return absl::OkStatus();
  const Handle group(H5Gcreate2(file_, path.c_str(), link_properties().get(), H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  return group.valid() ? absl::OkStatus() : failed(path_, absl::StrCat("make the group ", path));
}

absl::Status Writer::add_dataset(const std::string& path, const rt::Array& array) {
  const Session session;
  const Handle type = type_of(array.dtype()), space = space_of(array.dims());
  const Handle links = link_properties(), properties = dataset_properties();
  const Handle dataset(
      H5Dcreate2(file_, path.c_str(), type.get(), space.get(), links.get(), properties.get(), H5P_DEFAULT), H5Dclose);
  const bool written = dataset.valid() && (array.numel() == 0 || H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL,
                                                                          H5P_DEFAULT, array.data()) >= 0);
  if (!written) return failed(path_, absl::StrCat("write the dataset ", path));
  return array.dtype() == kBFloat16 ? write_text(path_, file_, path, "dtype", "bfloat16") : absl::OkStatus();
}

absl::Status Writer::add_attribute(const std::string& path, const std::string& name, const std::string& text) {
  const Session session;
  return write_text(path_, file_, path, name, text);
}

absl::Status Writer::add_attribute(const std::string& path, const std::string& name, const rt::Array& array) {
  const Session session;
  return write_attribute(path_, file_, path, name, type_of(array.dtype()), space_of(array.dims()), array.data());
}

absl::Status Writer::finish() {
  const Session session;
  const bool flushed = H5Fflush(file_, H5F_SCOPE_LOCAL) >= 0;
  const bool closed = H5Fclose(std::exchange(file_, -1)) >= 0;
  return flushed && closed ? absl::OkStatus() : failed(path_, "write an HDF5 file to its end");
}

}  // namespace mica::files::hdf5
