// Mistakes with pooling, shape, image and attention layers, word for word.
#include <gtest/gtest.h>

#include "frontend/mica/layers.h"
#include "tests/support/error_of.h"

namespace mica {
namespace {

template <class L>
std::string called(const L& layer, const Shape& shape) {
  return error_of([&] { layer(Input(shape)); });
}

constexpr const char* kFormats = "expected data_format to be one of channels_last, channels_first, received \"last\".";

TEST(LayerErrors, Pooling) {
  EXPECT_EQ(called(MaxPooling2D(2, {.name = "pool"}), {8, 3}),
            "pool: expected an input of rank 4, received rank 3, [?,8,3]. The batch is the first axis.");
  EXPECT_EQ(called(AveragePooling1D(5, {.name = "pool"}), {4, 3}),
            "pool: expected an input of at least 5 along axis 1, the size of the pool, received 4. Use padding "
            "\"same\", or a smaller pool_size.");
  EXPECT_EQ(error_of([] { MaxPooling1D(0, {.name = "pool"}); }), "pool: expected pool_size of at least 1, received 0.");
  EXPECT_EQ(error_of([] { MaxPooling2D(2, {.strides = Ints<2>{1, 0}, .name = "pool"}); }),
            "pool: expected strides of at least 1, received 0.");
  EXPECT_EQ(error_of([] { MaxPooling2D(2, {.padding = "causal", .name = "pool"}); }),
            "pool: expected padding to be one of valid, same, received \"causal\".");
  EXPECT_EQ(error_of([] { GlobalMaxPooling2D({.data_format = "last", .name = "pool"}); }),
            std::string("pool: ") + kFormats);
  EXPECT_EQ(called(GlobalAveragePooling1D({.name = "pool"}), {3}),
            "pool: expected an input of rank 3, received rank 2, [?,3]. The batch is the first axis.");
  EXPECT_EQ(error_of([] { AdaptiveMaxPooling1D(0, {.name = "pool"}); }),
            "pool: expected output_size of at least 1, received 0.");
}

TEST(LayerErrors, Shapes) {
  EXPECT_EQ(called(Reshape({5, kAny}, {.name = "shape"}), {3, 4}),
            "shape: expected an input whose elements fill [5,-1], received f32[?,3,4]. target_shape leaves out the "
            "batch.");
  EXPECT_EQ(error_of([] { Reshape({kAny, kAny}, {.name = "shape"}); }),
            "shape: expected at most one dim of target_shape to infer, received [-1,-1].");
  EXPECT_EQ(error_of([] { Permute({1, 3}, {.name = "order"}); }),
            "order: expected dims to be the axes 1, 2, … in some order, received [1,3].");
  EXPECT_EQ(called(Permute({2, 1}, {.name = "order"}), {3}),
            "order: expected an input of rank 3, received rank 2, [?,3]. The batch is the first axis.");
  EXPECT_EQ(error_of([] { RepeatVector(0, {.name = "repeat"}); }), "repeat: expected n of at least 1, received 0.");
  EXPECT_EQ(called(RepeatVector(2, {.name = "repeat"}), {3, 4}),
            "repeat: expected an input of rank 2, received rank 3, [?,3,4]. The batch is the first axis.");
  EXPECT_EQ(called(ZeroPadding2D(1, {.name = "pad"}), {3}),
            "pad: expected an input of rank 4, received rank 2, [?,3]. The batch is the first axis.");
  EXPECT_EQ(called(Cropping1D({2, 2}, {.name = "crop"}), {4, 3}),
            "crop: expected an input of more than 4 along axis 1, so that something is left, received f32[?,4,3].");
  EXPECT_EQ(error_of([] { UpSampling2D(0, {.name = "up"}); }), "up: expected size of at least 1, received 0.");
  EXPECT_EQ(error_of([] { Flatten({.data_format = "last", .name = "flat"}); }), std::string("flat: ") + kFormats);
}

TEST(LayerErrors, Images) {
  EXPECT_EQ(error_of([] { Resizing(0, 4, {.name = "size"}); }), "size: expected height of at least 1, received 0.");
  EXPECT_EQ(error_of([] { Resizing(4, 4, {.fill_mode = "wrap", .name = "size"}); }),
            "size: expected fill_mode to be one of constant, received \"wrap\".");
  EXPECT_EQ(
      error_of([] { Resizing(4, 4, {.crop_to_aspect_ratio = true, .pad_to_aspect_ratio = true, .name = "size"}); }),
      "size: expected one of crop_to_aspect_ratio and pad_to_aspect_ratio at most, received both.");
  EXPECT_EQ(error_of([] { CenterCrop(4, -1, {.name = "crop"}); }), "crop: expected width of at least 1, received -1.");
  EXPECT_EQ(called(CenterCrop(2, 2, {.name = "crop"}), {2, 3, 4, 5}),
            "crop: expected an input of rank 4, received rank 5, [?,2,3,4,5]. The batch is the first axis.");
}

TEST(LayerErrors, Attention) {
  Tensor query = Input({3, 4}), value = Input({5, 4});
  EXPECT_EQ(error_of([&] { Attention({.name = "look"})({query}); }),
            "look: expected a list {query, value} or {query, value, key}, received 1 tensors.");
  EXPECT_EQ(error_of([] { Attention({.score_mode = "cos", .name = "look"}); }),
            "look: expected score_mode to be one of dot, concat, received \"cos\".");
  EXPECT_EQ(error_of([] { AdditiveAttention({.dropout = 1, .name = "look"}); }),
            "look: expected dropout from 0 to below 1, received 1.");
  EXPECT_EQ(error_of([&] { Attention({.name = "look"})(query, value, {.attention_mask = Input({3, 5})}); }),
            "look: expected the masks of its inputs, received attention_mask. MultiHeadAttention takes an "
            "attention_mask.");
  EXPECT_EQ(error_of([] { MultiHeadAttention(0, 3, {.name = "heads"}); }),
            "heads: expected num_heads of at least 1, received 0.");
  EXPECT_EQ(error_of([] { MultiHeadAttention(2, 3, {.dropout = 0.5, .flash_attention = true, .name = "heads"}); }),
            "heads: expected dropout of 0 with flash_attention, received 0.5. Flash attention has no dropout.");
  EXPECT_EQ(error_of([&] { MultiHeadAttention(2, 3, {.name = "heads"})(Input({4}), value); }),
            "heads: expected an input of rank 3 or more, received rank 2, [?,4]. The batch is the first axis.");
  EXPECT_EQ(error_of([&] { MultiHeadAttention(2, 3, {.name = "heads"})(query, value, {.key = Input({6, 4})}); }),
            "heads: expected a value and a key that agree in all axes but the last, received [?,5,4] and [?,6,4].");
  EXPECT_EQ(error_of([] { GroupQueryAttention(3, 5, 2, {.name = "groups"}); }),
            "groups: expected num_query_heads that 2, num_key_value_heads, divides, received 5.");
}

}  // namespace
}  // namespace mica
