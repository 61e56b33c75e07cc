#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mica/mica.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace nn::utils;

TEST(NnUtils, ParametersBecomeAVectorAndTakeOne) {
  Parameters parameters{Variable(tensor({{1.0, 2.0}, {3.0, 4.0}})), Variable(tensor({5.0f}))};
  EXPECT_THAT(parameters_to_vector(parameters).to_vector(), ElementsAre(1, 2, 3, 4, 5));
  vector_to_parameters(arange(0, 5, 1, {.dtype = kFloat32}) * 2, parameters);
  EXPECT_THAT(parameters[0].to_vector(), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(parameters[1].to_vector(), ElementsAre(8));
  EXPECT_THAT(error_of([&] { vector_to_parameters(ones({4}), parameters); }), HasSubstr("a vector of 5 elements"));
}

TEST(NnUtils, GradientsFlowThroughTheVector) {
  Parameters parameters{Variable(tensor({1.0f, 2.0f})), Variable(tensor({3.0f}))};
  (parameters_to_vector(parameters) * tensor({2.0f, 3.0f, 4.0f})).sum().backward();
  EXPECT_THAT(parameters[0].grad().to_vector(), ElementsAre(2, 3));
  EXPECT_THAT(parameters[1].grad().to_vector(), ElementsAre(4));
}

TEST(NnUtils, SequencesArePaddedAndCutAgain) {
  Tensors sequences{tensor({{1.0, 2.0}}), tensor({{3.0, 4.0}, {5.0, 6.0}})};
  Tensor padded = rnn::pad_sequence(sequences);
  EXPECT_EQ(padded.shape(), (Shape{2, 2, 2}));
  EXPECT_THAT(padded.to_vector(), ElementsAre(1, 2, 3, 4, 0, 0, 5, 6));
  Tensor left = rnn::pad_sequence(sequences, {.batch_first = true, .padding_value = 9, .padding_side = "left"});
  EXPECT_THAT(left.to_vector(), ElementsAre(9, 9, 1, 2, 3, 4, 5, 6));
  Tensors cut = rnn::unpad_sequence(padded, tensor({1, 2}));
  EXPECT_THAT(cut[0].to_vector(), ElementsAre(1, 2));
  EXPECT_THAT(cut[1].to_vector(), ElementsAre(3, 4, 5, 6));
}

}  // namespace
}  // namespace mica
