// predict(): batches, steps, callbacks.
#include <gmock/gmock.h>

#include "frontend/mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;

class PredictTest : public ::testing::Test {
 protected:
  void SetUp() override { clear_session(); }
  // Twice the input.
  static Model doubled() {
    Tensor x = Input({1}, {.name = "x"});
    return Model({x}, {x * 2.0}, {.name = "doubled"});
  }
};

TEST_F(PredictTest, CallbacksSeeEveryBatch) {
  std::vector<std::string> calls;
  const auto note = [&](std::string what) { calls.push_back(std::move(what)); };
  const Callback callback = LambdaCallback({.on_predict_begin = [&] { note("begin"); },
                                            .on_predict_end = [&] { note("end"); },
                                            .on_predict_batch_begin = [&](int i) { note("+" + std::to_string(i)); },
                                            .on_predict_batch_end = [&](int i) { note("-" + std::to_string(i)); }});
  doubled().predict(ones({5, 1}), {.batch_size = 2, .callbacks = {callback}});
  EXPECT_THAT(calls, ElementsAre("begin", "+0", "-0", "+1", "-1", "+2", "-2", "end"));
  calls.clear();
  doubled().predict(std::vector<Batch>{{ones({2, 1}), {}, {}}, {ones({3, 1}), {}, {}}}, {.callbacks = {callback}});
  EXPECT_THAT(calls, ElementsAre("begin", "+0", "-0", "+1", "-1", "end"));
}

TEST_F(PredictTest, BatchesOfASourceAreOneResult) {
  const std::vector<Batch> batches = {{tensor({{1.0}, {2.0}}), {}, {}}, {tensor({{3.0}}), {}, {}}};
  EXPECT_EQ(doubled().predict(batches).to_vector<float>(), (std::vector<float>{2, 4, 6}));
  EXPECT_EQ(doubled().predict(batches, {.steps = 1}).to_vector<float>(), (std::vector<float>{2, 4}));
  EXPECT_EQ(error_of([] { doubled().predict(std::vector<Batch>()); }),
            "doubled: expected at least one batch, received none.");
}

TEST_F(PredictTest, StepsAreBatchesOfAnArrayToo) {
  const Tensor rows = arange(0, 5).reshape({5, 1}).to(kFloat32);
  EXPECT_EQ(doubled().predict(rows, {.batch_size = 2, .steps = 2}).to_vector<float>(),
            (std::vector<float>{0, 2, 4, 6}));
}

}  // namespace
}  // namespace mica
