#include "frontend/files/hdf5/text.h"

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace mica::files::hdf5 {
namespace {

// Padding is zero bytes or, in Fortran's way, spaces; h5py pads with zeros.
std::string fixed_text(Bytes element) {
  const std::string_view text = as_text(element);
  return std::string(text.substr(0, text.find('\0')));
}

// Strings of variable length, by heap and number. Each heap is read once.
class GlobalHeaps {
 public:
  explicit GlobalHeaps(const Image& image) : image_(image), budget_(image) {}

  absl::StatusOr<std::string> text(Bytes element) {
    Cursor cursor(element, image_.sizes());
    const std::uint32_t length = cursor.u32();
    const std::uint64_t address = cursor.address();
    const std::uint32_t index = cursor.u32();
    if (length == 0) return std::string();
    if (!heaps_.contains(address)) MICA_FILE_TRY(read_heap(address));
    const Heap& heap = heaps_[address];
    const auto found = heap.find(index);
    if (found == heap.end() || found->second.size() < length) {
      return image_.damaged(absl::StrCat("string ", index, " of ", length, " bytes in the heap at byte ", address),
                            found == heap.end() ? "a heap without it" : "a shorter one");
    }
    return std::string(as_text(found->second.first(length)));
  }

 private:
  using Heap = absl::flat_hash_map<std::uint32_t, Bytes>;

  absl::Status read_heap(std::uint64_t address) {
    constexpr std::size_t kAlignment = 8;
    MICA_HDF5_LET(prefix, image_.structure_at(address, "GCOL", 1, "heap of strings"));
    prefix.skip(3);  // reserved
    const std::uint64_t size = prefix.length();
    MICA_FILE_TRY(image_.complete(prefix, "heap of strings"));
    MICA_HDF5_LET(bytes, image_.at(address, size, "heap of strings"));
    MICA_FILE_TRY(budget_.spend(size));
    Heap& heap = heaps_[address];
    Cursor cursor(bytes, image_.sizes());
    cursor.skip(prefix.position());
    while (cursor.ok() && cursor.rest().size() >= kAlignment) {
      const std::uint32_t index = cursor.u16();
      cursor.skip(2 + 4);  // references, reserved
      const Bytes object = cursor.take(cursor.length());
      if (index == 0) break;  // the free space at the end
      if (cursor.ok()) heap[index] = object;
      cursor.align(kAlignment);
    }
    return absl::OkStatus();
  }

  const Image& image_;
  Budget budget_;
  absl::flat_hash_map<std::uint64_t, Heap> heaps_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> read_texts(const Image& image, const Datatype& datatype, Bytes elements) {
  if (datatype.kind != Datatype::Kind::kFixedText && datatype.kind != Datatype::Kind::kVariableText) {
    return image.refused("strings", datatype.name());
  }
  std::vector<std::string> texts;
  GlobalHeaps heaps(image);
  std::uint64_t total = 0;
  for (; elements.size() >= datatype.bytes; elements = elements.subspan(datatype.bytes)) {
    const Bytes element = elements.first(datatype.bytes);
    if (datatype.kind == Datatype::Kind::kFixedText) {
      texts.push_back(fixed_text(element));
      continue;
    }
    MICA_HDF5_LET(text, heaps.text(element));
    // Many elements may name one long string; together they must not outgrow the file.
    total += text.size();
    if (total > image.size()) return image.damaged("strings that lie in the file", "more text than the file has");
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace mica::files::hdf5
