// Damaged archives and JSON: each is read whole or refused, never more.
#include "tests/frontend/files/mutation.h"

#include <iostream>

#include "frontend/files/file_error.h"
#include "frontend/files/json.h"
#include "frontend/files/npz.h"
#include "frontend/files/zip_reader.h"
#include "frontend/files/zip_writer.h"
#include "frontend/mica/model.h"
#include "runtime/error.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using MutationTest = TempFolder;

TEST_F(MutationTest, EveryArchiveIsReadOrRefused) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    Mutator mutator(read_text(fixture(name)), 20251121);
    const int count = mutant_count(300);
    int refused = 0;
    for (int i = 0; i < count; ++i) refused += !read_npz(put("mutant.npz", mutator.next())).ok();
    EXPECT_GT(refused, count / 2) << name;
  }
}

// Brackets, quotes, escapes and numbers of all kinds: what a mutation can turn into another.
TEST_F(MutationTest, EveryJsonIsReadOrRefused) {
  const std::string text = R"({"module": "keras", "config": {"name": "m\u00e4\n", "units": [1, -2.5e-3, NaN, Infinity],
                            "empty": {}, "list": [[], [null, true, false]], "shape": [null, 18446744073709551616]}})";
  Mutator mutator(text, 20251121);
  const int count = mutant_count(3000);
  int refused = 0;
  for (int i = 0; i < count; ++i) {
    const absl::StatusOr<Config::Value> value = parse_json(mutator.next(), "mutant.json");
    refused += !value.ok();
    if (value.ok()) {
      EXPECT_TRUE(parse_json(value->to_json(), "written.json").ok()) << value->to_json();
    }
  }
  EXPECT_GT(refused, count / 2);
}

// The archive with one member put in another's place, under a checksum that is right.
absl::Status replace_member(const ZipReader& archive, std::string_view name, std::string_view content,
                            const std::string& path) {
  absl::StatusOr<ZipWriter> writer = ZipWriter::create(path);
  MICA_FILE_TRY(writer.status());
  for (const ZipMember& member : archive.members()) {
    const absl::StatusOr<std::vector<std::byte>> bytes = archive.read(member);
    MICA_FILE_TRY(bytes.status());
    MICA_FILE_TRY(writer->add(member.name, {member.name == name ? as_bytes(content) : Bytes(*bytes)}));
  }
  return writer->finish();
}

bool loads(const std::string& path) {
  try {
    load_model(path);
    return true;
  } catch (const Error&) {
    return false;
  }
}

TEST_F(MutationTest, EveryKerasFileIsLoadedOrRefused) {
  const std::string whole = MICA_FIXTURES "/keras/infer/arch_autoencoder_nested/model.keras";
  if (!std::filesystem::exists(whole)) {
    std::cerr << "*** SKIPPED: " << whole << " is not here, so that no damaged .keras file was loaded ***\n";
    GTEST_SKIP() << "NOT TESTED: needs the fixtures of Keras";
  }
  ASSERT_TRUE(loads(whole));
  const absl::StatusOr<ZipReader> archive = ZipReader::open(whole);
  ASSERT_TRUE(archive.ok()) << archive.status();
  for (const char* name : {"config.json", "model.weights.h5"}) {
    const absl::StatusOr<std::vector<std::byte>> content = archive->read(*archive->find(name));
    ASSERT_TRUE(content.ok()) << content.status();
    Mutator mutator(std::string(as_text(*content)), 20251121);
    const int count = mutant_count(150);
    int refused = 0;
    for (int i = 0; i < count; ++i) {
      ASSERT_TRUE(replace_member(*archive, name, mutator.next(), path("mutant.keras")).ok());
      refused += !loads(path("mutant.keras"));
    }
    EXPECT_GT(refused, 0) << name;
  }
}

}  // namespace
}  // namespace mica::files
