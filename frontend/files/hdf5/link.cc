#include "frontend/files/hdf5/link.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/files/hdf5/btree_v1.h"
#include "frontend/files/hdf5/btree_v2.h"
#include "frontend/files/hdf5/fractal_heap.h"
#include "frontend/files/hdf5/local_heap.h"

namespace mica::files::hdf5 {
namespace {

// One entry of a symbol table: a hard link, or a soft one whose target stands in the heap of names.
absl::StatusOr<Link> parse_symbol(const Image& image, const LocalHeap& heap, Cursor* cursor) {
  constexpr std::uint32_t kSoftLink = 2;
  constexpr std::size_t kScratchSize = 16;
  const std::uint64_t name_offset = cursor->address(), address = cursor->address();
  const std::uint32_t cache_type = cursor->u32();
  cursor->skip(4);  // reserved
  Cursor scratch(cursor->take(kScratchSize), image.sizes());
  MICA_FILE_TRY(image.complete(*cursor, "symbol table node"));
  MICA_HDF5_LET(name, heap.text(image, name_offset));
  if (cache_type != kSoftLink) return Link{std::move(name), Link::Kind::kHard, address};
  MICA_HDF5_LET(target, heap.text(image, scratch.u32()));
  return Link{std::move(name), Link::Kind::kSoft, kUndefined, std::move(target)};
}

// Gathers links. Names in a sound file lie beside each other; names that share their bytes could take more memory than
// the file has.
class LinkCollector {
 public:
  explicit LinkCollector(const Image& image) : budget_(image) {}

  absl::Status add(Link link) {
    MICA_FILE_TRY(budget_.spend(link.name.size() + link.target.size()));
    links_.push_back(std::move(link));
    return absl::OkStatus();
  }
  std::vector<Link> take_sorted() {
    std::ranges::sort(links_, {}, &Link::name);
    return std::move(links_);
  }

 private:
  Budget budget_;
  std::vector<Link> links_;
};

absl::Status read_symbol_table(const Image& image, Bytes body, LinkCollector* links) {
  Cursor cursor(body, image.sizes());
  const std::uint64_t tree = cursor.address(), heap_address = cursor.address();
  MICA_FILE_TRY(image.complete(cursor, "symbol table message"));
  MICA_HDF5_LET(heap, LocalHeap::open(image, heap_address));
  const auto key_size = static_cast<std::size_t>(image.sizes().length);
  Budget budget(image);
  return visit_btree_v1(image, tree, BtreeV1Kind::kNames, key_size, [&](Bytes, std::uint64_t node) -> absl::Status {
    MICA_HDF5_LET(entries, image.structure_at(node, "SNOD", 1, "symbol table node"));
    entries.skip(1);  // reserved
    const int count = entries.u16();
    for (int i = 0; i < count; ++i) {
      const std::size_t start = entries.position();
      MICA_HDF5_LET(link, parse_symbol(image, heap, &entries));
      MICA_FILE_TRY(budget.spend(entries.position() - start));
      MICA_FILE_TRY(links->add(std::move(link)));
    }
    return image.complete(entries, "symbol table node");
  });
}

absl::StatusOr<Link> parse_link(const Image& image, Bytes body) {
  constexpr int kWidthOfLength = 3, kOrderFlag = 1 << 2, kTypeFlag = 1 << 3, kCharsetFlag = 1 << 4;
  constexpr int kHard = 0, kSoft = 1, kExternal = 64;
  Cursor cursor(body, image.sizes());
  const int version = cursor.u8(), flags = cursor.u8();
  const int type = (flags & kTypeFlag) != 0 ? cursor.u8() : kHard;
  if ((flags & kOrderFlag) != 0) cursor.skip(8);
  if ((flags & kCharsetFlag) != 0) cursor.skip(1);
  const std::uint64_t name_size = cursor.number(std::size_t{1} << (flags & kWidthOfLength));
  Link link{.name = std::string(as_text(cursor.take(name_size)))};
  if (type == kHard) {
    link.address = cursor.address();
  } else if (type == kSoft) {
    link.kind = Link::Kind::kSoft;
    link.target = std::string(as_text(cursor.take(cursor.u16())));
  } else {
    link.kind = Link::Kind::kExternal;
  }
  MICA_FILE_TRY(image.complete(cursor, "link"));
  if (version != 1) return image.refused("links of version 1", absl::StrCat("version ", version));
  if (type != kHard && type != kSoft && type != kExternal) {
    return image.refused("hard, soft and external links", absl::StrCat("'", link.name, "' of type ", type));
  }
  return link;
}

absl::Status read_dense(const Image& image, Bytes body, LinkCollector* links) {
  constexpr int kOrderFlag = 1;
  Cursor cursor(body, image.sizes());
  cursor.u8();  // version
  if ((cursor.u8() & kOrderFlag) != 0) cursor.skip(8);
  const std::uint64_t heap_address = cursor.address(), names = cursor.address();
  MICA_FILE_TRY(image.complete(cursor, "link information"));
  if (heap_address == kUndefined || names == kUndefined) return absl::OkStatus();
  MICA_HDF5_LET(heap, FractalHeap::open(image, heap_address));
  return visit_btree_v2(image, names, BtreeV2Kind::kLinkNames, [&](Bytes record) -> absl::Status {
    constexpr std::size_t kHashSize = 4;
    if (record.size() <= kHashSize) return image.damaged("records of links", "smaller ones");
    MICA_HDF5_LET(message, heap.object(image, record.subspan(kHashSize)));
    MICA_HDF5_LET(link, parse_link(image, message));
    return links->add(std::move(link));
  });
}

absl::Status check_names(const Image& image, const std::vector<Link>& sorted) {
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const std::string& name = sorted[i].name;
    if (name.empty() || name.find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
      return image.damaged("names without '/'", absl::StrCat("'", name, "'"));
    }
    if (i > 0 && sorted[i - 1].name == name)
      return image.damaged("names that differ", absl::StrCat("'", name, "' twice"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<Link>> read_links(const Image& image, const ObjectHeader& header) {
  LinkCollector collector(image);
  if (const Message* table = header.find(MessageType::kSymbolTable)) {
    MICA_FILE_TRY(read_symbol_table(image, table->body, &collector));
  }
  if (const Message* info = header.find(MessageType::kLinkInfo)) {
    MICA_FILE_TRY(read_dense(image, info->body, &collector));
  }
  for (const Message& message : header.messages()) {
    if (message.type != MessageType::kLink) continue;
    MICA_HDF5_LET(link, parse_link(image, message.body));
    MICA_FILE_TRY(collector.add(std::move(link)));
  }
  std::vector<Link> links = collector.take_sorted();
  MICA_FILE_TRY(check_names(image, links));
  return links;
}

}  // namespace mica::files::hdf5
