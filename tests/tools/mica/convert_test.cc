// mica convert: a model into a model, or its weights alone.
#include <gmock/gmock.h>

#include "tests/tools/mica/tool_testing.h"

namespace mica::tool {
namespace {

using ::testing::UnorderedElementsAre;

class ConvertTest : public ToolTest {};

TEST_F(ConvertTest, ModelsAndWeights) {
  Model model = save_model();
  Tensor x = save_rows(3);
  ASSERT_EQ(mica({"convert", path("model.keras"), path("copy.keras")}).error, "");
  EXPECT_EQ(load_model(path("copy.keras")).predict(x).to_vector(), model.predict(x).to_vector());

  ASSERT_EQ(mica({"convert", path("model.keras"), path("weights.npz")}).error, "");
  TensorDict weights = load_npz(path("weights.npz"));
  EXPECT_THAT(weights.keys(), UnorderedElementsAre("shared/kernel", "shared/bias", "deep/kernel", "deep/bias"));
  EXPECT_EQ(weights["shared/kernel"].to_vector(), model.get_layer("shared").get_weights()[0].to_vector());
  EXPECT_EQ(mica({"convert", path("model.keras"), path("weights.txt")}).status, 1);
}

}  // namespace
}  // namespace mica::tool
