#include "frontend/files/hdf5/filters.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/files/byte_source.h"
#include "frontend/files/hdf5/checksum.h"

namespace mica::files::hdf5 {
namespace {

constexpr std::size_t kFletcherSize = 4;

std::string filter_name(std::uint16_t id, Bytes own_name) {
  switch (id) {
    case 4:
      return "szip";
    case 5:
      return "nbit";
    case 6:
      return "scaleoffset";
    default:
      break;
  }
  const std::string_view name = as_text(own_name);
  return absl::StrCat(std::string(name.substr(0, name.find('\0'))), " (filter ", id, ")");
}

absl::StatusOr<std::vector<std::byte>> undo_deflate(const Image& image, Bytes stored, std::uint64_t size) {
  const auto source = open_source(stored, Compression::kZlib, image.where());
  if (size > source->at_most()) {
    return image.damaged(absl::StrCat("a chunk of ", size, " bytes"), absl::StrCat("at most ", source->at_most()));
  }
  std::vector<std::byte> bytes(size);
  MICA_FILE_TRY(source->read_exactly(bytes, "a chunk"));
  MICA_FILE_TRY(source->expect_end());
  return bytes;
}

absl::Status undo_fletcher32(const Image& image, std::vector<std::byte>* bytes) {
  if (bytes->size() < kFletcherSize) return image.damaged("a chunk with a checksum", "a smaller one");
  const Bytes covered = Bytes(*bytes).first(bytes->size() - kFletcherSize);
  const auto promised = load_le<std::uint32_t>(*bytes, covered.size());
  if (image.checksums() == Checksums::kVerify && promised != fletcher32(covered)) {
    return image.damaged("a chunk as its checksum promises", "other bytes");
  }
  bytes->resize(covered.size());
  return absl::OkStatus();
}

// Shuffled: the first bytes of all elements, then the second ones, and so on. What is over at the end stays there.
std::vector<std::byte> undo_shuffle(const std::vector<std::byte>& shuffled, std::size_t width) {
  const std::size_t count = shuffled.size() / width;
  std::vector<std::byte> bytes = shuffled;
  for (std::size_t place = 0; place < width; ++place) {
    const std::byte* from = shuffled.data() + place * count;
    std::byte* to = bytes.data() + place;
    for (std::size_t i = 0; i < count; ++i) to[i * width] = from[i];
  }
  return bytes;
}

}  // namespace

absl::StatusOr<std::vector<Filter>> parse_filters(const Image& image, Bytes body) {
  constexpr std::uint16_t kFirstWithName = 256;
  Cursor cursor(body, image.sizes());
  const int version = cursor.u8(), count = cursor.u8();
  if (version == 1) cursor.skip(6);  // reserved
  std::vector<Filter> filters;
  for (int i = 0; i < count; ++i) {
    const std::uint16_t id = cursor.u16();
    const std::size_t name_size = version == 1 || id >= kFirstWithName ? cursor.u16() : 0;
    cursor.skip(2);  // flags
    const std::size_t parameters = cursor.u16();
    const Bytes name = cursor.take(version == 1 ? (name_size + 7) / 8 * 8 : name_size);
    cursor.skip(4 * parameters + (version == 1 && parameters % 2 == 1 ? 4 : 0));
    MICA_FILE_TRY(image.complete(cursor, "filter list"));
    if (id < static_cast<int>(Filter::Kind::kDeflate) || id > static_cast<int>(Filter::Kind::kFletcher32)) {
      return image.refused("deflate, shuffle and fletcher32", filter_name(id, name));
    }
    filters.push_back({static_cast<Filter::Kind>(id)});
  }
  MICA_FILE_TRY(image.complete(cursor, "filter list"));
  if (version != 1 && version != 2) return image.refused("filters of version 1 or 2", absl::StrCat(version));
  if (std::ranges::count(filters, Filter::Kind::kDeflate, &Filter::kind) > 1) {
    return image.refused("one compression", "several");
  }
  return filters;
}

absl::StatusOr<std::vector<std::byte>> undo_filters(const Image& image, const std::vector<Filter>& filters,
                                                    std::uint32_t skipped, std::size_t element_bytes, Bytes stored,
                                                    std::uint64_t size) {
  const auto applied = [&](std::size_t i) { return i >= 32 || (skipped >> i & 1) == 0; };
  std::vector<std::byte> bytes;
  bool has_bytes = false;
  for (std::size_t i = filters.size(); i-- > 0;) {
    if (!applied(i)) continue;
    if (filters[i].kind == Filter::Kind::kDeflate) {
      std::uint64_t deflated = size;  // checksums that were added before
      for (std::size_t j = 0; j < i; ++j) {
        if (applied(j) && filters[j].kind == Filter::Kind::kFletcher32) deflated += kFletcherSize;
      }
      MICA_HDF5_LET(inflated, undo_deflate(image, has_bytes ? Bytes(bytes) : stored, deflated));
      bytes = std::move(inflated);
    } else {
      if (!has_bytes) bytes.assign(stored.begin(), stored.end());
      if (filters[i].kind == Filter::Kind::kFletcher32) MICA_FILE_TRY(undo_fletcher32(image, &bytes));
      if (filters[i].kind == Filter::Kind::kShuffle) bytes = undo_shuffle(bytes, element_bytes);
    }
    has_bytes = true;
  }
  if (!has_bytes) bytes.assign(stored.begin(), stored.end());
  if (bytes.size() != size)
    return image.damaged(absl::StrCat("a chunk of ", size, " bytes"), absl::StrCat(bytes.size()));
  return bytes;
}

}  // namespace mica::files::hdf5
