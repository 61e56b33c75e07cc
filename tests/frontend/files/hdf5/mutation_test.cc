// Damaged files: each is read whole or refused, never more. Run under asan this is the proof that reading is bounded.
#include "tests/frontend/files/mutation.h"

#include "frontend/files/hdf5/file.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files::hdf5 {
namespace {

// Reads whatever the file offers.
absl::Status read_everything(std::string_view content, Checksums checksums) {
  absl::StatusOr<File> file = File::open(as_bytes(content), nullptr, "mutant", checksums);
  MICA_FILE_TRY(file.status());
  absl::StatusOr<std::vector<Dataset>> datasets = file->datasets();
  MICA_FILE_TRY(datasets.status());
  absl::Status status;
  for (const Dataset& dataset : *datasets) {
    status.Update(dataset.dtype().ok() ? dataset.read().status() : dataset.read_texts().status());
    for (const Attribute& attribute : dataset.attributes()) {
      const absl::Status numbers = attribute.read().status();
      if (!numbers.ok()) status.Update(attribute.read_texts().status());
    }
  }
  return status;
}

class H5MutationTest : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Seeds, H5MutationTest,
                         testing::Values("values_earliest", "values_latest", "chunks_earliest", "chunks_latest",
                                         "many_earliest", "many_latest", "refused", "circle"));

// With checksums, most damage of new files ends at the first one; without them it gets where the checksum was right.
TEST_P(H5MutationTest, EveryMutantIsReadOrRefused) {
  const std::string whole = read_text(MICA_SOURCE_DIR "/tests/fixtures/h5/" + std::string(GetParam()) + ".h5");
  ASSERT_FALSE(whole.empty());
  Mutator mutator(whole, 20251121);
  int refused = 0;
  const int count = mutant_count(150);
  for (int i = 0; i < count; ++i) {
    const std::string mutant = mutator.next();
    refused += !read_everything(mutant, i % 4 == 0 ? Checksums::kVerify : Checksums::kIgnore).ok();
  }
  EXPECT_GT(refused, count / 10);
}

}  // namespace
}  // namespace mica::files::hdf5
