#include "frontend/files/keras_archive.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "frontend/files/file_error.h"
#include "frontend/files/json.h"
#include "frontend/files/zip_reader.h"
#include "frontend/files/zip_writer.h"

namespace mica::files {
namespace {

constexpr std::string_view kConfig = "config.json", kMetadata = "metadata.json", kWeights = "model.weights.h5";
constexpr std::uint64_t kMaxConfigBytes = std::uint64_t{64} << 20;  // the largest architectures need a few MiB
constexpr const char* kVersion = "3.15.1";                          // of the Keras whose format this is

// Nothing is unpacked, but an archive that reaches out of its folder is no model.
absl::Status check_names(const ZipReader& zip) {
  for (const ZipMember& member : zip.members()) {
    std::filesystem::path name(member.name);
    bool leaves = name.is_absolute() || std::find(name.begin(), name.end(), "..") != name.end();
    if (leaves) return content_error(zip.file()->path(), "members below its own folder", "'" + member.name + "'");
  }
  return absl::OkStatus();
}

absl::StatusOr<const ZipMember*> member_of(const ZipReader& zip, std::string_view name) {
  if (const ZipMember* member = zip.find(name)) return member;
  return content_error(zip.file()->path(), absl::StrCat("the member ", std::string(name)), "an archive without it",
                       "Is it a .keras file of Keras 3?");
}

absl::StatusOr<Config> read_config(const ZipReader& zip) {
  absl::StatusOr<const ZipMember*> member = member_of(zip, kConfig);
  MICA_FILE_TRY(member.status());
  const std::string where = zip.where(**member);
  if ((*member)->size > kMaxConfigBytes) {
    return content_error(where, absl::StrCat("a size of at most ", kMaxConfigBytes >> 20, " MiB"),
                         absl::StrCat((*member)->size >> 20, " MiB"));
  }
  absl::StatusOr<std::vector<std::byte>> bytes = zip.read(**member);
  MICA_FILE_TRY(bytes.status());
  absl::StatusOr<Config::Value> value =
      parse_json({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, where);
  MICA_FILE_TRY(value.status());
  if (value->kind() == Config::Value::Kind::kObject) return value->object();
  return content_error(where, "an object", value->to_json().substr(0, 80));
}

absl::StatusOr<hdf5::File> open_weights(const ZipReader& zip) {
  absl::StatusOr<const ZipMember*> member = member_of(zip, kWeights);
  MICA_FILE_TRY(member.status());
  if ((*member)->compression == Compression::kNone) {
    absl::StatusOr<Bytes> bytes = zip.stored_bytes(**member);
    MICA_FILE_TRY(bytes.status());
    return hdf5::File::open(*bytes, zip.file(), zip.where(**member));
  }
  MICA_FILE_TRY(check_fits_in_memory((*member)->size, zip.where(**member)));
  absl::StatusOr<std::vector<std::byte>> content = zip.read(**member);
  MICA_FILE_TRY(content.status());
  auto owner = std::make_shared<std::vector<std::byte>>(*std::move(content));
  return hdf5::File::open(*owner, owner, zip.where(**member));
}

std::string date_now() {
  std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d@%H:%M:%S", &utc);
  return text;
}

}  // namespace

absl::StatusOr<KerasArchive> open_keras(std::string_view path) {
  absl::StatusOr<ZipReader> zip = ZipReader::open(path);
  MICA_FILE_TRY(zip.status());
  MICA_FILE_TRY(check_names(*zip));
  absl::StatusOr<Config> config = read_config(*zip);
  MICA_FILE_TRY(config.status());
  absl::StatusOr<hdf5::File> weights = open_weights(*zip);
  MICA_FILE_TRY(weights.status());
  return KerasArchive{*std::move(config), *std::move(weights)};
}

absl::Status write_keras(std::string_view path, const Config& config, Bytes weights, const ArchiveMembers& more) {
  absl::StatusOr<ZipWriter> zip = ZipWriter::create(path);
  MICA_FILE_TRY(zip.status());
  const std::string metadata = Config{{"keras_version", kVersion}, {"date_saved", date_now()}}.to_json();
  const std::string text = config.to_json();
  MICA_FILE_TRY(zip->add(kMetadata, {as_bytes(metadata)}));
  MICA_FILE_TRY(zip->add(kConfig, {as_bytes(text)}));
  MICA_FILE_TRY(zip->add(kWeights, {weights}));
  for (const auto& [name, content] : more) MICA_FILE_TRY(zip->add(name, {as_bytes(content)}));
  return zip->finish();
}

}  // namespace mica::files
