#include "frontend/files/keras_training.h"

#include <gtest/gtest.h>

#include "frontend/layers/fields.h"
#include "frontend/layers/objects.h"
#include "frontend/mica/layers.h"
#include "tests/frontend/files/file_testing.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

Model two_outputs() {
  Tensor x = Input({3}, {.name = "x"});
  return Model(x, {Dense(1, {.name = "score"})(x), Dense(2, {.name = "kind"})(x)}, {.name = "m"});
}

class KerasTraining : public files::TempFolder {
 protected:
  Model again(const Model& model) {
    model.save(path("m.keras"));
    return load_model(path("m.keras"));
  }
};

// What get_compile_config() of Keras 3.15.1 says of the same compile().
TEST_F(KerasTraining, CompileIsWrittenAsKerasDoes) {
  Model model = two_outputs();
  model.compile({.optimizer = Adam(1e-3, {.clipnorm = 1.0}),
                 .loss = {"mse", SparseCategoricalCrossentropy({.from_logits = true})},
                 .loss_weights = {1.0, 0.5},
                 .metrics = {{"kind", {metrics::SparseCategoricalAccuracy({.name = "acc"})}}}});
  EXPECT_EQ(files::compile_config(model).to_json(),
            R"({"optimizer":{"module":"keras.optimizers","class_name":"Adam","config":{"name":"adam",)"
            R"("learning_rate":0.0010000000474974513,"weight_decay":null,"clipnorm":1.0,"global_clipnorm":null,)"
            R"("clipvalue":null,"use_ema":false,"ema_momentum":0.99,"ema_overwrite_frequency":null,)"
            R"("loss_scale_factor":null,"gradient_accumulation_steps":null,"beta_1":0.9,"beta_2":0.999,)"
            R"("epsilon":1e-07,"amsgrad":false},"registered_name":null},"loss":["mean_squared_error",)"
            R"({"module":"keras.losses","class_name":"SparseCategoricalCrossentropy","config":{)"
            R"("name":"sparse_categorical_crossentropy","reduction":"sum_over_batch_size","from_logits":true,)"
            R"("ignore_class":null,"axis":-1},"registered_name":null}],"loss_weights":[1.0,0.5],"metrics":{"kind":[)"
            R"({"module":"keras.metrics","class_name":"SparseCategoricalAccuracy","config":{"name":"acc",)"
            R"("dtype":"float32"},"registered_name":null}]},"weighted_metrics":null,"run_eagerly":false,)"
            R"("steps_per_execution":1,"jit_compile":false})");
  EXPECT_EQ(files::compile_config(again(model)).to_json(), files::compile_config(model).to_json());
}

TEST_F(KerasTraining, ALoadedModelTrainsOn) {
  Tensor x = tensor({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}), y = tensor({{1.0}, {2.0}});
  for (const Optimizer& optimizer :
       {Optimizer(SGD(0.1, {.momentum = 0.5, .nesterov = true})),
        Optimizer(RMSprop(0.01, {.momentum = 0.5, .centered = true, .weight_decay = 0.125})),
        Optimizer(Adam(0.01, {.amsgrad = true})), Optimizer(AdamW(0.01))}) {
    Tensor in = Input({3});
    Model model(in, Dense(1)(Dense(2)(in)));
    model.compile({.optimizer = optimizer, .loss = MeanAbsoluteError({.reduction = "sum"}), .metrics = {"mse"}});
    model.train_on_batch(x, y);
    model.train_on_batch(x, y);
    Model loaded = again(model);
    EXPECT_EQ(loaded.optimizer().iterations(), 2);
    EXPECT_EQ(loaded.train_on_batch(x, y)["loss"], model.train_on_batch(x, y)["loss"]);
    EXPECT_EQ(loaded.predict(x).to_vector(), model.predict(x).to_vector()) << "the slots came along";
  }
}

// A loss may be a metric, and functions stand in files as objects of their name or wrapped with their arguments.
TEST_F(KerasTraining, LossesAndMetricsInEveryForm) {
  Model model = two_outputs();
  auto function = [](const char* name) { return internal::function_value(Config::Value(name)); };
  Config::Value huber =
      internal::object_value("keras.losses", "LossFunctionWrapper",
                             {{"name", "near"}, {"reduction", "sum"}, {"fn", function("huber")}, {"delta", 0.5}});
  Config::Value wrapped =
      internal::object_value("keras.metrics", "MeanMetricWrapper",
                             {{"name", "top"}, {"dtype", "float32"}, {"fn", function("mean_absolute_error")}});
  Config::Value object = internal::object_value("keras.losses", "MeanSquaredError",
                                                {{"name", "mean_squared_error"}, {"reduction", "sum"}});
  Config compiled{{"optimizer", internal::object_value("keras.optimizers", "SGD", {{"name", "SGD"}})},
                  {"loss", std::vector<Config::Value>{huber, function("log_cosh")}},
                  {"metrics", std::vector<Config::Value>{std::vector<Config::Value>{wrapped, "auc"},
                                                         std::vector<Config::Value>{object, function("hinge")}}}};
  files::read_compile_config(model, compiled);
  Tensor x = tensor({{1.0, 2.0, 3.0}}), score = tensor({{1.0}}), kind = tensor({{1.0, 0.0}});
  Logs logs = model.evaluate(x, {score, kind}, {.verbose = 0});
  EXPECT_EQ(logs.keys(), (std::vector<std::string>{"kind_hinge", "kind_loss", "kind_mean_squared_error", "loss",
                                                   "score_auc", "score_loss", "score_top"}));
  EXPECT_EQ(again(model).evaluate(x, {score, kind}, {.verbose = 0}).items(), logs.items());
}

TEST_F(KerasTraining, RegisteredLossesByName) {
  register_loss("shop>cubic", [](const Tensor& t, const Tensor& p) { return ((t - p) * (t - p) * (t - p)).abs(); });
  Tensor in = Input({3}), x = tensor({{1.0, 2.0, 3.0}}), y = tensor({{1.0}});
  Model model(in, Dense(1)(in));
  model.compile({.optimizer = "sgd", .loss = "shop>cubic"});
  Model loaded = again(model);
  EXPECT_EQ(loaded.evaluate(x, y, {.verbose = 0})["loss"], model.evaluate(x, y, {.verbose = 0})["loss"]);
  model.compile({.optimizer = "sgd", .loss = [](const Tensor& t, const Tensor& p) { return (t - p).square(); }});
  EXPECT_NE(error_of([&] { model.save(path("m.keras")); }).find("register_loss"), std::string::npos);
}

// A file may be compiled with what Mica does not have: it predicts, says why it does not train, and is written again
// as it was.
TEST_F(KerasTraining, UnknownOptimizersStayInTheFile) {
  Model model = two_outputs();
  Config compiled{{"optimizer", internal::object_value("keras.optimizers", "Fancy", {{"name", "fancy"}})},
                  {"loss", "mse"}};
  files::read_compile_config(model, compiled);
  EXPECT_NE(error_of([&] { model.optimizer(); }).find("Fancy"), std::string::npos);
  EXPECT_EQ(files::compile_config(again(model)).to_json(), compiled.to_json());
}

}  // namespace
}  // namespace mica
