#include "frontend/files/atomic_file.h"

#include <sys/stat.h>

#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using AtomicFileTest = TempFolder;

TEST_F(AtomicFileTest, AppearsOnlyWithCommit) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->write(as_bytes("half ")).ok());
  ASSERT_TRUE(file->write(as_bytes("and half")).ok());
  EXPECT_FALSE(std::filesystem::exists(path("a")));
  EXPECT_EQ(file->written(), 13u);
  ASSERT_TRUE(file->commit().ok());
  EXPECT_EQ(read_text(path("a")), "half and half");
  EXPECT_EQ(file_count(), 1u);
}

TEST_F(AtomicFileTest, LeavesTheOldFileWhenNotCommitted) {
  put("a", "old");
  {
    absl::StatusOr<AtomicFile> file = AtomicFile::create(path("a"));
    ASSERT_TRUE(file->write(as_bytes("new")).ok());
  }
  EXPECT_EQ(read_text(path("a")), "old");
  EXPECT_EQ(file_count(), 1u) << "the temporary file must be gone";
}

TEST_F(AtomicFileTest, ReplacesTheOldFile) {
  put("a", "old and longer");
  ASSERT_TRUE(write_file(path("a"), "new").ok());
  EXPECT_EQ(read_text(path("a")), "new");
}

TEST_F(AtomicFileTest, RemovesWhatAKilledWriterLeft) {
  put("a.7.0.tmp", "half");
  put("a.weights.7.0.tmp", "of another file");
  put("a.7.tmp", "no temporary file of ours");
  ASSERT_TRUE(write_file(path("a"), "new").ok());
  EXPECT_FALSE(std::filesystem::exists(path("a.7.0.tmp")));
  EXPECT_TRUE(std::filesystem::exists(path("a.weights.7.0.tmp")));
  EXPECT_TRUE(std::filesystem::exists(path("a.7.tmp")));
}

TEST_F(AtomicFileTest, TwoWritersLeaveEachOtherAlone) {
  absl::StatusOr<AtomicFile> first = AtomicFile::create(path("a"));
  ASSERT_TRUE(first->write(as_bytes("first")).ok());
  ASSERT_TRUE(write_file(path("a"), "second").ok());
  EXPECT_EQ(read_text(path("a")), "second");
  ASSERT_TRUE(first->commit().ok());
  EXPECT_EQ(read_text(path("a")), "first");
}

TEST_F(AtomicFileTest, FollowsTheUmask) {
  const mode_t before = umask(027);
  ASSERT_TRUE(write_file(path("a"), "x").ok());
  umask(before);
  struct stat info{};
  ASSERT_EQ(stat(path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(AtomicFileTest, NamesTheFolderThatIsMissing) {
  EXPECT_EQ(error_of(write_file(path("no/such/a"), "x")),
            path("no/such/a") + ": expected to create the file, received 'No such file or directory'.");
}

}  // namespace
}  // namespace mica::files
