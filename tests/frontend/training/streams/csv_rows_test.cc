// csv_batches.
#include <gmock/gmock.h>

#include "tests/frontend/training/streams/stream_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;

class CsvRowsTest : public StreamTest {
 protected:
  std::string table() const {
    return written("table.csv", "a,note,b,y,w\n1,one,10,100,0.5\n2,two,20,200,1\n3,\"three, 3\",30,300,2\n");
  }
};

TEST_F(CsvRowsTest, ColumnsBecomeInputsTargetsAndWeights) {
  auto source = csv_batches(table(), {.labels = {"y"}, .features = {"b", "a"}, .sample_weight = "w", .batch_size = 2});
  const std::vector<Batch> batches = all_of(*source);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(only(batches[0].x).shape(), Shape({2, 2}));
  EXPECT_THAT(numbers(batches[0].x), ElementsAre(10, 1, 20, 2));
  EXPECT_THAT(numbers(batches[1].x), ElementsAre(30, 3));
  EXPECT_EQ(only(batches[0].y).shape(), Shape({2}));
  EXPECT_THAT(numbers(batches[0].y), ElementsAre(100, 200));
  EXPECT_THAT(numbers(batches[1].sample_weight), ElementsAre(2));
}

TEST_F(CsvRowsTest, FeaturesByNameAreInputsOfAModel) {
  auto source = csv_batches(table(), {.labels = {"y", "w"}, .features = {"a", "b"}, .by_name = true});
  const std::vector<Batch> batches = all_of(*source);
  ASSERT_EQ(batches[0].x.items().size(), 2u);
  EXPECT_EQ(batches[0].x.items()[1].first, "b");
  EXPECT_EQ(only(batches[0].x).shape(), Shape({3, 1}));
  EXPECT_EQ(only(batches[0].y).shape(), Shape({3, 2}));
  Tensor a = Input({1}, {.name = "a"}), b = Input({1}, {.name = "b"});
  const Model sum({b, a}, {a + b});
  EXPECT_EQ(sum.predict(source).to_vector<float>(), (std::vector<float>{11, 22, 33}));
}

TEST_F(CsvRowsTest, TrainsAsTheArraysDo) {
  std::string text = "u,v,y\n";
  for (int i = 0; i < 37; ++i)
    text += std::to_string(i) + "," + std::to_string(i % 5) + "," + std::to_string(3 * i) + "\n";
  const std::string file = written("long.csv", text);
  const auto fitted = [](auto fit) {
    clear_session();
    Tensor x = Input({2}, {.name = "x"});
    const Model model({x}, {Dense(1, {.kernel_initializer = "ones", .name = "y"})(x)});
    model.compile({.optimizer = SGD(1e-4), .loss = "mse"});
    return std::vector<double>(fit(model)["loss"]);
  };
  const TensorDict columns = load_csv(file);
  const Tensor x = stack({columns["u"], columns["v"]}, 1), y = columns["y"].reshape({37, 1});
  const auto streamed = fitted([&](const Model& model) {
    return model.fit(csv_batches(file, {.labels = {"y"}, .batch_size = 8}), {.epochs = 3, .verbose = 0});
  });
  const auto in_memory = fitted([&](const Model& model) {
    return model.fit(x, y, {.batch_size = 8, .epochs = 3, .verbose = 0, .shuffle = false});
  });
  EXPECT_EQ(streamed, in_memory);
}

TEST_F(CsvRowsTest, BadFilesNameTheLineAndTheColumn) {
  const std::string bad = written("bad.csv", "a,y\n1,2\n3,four\n");
  EXPECT_EQ(error_of([&] { all_of(*csv_batches(bad, {.labels = {"y"}})); }),
            bad +
                ":3: expected a number in column 'y', received 'four'. Columns of text can be left out by naming the "
                "others.");
  EXPECT_EQ(error_of([&] { csv_batches(bad, {.labels = {"z"}}); }),
            bad + ": expected a column named 'z', received a file without one.");
  EXPECT_EQ(error_of([&] { csv_batches(bad, {.batch_size = 0}); }),
            "csv_batches: expected batch_size of at least 1, received 0.");
}

}  // namespace
}  // namespace mica
