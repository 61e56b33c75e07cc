#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/mica/mica.h"
#include "tests/frontend/files/file_testing.h"

namespace mica {
namespace {

using testing::HasSubstr;
using testing::Not;

class ModelPlotTest : public files::TempFolder {
 protected:
  std::string dot_of(const Model& model, PlotOptions options = {}) const {
    model.plot(path("a.dot"), std::move(options));
    return files::read_text(path("a.dot"));
  }
};

Model nested_model() {
  Tensor x = Input({8}, {.name = "features"});
  Model encoder(x, Dense(4, {.name = "code"})(x), {.name = "encoder"});
  Tensor input = Input({8}, {.name = "input"});
  Dense shared(4, {.activation = "relu", .name = "shared"});
  Tensor y = shared(shared(encoder(input)));
  return Model(input, Dense(2, {.name = "logits"})(y + encoder(input)), {.name = "outer"});
}

TEST_F(ModelPlotTest, DrawsEachLayerOnceAndEveryConnection) {
  const std::string dot = dot_of(nested_model());
  EXPECT_THAT(dot, HasSubstr("\"input\" -> \"encoder\";"));
  EXPECT_THAT(dot, HasSubstr("\"encoder\" -> \"shared\";"));
  EXPECT_THAT(dot, HasSubstr("\"shared\" -> \"shared\";"));
  EXPECT_THAT(dot, HasSubstr("(None, 8)"));
  EXPECT_THAT(dot, Not(HasSubstr("cluster")));
  EXPECT_EQ(dot.find("\"shared\" [label"), dot.rfind("\"shared\" [label"));
}

TEST_F(ModelPlotTest, ExpandsNestedModels) {
  const std::string dot = dot_of(nested_model(), {.expand_nested = true});
  EXPECT_THAT(dot, HasSubstr("subgraph cluster_1 {\n    label=\"encoder\""));
  EXPECT_THAT(dot, HasSubstr("\"input\" -> \"encoder/features\";"));
  EXPECT_THAT(dot, HasSubstr("\"encoder/features\" -> \"encoder/code\";"));
  EXPECT_THAT(dot, HasSubstr("\"encoder/code\" -> \"shared\";"));
}

TEST_F(ModelPlotTest, ShowsActivationsAndTrainability) {
  const Model model = nested_model();
  model.get_layer("logits").set_trainable(false);
  const std::string dot = dot_of(model, {.show_layer_activations = true, .show_trainable = true});
  EXPECT_THAT(dot, HasSubstr("relu"));
  EXPECT_THAT(dot, HasSubstr(">trainable<"));
  EXPECT_THAT(dot, HasSubstr(">frozen<"));
}

TEST_F(ModelPlotTest, WritesSvg) {
  nested_model().plot(path("a.svg"));
  EXPECT_THAT(files::read_text(path("a.svg")), HasSubstr("logits"));
}

TEST_F(ModelPlotTest, NamesTheFileItCannotWrite) { EXPECT_THROW(nested_model().plot(path("none/a.svg")), Error); }

}  // namespace
}  // namespace mica
