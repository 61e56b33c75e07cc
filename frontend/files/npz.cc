#include "frontend/files/npz.h"

#include "absl/container/flat_hash_set.h"
#include "frontend/files/file_error.h"
#include "frontend/files/npy.h"
#include "frontend/files/zip_reader.h"
#include "frontend/files/zip_writer.h"

namespace mica::files {
namespace {

constexpr std::string_view kSuffix = ".npy";

absl::StatusOr<rt::Array> read_member(const ZipReader& zip, const ZipMember& member) {
  if (member.compression != Compression::kNone) return read_npy(*zip.source(member));
  MICA_FILE_TRY(zip.stored_bytes(member).status());
  return read_npy({zip.file()->data() + member.offset, member.size}, zip.file(), zip.where(member));
}

// Members are allowed when they fit into memory one by one; their total must fit too.
absl::Status check_total(const ZipReader& zip) {
  std::uint64_t total = 0;
  for (const ZipMember& member : zip.members()) {
    if (member.compression != Compression::kNone && __builtin_add_overflow(total, member.size, &total))
      total = UINT64_MAX;
  }
  return check_fits_in_memory(total, zip.file()->path());
}

}  // namespace

absl::StatusOr<NamedArrays> read_npz(std::string_view path) {
  absl::StatusOr<ZipReader> zip = ZipReader::open(path);
  MICA_FILE_TRY(zip.status());
  MICA_FILE_TRY(check_total(*zip));
  NamedArrays arrays;
  for (const ZipMember& member : zip->members()) {
    if (!member.name.ends_with(kSuffix)) {
      return content_error(path, "members named <array>.npy", member.name, "Is it another kind of archive?");
    }
    absl::StatusOr<rt::Array> array = read_member(*zip, member);
    MICA_FILE_TRY(array.status());
    arrays.emplace_back(member.name.substr(0, member.name.size() - kSuffix.size()), *std::move(array));
  }
  return arrays;
}

absl::Status write_npz(std::string_view path, const NamedArrays& arrays, Compression compression) {
  absl::flat_hash_set<std::string_view> names;
  absl::StatusOr<ZipWriter> zip = ZipWriter::create(path);
  MICA_FILE_TRY(zip.status());
  for (const auto& [name, array] : arrays) {
    if (!names.insert(name).second) return content_error(path, "arrays of different names", "'" + name + "' twice");
    const std::string preamble = npy_preamble(array.dtype(), array.dims());
    MICA_FILE_TRY(zip->add(name + std::string(kSuffix), {as_bytes(preamble), bytes_of(array)}, compression));
  }
  return zip->finish();
}

}  // namespace mica::files
