// The callbacks of the library, on trainings whose numbers are known.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "frontend/mica/mica.h"
#include "frontend/training/callbacks/file_name.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CallbacksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    std::string folder = (std::filesystem::temp_directory_path() / "mica_callbacks_XXXXXX").string();
    ASSERT_TRUE(::mkdtemp(folder.data()));
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string text(const std::string& name) const {
    std::ifstream file(path(name));
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
  }

  // y = w·x from w = 1 on one row, x = 1 and y = 0: the loss is w², the gradient 2w.
  static Sequential square(double rate = 0.25) {
    Sequential model;
    model.add(Input({1}, {.name = "x"}));
    model.add(Dense(1, {.use_bias = false, .kernel_initializer = "ones", .name = "y"}));
    model.compile({.optimizer = SGD(rate), .loss = "mse"});
    return model;
  }
  static History fit(const Sequential& model, std::vector<Callback> callbacks, int epochs = 3) {
    return model.fit(ones({1, 1}), zeros({1, 1}), {.epochs = epochs, .verbose = 0, .callbacks = std::move(callbacks)});
  }

 private:
  std::string folder_;
};

TEST_F(CallbacksTest, EarlyStoppingRestoresTheBestWeights) {
  Sequential model = square(1.5);  // w is multiplied by -2: 1, -2, 4 …; the loss is 1, 4, 16 …
  EarlyStopping stopping({.monitor = "loss", .patience = 2, .restore_best_weights = true});
  History history = fit(model, {stopping}, 10);
  EXPECT_THAT(history["loss"], ElementsAre(1, 4, 16));
  EXPECT_EQ(stopping.stopped_epoch(), 2);
  EXPECT_EQ(model.get_weights()[0].item(), -2.0f);  // those after the first epoch
}

TEST_F(CallbacksTest, ReduceLROnPlateauSetsTheRate) {
  Sequential model = square(1.0);  // w is multiplied by -1: the loss stays
  History history = fit(model, {ReduceLROnPlateau({.monitor = "loss", .factor = 0.5, .patience = 1})}, 3);
  EXPECT_THAT(history["learning_rate"], ElementsAre(1, 1, 0.5));
  EXPECT_EQ(model.optimizer().lr(), 0.25);  // after the last epoch too
}

TEST_F(CallbacksTest, ACallbackChangesLogsAndStops) {
  LambdaCallback lambda({.on_epoch_end = [](int epoch, Logs& logs) { logs.set("twice", 2.0 * epoch); }});
  EXPECT_THAT(fit(square(), {lambda}, 2)["twice"], ElementsAre(0, 2));

  class StopAt : public CustomCallback {
    void on_train_batch_end(int, const Logs&) override { model().set_stop_training(); }
  };
  EXPECT_EQ(fit(square(), {make<StopAt>()}, 5).epochs(), 1u);
}

TEST_F(CallbacksTest, ModelCheckpointNamesItsFiles) {
  fit(square(), {ModelCheckpoint(path("{epoch:02d}-{loss:.2f}.keras"))}, 2);
  EXPECT_TRUE(std::filesystem::exists(path("01-1.00.keras")));
  EXPECT_TRUE(std::filesystem::exists(path("02-0.25.keras")));
  EXPECT_EQ(load_model(path("01-1.00.keras")).get_weights()[0].item(), 0.5f);
}

TEST_F(CallbacksTest, ModelCheckpointKeepsTheBest) {
  Sequential model = square(1.5);
  fit(model, {ModelCheckpoint(path("best.keras"), {.monitor = "loss", .save_best_only = true}),
              ModelCheckpoint(path("w.weights.h5"), {.save_weights_only = true})});
  EXPECT_EQ(load_model(path("best.keras")).get_weights()[0].item(), -2.0f);
  Sequential other = square();
  other.load_weights(path("w.weights.h5"));
  EXPECT_EQ(other.get_weights()[0].item(), -8.0f);
  EXPECT_THAT(error_of([&] { ModelCheckpoint(path("x.h5")); }), HasSubstr(".keras"));
}

TEST_F(CallbacksTest, NamesOfFilesAreFormattedAsPythonDoes) {
  Logs logs;
  logs.set("val_loss", 0.123456);
  EXPECT_EQ(internal::formatted_name("{epoch:03d}_{batch}_{val_loss:.2f}_{val_loss:e}", 7, 12, logs),
            "007_12_0.12_1.234560e-01");
  EXPECT_THAT(error_of([&] { internal::formatted_name("{loss}", 1, 1, logs); }), HasSubstr("val_loss"));
  EXPECT_THAT(error_of([&] { internal::formatted_name("{epoch:s}", 1, 1, logs); }), HasSubstr("{:s}"));
}

TEST_F(CallbacksTest, CsvLoggerWritesALineAnEpoch) {
  fit(square(), {CSVLogger(path("log.csv"))}, 2);
  EXPECT_EQ(text("log.csv"), "epoch,loss\n0,1.0\n1,0.25\n");
  fit(square(), {CSVLogger(path("log.csv"), ',', true)}, 1);
  EXPECT_EQ(text("log.csv"), "epoch,loss\n0,1.0\n1,0.25\n0,1.0\n");
}

TEST_F(CallbacksTest, BackupAndRestoreGoesOnAfterAnInterruption) {
  class Interrupt : public CustomCallback {
    void on_epoch_begin(int epoch) override {
      if (epoch == 2) throw Error("interrupted");
    }
  };
  Sequential interrupted = square();
  auto backup = [&] { return BackupAndRestore(path("backup")); };
  EXPECT_THAT(error_of([&] { fit(interrupted, {backup(), make<Interrupt>()}, 4); }), HasSubstr("interrupted"));
  EXPECT_TRUE(std::filesystem::exists(path("backup/latest.keras")));

  Sequential again = square();
  History history = fit(again, {backup()}, 4);
  Sequential whole = square();
  EXPECT_EQ(history["loss"], fit(whole, {}, 4)["loss"]);
  EXPECT_EQ(again.get_weights()[0].item(), whole.get_weights()[0].item());
  EXPECT_FALSE(std::filesystem::exists(path("backup/latest.keras")));
}

TEST_F(CallbacksTest, TensorBoardWritesRecordsWithChecksums) {
  fit(square(), {TensorBoard(path("logs"), {.histogram_freq = 1})}, 2);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path("logs/train"))) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1u);
  const std::string content = text("logs/train/" + files[0].filename().string());
  EXPECT_THAT(content, HasSubstr("brain.Event:2"));
  EXPECT_THAT(content, HasSubstr("epoch_loss"));
  // The first record's length, 24 bytes, and the checksum of these eight bytes as TFRecord has it.
  EXPECT_EQ(content.substr(0, 12), std::string("\x18\0\0\0\0\0\0\0\xa3\x7f\x4b\x22", 12));
}

TEST_F(CallbacksTest, MistakesInOptions) {
  EXPECT_THAT(error_of([] { EarlyStopping({.mode = "up"}); }), HasSubstr("auto, min, max"));
  EXPECT_THAT(error_of([] { ReduceLROnPlateau({.factor = 1.5}); }), HasSubstr("factor below 1"));
  EXPECT_THAT(error_of([] { ModelCheckpoint("a.keras", {.save_freq = "often"}); }), HasSubstr("save_freq"));
  EXPECT_THAT(error_of([] {
                class Loose : public CustomCallback {
                 public:
                  void look() { model(); }
                };
                make<Loose>()->look();
              }),
              HasSubstr("a callback that no model runs"));
}

}  // namespace
}  // namespace mica
