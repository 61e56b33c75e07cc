#include "frontend/files/safetensors.h"

#include <algorithm>
#include <array>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "frontend/files/atomic_file.h"
#include "frontend/files/file_error.h"
#include "frontend/files/json.h"
#include "frontend/files/mapped_file.h"
#include "frontend/files/npy.h"

namespace mica::files {
namespace {

using Value = Config::Value;
using Kind = Value::Kind;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 64;                 // of arrays that are used where they lie
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own bound
constexpr const char* kMetadata = "__metadata__";

struct TypeName {
  DType dtype;
  std::string_view name;
};
constexpr std::array<TypeName, DType::kCount> kTypeNames = {{{kBool, "BOOL"},
                                                             {kInt8, "I8"},
                                                             {kInt16, "I16"},
                                                             {kInt32, "I32"},
                                                             {kInt64, "I64"},
                                                             {kUInt8, "U8"},
                                                             {kUInt16, "U16"},
                                                             {kUInt32, "U32"},
                                                             {kUInt64, "U64"},
                                                             {kFloat16, "F16"},
                                                             {kBFloat16, "BF16"},
                                                             {kFloat32, "F32"},
                                                             {kFloat64, "F64"}}};

// An array as the header describes it: its bytes are [begin, end) of what follows the header.
struct Entry {
  std::string name;
  DType dtype = kFloat32;
  std::vector<std::int64_t> dims;
  std::int64_t begin = 0, end = 0;
};

class HeaderReader {
 public:
  HeaderReader(std::string_view where, std::uint64_t data_bytes) : where_(where), data_bytes_(data_bytes) {}

  absl::StatusOr<std::vector<Entry>> read(const Value& header) {
    if (header.kind() != Kind::kObject) return fail("a header that is an object", header);
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.object().items()) {
      if (name == kMetadata) {
        MICA_FILE_TRY(check_metadata(value));
        continue;
      }
      entries.push_back({.name = name});
      MICA_FILE_TRY(read_entry(value, entries.back()));
    }
    MICA_FILE_TRY(check_places(entries));
    return entries;
  }

 private:
  absl::Status fail(const std::string& expected, const Value& received) const {
    return content_error(where_, expected, received.to_json().substr(0, 80));
  }

  absl::Status check_metadata(const Value& value) const {
    bool is_text = value.kind() == Kind::kObject;
    for (std::size_t i = 0; is_text && i < value.object().items().size(); ++i) {
      is_text = value.object().items()[i].second.kind() == Kind::kText;
    }
    return is_text ? absl::OkStatus() : fail(absl::StrCat(kMetadata, " to be an object of strings"), value);
  }

  absl::Status read_entry(const Value& value, Entry& entry) const {
    const std::string quoted = absl::StrCat("'", entry.name, "'");
    const bool is_object = value.kind() == Kind::kObject;
    for (const char* key : {"dtype", "shape", "data_offsets"}) {
      if (!is_object || !value.object().contains(key)) return fail(absl::StrCat(key, " of ", quoted), value);
    }
    MICA_FILE_TRY(read_dtype(value.object().at("dtype"), quoted, entry));
    MICA_FILE_TRY(read_numbers(value.object().at("shape"), "the shape of " + quoted, entry.dims));
    std::vector<std::int64_t> offsets;
    MICA_FILE_TRY(read_numbers(value.object().at("data_offsets"), "the data_offsets of " + quoted, offsets));
    if (offsets.size() != 2) return fail("a begin and an end of " + quoted, value.object().at("data_offsets"));
    entry.begin = offsets[0];
    entry.end = offsets[1];
    return check_size(quoted, entry);
  }

  absl::Status read_dtype(const Value& value, const std::string& quoted, Entry& entry) const {
    const std::string text = value.kind() == Kind::kText ? value.text() : std::string();
    const auto found = std::find_if(kTypeNames.begin(), kTypeNames.end(), [&](auto& t) { return t.name == text; });
    if (found == kTypeNames.end()) return fail("a dtype that Mica has, of " + quoted, value);
    entry.dtype = found->dtype;
    return absl::OkStatus();
  }

  absl::Status read_numbers(const Value& value, const std::string& what, std::vector<std::int64_t>& numbers) const {
    const bool is_list = value.kind() == Kind::kList;
    const bool fits = is_list && std::all_of(value.list().begin(), value.list().end(), [](const Value& item) {
                        return item.kind() == Kind::kInteger && item.integer() >= 0;
                      });
    if (!fits) return fail(absl::StrCat(what, " as a list of sizes"), value);
    for (const Value& item : value.list()) numbers.push_back(item.integer());
    return absl::OkStatus();
  }

  absl::Status check_size(const std::string& quoted, const Entry& entry) const {
    std::int64_t bytes = entry.dtype.bytes();
    for (const std::int64_t dim : entry.dims) {
      if (__builtin_mul_overflow(bytes, dim, &bytes)) {
        return content_error(where_, "fewer than 2^63 bytes", "a shape with more");
      }
    }
    if (entry.end >= entry.begin && entry.end - entry.begin == bytes) return absl::OkStatus();
    return content_error(where_, absl::StrCat(bytes, " bytes of ", quoted),
                         absl::StrCat("those from ", entry.begin, " to ", entry.end));
  }

  // The arrays follow each other without gaps or overlaps, from the first byte to the last.
  absl::Status check_places(const std::vector<Entry>& entries) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> places;
    for (const Entry& entry : entries) places.emplace_back(entry.begin, entry.end);
    std::sort(places.begin(), places.end());
    std::int64_t end = 0;
    for (const auto& [from, to] : places) {
      if (from != end) {
        return content_error(where_, absl::StrCat("an array at byte ", end, " of the data"),
                             absl::StrCat("one at byte ", from));
      }
      end = to;
    }
    if (static_cast<std::uint64_t>(end) == data_bytes_) return absl::OkStatus();
    return content_error(where_, absl::StrCat(end, " bytes after the header"), absl::StrCat(data_bytes_),
                         "Is the file damaged or cut off?");
  }

  std::string where_;
  std::uint64_t data_bytes_;
};

rt::Array array_of(const Entry& entry, std::span<std::byte> data, const std::shared_ptr<void>& owner) {
  std::byte* elements = data.data() + entry.begin;
  const auto bytes = static_cast<std::size_t>(entry.end - entry.begin);
  const bool aligned = reinterpret_cast<std::uintptr_t>(elements) % kAlignment == 0;
  if (aligned && owner && bytes > 0) return rt::Array::borrow(elements, entry.dtype, entry.dims, owner);
  rt::Array array = rt::Array::uninitialized(entry.dtype, entry.dims);
  std::copy_n(elements, bytes, array.as<std::byte>());
  return array;
}

// The header's text, filled up so that the data begins aligned.
std::string header_text(const NamedArrays& arrays, const std::vector<std::size_t>& order, const Metadata& metadata) {
  Config header;
  if (!metadata.empty()) {
    Config texts;
    for (const auto& [key, text] : metadata) texts.set(key, text);
    header.set(kMetadata, texts);
  }
  std::int64_t at = 0;
  for (const std::size_t i : order) {
    const auto& [name, array] = arrays[i];
    const auto type = std::find_if(kTypeNames.begin(), kTypeNames.end(),
                                   [dtype = array.dtype()](const TypeName& t) { return t.dtype == dtype; });
    header.set(name, Config{{"dtype", std::string(type->name)},
                            {"shape", array.dims()},
                            {"data_offsets", std::vector<std::int64_t>{at, at + array.bytes()}}});
    at += array.bytes();
  }
  std::string text = header.to_json();
  text.append((kAlignment - (kLengthBytes + text.size()) % kAlignment) % kAlignment, ' ');
  return text;
}

absl::Status check_names(std::string_view path, const NamedArrays& arrays) {
  absl::flat_hash_set<std::string_view> names;
  for (const auto& [name, array] : arrays) {
    if (name == kMetadata) return content_error(path, "an array of another name", absl::StrCat("'", name, "'"));
    if (!names.insert(name).second) return content_error(path, "arrays of different names", "'" + name + "' twice");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NamedArrays> read_safetensors(std::span<std::byte> content, const std::shared_ptr<void>& owner,
                                             std::string_view where) {
  if (content.size() < kLengthBytes) {
    return content_error(where, "a .safetensors file", absl::StrCat(content.size(), " bytes"));
  }
  const auto length = load_le<std::uint64_t>(content, 0);
  const std::uint64_t most = std::min<std::uint64_t>(content.size() - kLengthBytes, kLongestHeader);
  if (length > most) {
    return content_error(where, absl::StrCat("a header of at most ", most, " bytes"), absl::StrCat(length),
                         "Is it a .safetensors file?");
  }
  const std::span<std::byte> data = content.subspan(kLengthBytes + length);
  absl::StatusOr<Value> header = parse_json(as_text(content.subspan(kLengthBytes, length)), where);
  MICA_FILE_TRY(header.status());
  absl::StatusOr<std::vector<Entry>> entries = HeaderReader(where, data.size()).read(*header);
  MICA_FILE_TRY(entries.status());
  NamedArrays arrays;
  for (const Entry& entry : *entries) arrays.emplace_back(entry.name, array_of(entry, data, owner));
  return arrays;
}

absl::StatusOr<NamedArrays> read_safetensors(std::string_view path) {
  absl::StatusOr<std::shared_ptr<MappedFile>> file = MappedFile::open(path);
  MICA_FILE_TRY(file.status());
  return read_safetensors({(*file)->data(), (*file)->bytes().size()}, *file, (*file)->path());
}

absl::Status write_safetensors(std::string_view path, const NamedArrays& arrays, const Metadata& metadata) {
  MICA_FILE_TRY(check_names(path, arrays));
  std::vector<std::size_t> order(arrays.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return arrays[a].second.dtype().bytes() > arrays[b].second.dtype().bytes();
  });
  const std::string header = header_text(arrays, order, metadata);
  std::string length;
  append_le<std::uint64_t>(length, header.size());
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path);
  MICA_FILE_TRY(file.status());
  MICA_FILE_TRY(file->write(as_bytes(length + header)));
  for (const std::size_t i : order) MICA_FILE_TRY(file->write(bytes_of(arrays[i].second)));
  return file->commit();
}

}  // namespace mica::files
