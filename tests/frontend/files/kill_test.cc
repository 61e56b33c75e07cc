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
#include "frontend/files/zip_reader.h"
#include "frontend/mica/mica.h"
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

using Clock = std::chrono::steady_clock;

// A child saves over and over and is killed at a moment within the time that one or two saves take.
template <class Save>
void kill_while(const Save& save, Clock::duration moment) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    while (save()) {
    }
    _exit(1);
  }
  std::this_thread::sleep_for(moment);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "saving failed by itself";
}

// Moments over all that a save does, however long it takes here.
class Moments {
 public:
  template <class Save>
  explicit Moments(const Save& save) {
    const Clock::time_point begin = Clock::now();
    for (int i = 0; i < kSaves; ++i) EXPECT_TRUE(save());
    two_saves_ = (Clock::now() - begin) * 2 / kSaves;
  }
  Clock::duration next() { return two_saves_ * std::uniform_int_distribution<std::int64_t>(0, 1000)(random_) / 1000; }

 private:
  static constexpr int kSaves = 5;
  std::mt19937 random_{20251121};
  Clock::duration two_saves_;
};

template <class Save, class Check>
void kill_while_saving(const std::string& path, Save save, Check check) {
  Moments moments([&] { return save(path, marked(-1)).ok(); });
  for (int moment = 0; moment < kMoments && !testing::Test::HasFailure(); ++moment) {
    const rt::Array array = marked(moment);
    kill_while([&] { return save(path, array).ok(); }, moments.next());
    check(path);
  }
}

TEST_F(KillTest, AnArchiveIsTheOldOrTheNew) { kill_while_saving(path("a.npz"), save_archive, expect_whole_archive); }

TEST_F(KillTest, WeightsAreTheOldOrTheNew) { kill_while_saving(path("a.h5"), save_weights, expect_whole_weights); }

// What of a .keras file does not depend on when it was saved.
std::string content_of(const std::string& path) {
  const absl::StatusOr<ZipReader> zip = ZipReader::open(path);
  EXPECT_TRUE(zip.ok()) << zip.status();
  std::string content;
  for (const char* name : {"config.json", "model.weights.h5"}) {
    const ZipMember* member = zip.ok() ? zip->find(name) : nullptr;
    EXPECT_NE(member, nullptr) << name;
    if (member == nullptr) continue;
    const absl::StatusOr<std::vector<std::byte>> bytes = zip->read(*member);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    content.append(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  }
  return content;
}

Model compiled_model() {
  Tensor x = Input({64});
  Model model({x}, {Dense(3)(Dense(128, {.activation = "relu"})(x))}, {.name = "model"});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  return model;
}

TEST_F(KillTest, AModelIsTheOldOrTheNew) {
  const Model model = compiled_model();
  const std::string file = path("model.keras"), whole = path("whole.keras");
  auto save = [&] {
    model.save(file);
    return true;
  };
  Moments moments(save);
  std::string old = content_of(file);
  int replaced = 0;
  for (int moment = 0; moment < kMoments && !HasFailure(); ++moment) {
    for (const Variable& weight : model.weights()) Variable(weight).assign(full(weight.shape(), moment));
    model.save(whole);
    const std::string fresh = content_of(whole);
    kill_while(save, moments.next());
    const std::string found = content_of(file);
    EXPECT_TRUE(found == old || found == fresh) << "moment " << moment;
    EXPECT_EQ(load_model(file).weights().size(), 4u);
    EXPECT_LE(file_count(), 4u) << "beside the two models at most the archive and its weights, half done";
    if (found == fresh) ++replaced;
    old = found;
  }
  EXPECT_GT(replaced, 0);
  EXPECT_LT(replaced, kMoments);
  save();
  EXPECT_EQ(file_count(), 2u) << "a save removes what killed ones left";
}

}  // namespace
}  // namespace mica::files
