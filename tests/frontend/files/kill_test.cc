// A process is killed at random moments while it saves over a file: the file is the old one or the new one, whole.
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "frontend/files/atomic_file.h"
#include "frontend/files/hdf5/file.h"
#include "frontend/files/hdf5/writer.h"
#include "frontend/files/npz.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::files {
namespace {

using KillTest = TempFolder;

constexpr int kMoments = 200;

// An array whose elements all say which save wrote it.
rt::Array marked(double mark) { return make_array(kFloat32, {20000}, std::vector<double>(20000, mark)); }

absl::Status save_archive(const std::string& path, const rt::Array& array) {
  return write_npz(path, {{"first", array}, {"second", array}});
}

absl::Status save_weights(const std::string& path, const rt::Array& array) {
  absl::StatusOr<AtomicFile> file = AtomicFile::create(path);
  MICA_FILE_TRY(file.status());
  absl::StatusOr<hdf5::Writer> writer = hdf5::Writer::create(file->temporary_path());
  MICA_FILE_TRY(writer.status());
  MICA_FILE_TRY(writer->add_dataset("/first", array));
  MICA_FILE_TRY(writer->add_dataset("/second", array));
  MICA_FILE_TRY(writer->finish());
  return file->commit();
}

void expect_one_mark(const absl::StatusOr<rt::Array>& first, const absl::StatusOr<rt::Array>& second) {
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  const std::vector<double> marks = values_of(*first);
  EXPECT_EQ(marks, std::vector<double>(marks.size(), marks.front()));
  EXPECT_EQ(values_of(*second), marks);
}

void expect_whole_archive(const std::string& path) {
  const absl::StatusOr<NamedArrays> arrays = read_npz(path);
  ASSERT_TRUE(arrays.ok()) << arrays.status();
  ASSERT_EQ(arrays->size(), 2u);
  expect_one_mark((*arrays)[0].second, (*arrays)[1].second);
}

void expect_whole_weights(const std::string& path) {
  const absl::StatusOr<hdf5::File> file = hdf5::File::open(path);
  ASSERT_TRUE(file.ok()) << file.status();
  expect_one_mark(file->root().dataset("first")->read(), file->root().dataset("second")->read());
}

// Saves in a child that is killed some microseconds after it began; `check` sees the file each time.
template <class Save, class Check>
void kill_while_saving(const std::string& path, Save save, Check check) {
  ASSERT_TRUE(save(path, marked(-1)).ok());
  std::mt19937 random(20251121);
  for (int moment = 0; moment < kMoments && !testing::Test::HasFailure(); ++moment) {
    const rt::Array array = marked(moment);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      while (save(path, array).ok()) {
      }
      _exit(1);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 4000));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "saving failed by itself";
    check(path);
  }
}

TEST_F(KillTest, AnArchiveIsTheOldOrTheNew) { kill_while_saving(path("a.npz"), save_archive, expect_whole_archive); }

TEST_F(KillTest, WeightsAreTheOldOrTheNew) { kill_while_saving(path("a.h5"), save_weights, expect_whole_weights); }

}  // namespace
}  // namespace mica::files
