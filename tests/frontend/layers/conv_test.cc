// Mistakes with convolutions, word for word, and the steps that convolutions become.
#include <gtest/gtest.h>

#include "frontend/mica/layers/convolution.h"
#include "frontend/mica/model.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

class Convolution : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }

  Tensor image(std::int64_t channels = 3) { return Input({8, 8, channels}, {.name = "image"}); }

  // Steps of a prediction by the layer.
  int steps(const Tensor& input, const Layer& layer) {
    std::string program = Model({input}, {layer(input)}).dump(Stage::kProgram);
    int count = 0;
    for (std::size_t at = program.find("\n run "); at != std::string::npos; at = program.find("\n run ", at + 1))
      ++count;
    return count;
  }
};

TEST_F(Convolution, OptionsAreChecked) {
  EXPECT_EQ(error_of([] { Conv2D(0, 3, {.name = "c"}); }), "c: expected filters of at least 1, received 0.");
  EXPECT_EQ(error_of([] { Conv2D(4, {3, 0}, {.name = "c"}); }), "c: expected kernel_size of at least 1, received 0.");
  EXPECT_EQ(error_of([] { Conv2D(4, 3, {.strides = {0, 1}, .name = "c"}); }),
            "c: expected strides of at least 1, received 0.");
  EXPECT_EQ(error_of([] { Conv2D(4, 3, {.strides = 2, .dilation_rate = {1, 2}, .name = "c"}); }),
            "c: expected strides of 1 where dilation_rate is above 1, received strides [2,2] and dilation_rate [1,2].");
  EXPECT_EQ(error_of([] { Conv2D(4, 3, {.padding = "causal", .name = "c"}); }),
            "c: expected padding to be one of valid, same, received \"causal\".");
  EXPECT_EQ(error_of([] { Conv2D(4, 3, {.groups = 3, .name = "c"}); }),
            "c: expected filters to be a multiple of 3 groups, received 4.");
  EXPECT_EQ(error_of([] { Conv2DTranspose(4, 3, {.strides = 2, .output_padding = 2, .name = "c"}); }),
            "c: expected output_padding of at least 0 and below the stride of 2, received 2.");
  EXPECT_EQ(error_of([] { SeparableConv2D(4, 3, {.depth_multiplier = 0, .name = "c"}); }),
            "c: expected depth_multiplier of at least 1, received 0.");
}

TEST_F(Convolution, InputsAreChecked) {
  EXPECT_EQ(error_of([&] { Conv2D(4, 9, {.name = "c"})(image()); }),
            "c: expected an input of at least 9 along axis 1, the size of the kernel, received 8. "
            "Use padding \"same\", or a smaller kernel_size.");
  EXPECT_EQ(error_of([&] { Conv2D(4, 3, {.groups = 2, .name = "c"})(image()); }),
            "c: expected an input whose channels are a multiple of 2 groups, received 3 channels, [?,8,8,3].");
  EXPECT_EQ(error_of([&] { Conv1D(4, 3, {.name = "c"})(image()); }),
            "c: expected an input of rank 3, received rank 4, [?,8,8,3]. The batch is the first axis.");
  Conv2D shared(4, 3, {.name = "c"});
  shared(image());
  EXPECT_EQ(error_of([&] { shared(image(5)); }),
            "c: expected an input of 3 channels, received f32[?,8,8,5]. "
            "The layer was built on [?,8,8,3]; was it shared by mistake?");
}

TEST_F(Convolution, BiasAndActivationAreInTheStep) {
  EXPECT_EQ(steps(image(), Conv2D(4, 3, {.padding = "same", .activation = "relu"})), 1);
  EXPECT_EQ(steps(image(), Conv2D(6, 3, {.groups = 3, .activation = "tanh"})), 1);
  EXPECT_EQ(steps(image(), DepthwiseConv2D(3, {.depth_multiplier = 2, .activation = "relu"})), 1);
  EXPECT_EQ(steps(image(), SeparableConv2D(4, 3, {.strides = 2, .padding = "same", .activation = "relu"})), 2);
  EXPECT_EQ(steps(image(), Conv2DTranspose(4, 3, {.strides = 2, .padding = "same", .activation = "relu"})), 1);
}

TEST_F(Convolution, WhatIsLeftOfTheLastStrideIsCutOffWithTheBias) {
  EXPECT_EQ(steps(image(), Conv2DTranspose(4, 3, {.strides = 2, .padding = "valid", .activation = "relu"})), 2);
}

TEST_F(Convolution, ChannelsFirstTransposesOnceEachWay) {
  Conv2D first(4, 3, {.data_format = "channels_first", .activation = "relu"});
  Conv2D second(4, 3, {.data_format = "channels_first", .activation = "relu"});
  Tensor image = Input({3, 8, 8});
  EXPECT_EQ(steps(image, Layer::of_function([&](const Tensor& x) { return second(first(x)); })), 4);
}

}  // namespace
}  // namespace mica
