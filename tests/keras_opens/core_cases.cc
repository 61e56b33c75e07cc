// Core layers, activations, merging, regularisation, preprocessing and normalisation.
#include "tests/keras_opens/cases.h"

namespace mica::keras_opens {

std::vector<Case> core_cases() {
  return {
      one("Dense", {4},
          Dense(3, {.activation = "gelu",
                    .kernel_regularizer = regularizers::L2(0.5),
                    .kernel_constraint = constraints::MaxNorm(3)})),
      one("DenseOfSequences", {3, 4},
          Dense(5, {.activation = LeakyReLU(0.25),
                    .use_bias = false,
                    .kernel_initializer = initializers::VarianceScaling({.scale = 0.5, .mode = "fan_out", .seed = 3}),
                    .activity_regularizer = "l1",
                    .trainable = false})),
      one("EinsumDense", {3, 4}, EinsumDense("abc,cde->abde", {kAny, 2, 5}, {.activation = "tanh", .bias_axes = "de"})),
      one("EinsumDenseEllipsis", {2, 3, 4}, EinsumDense("...ab,bc->...ac", {3, 5}, {.bias_axes = "c"})),
      one("Embedding", {5}, Embedding(7, 3, {.mask_zero = true}), 7),
      one("ReversibleEmbedding", {5}, ReversibleEmbedding(7, 3, {.tie_weights = false, .logit_soft_cap = 2}), 7),
      {"ReversedEmbedding",
       {{5}},
       [](const Tensors& xs) {
         ReversibleEmbedding words(7, 3);
         return Tensors{words.reverse(words(xs[0]))};
       },
       7},
      one("Identity", {4}, Identity()),
      one("Masking", {3, 4}, Masking(0.5)),
  };
}

std::vector<Case> activation_cases() {
  return {
      one("Activation", {4}, Activation("silu")),
      one("ReLU", {4}, ReLU({.max_value = 1, .negative_slope = 0.125, .threshold = 0.5})),
      one("LeakyReLU", {4}, LeakyReLU(0.25)),
      one("ELU", {4}, ELU(0.5)),
      one("PReLU", {3, 4}, PReLU({.alpha_initializer = initializers::Constant(0.25), .shared_axes = {1, 2}})),
      one("Softmax", {3, 4}, Softmax({.axis = 1})),
  };
}

std::vector<Case> merging_cases() {
  return {
      several("Add", Add(), 3),
      several("Subtract", Subtract()),
      several("Multiply", Multiply()),
      several("Average", Average(), 3),
      several("Maximum", Maximum()),
      several("Minimum", Minimum()),
      several("Concatenate", Concatenate({.axis = 1}), 3),
      several("Dot", Dot({1, 1}, {.normalize = true})),
      several("DotOfOneAxis", Dot(-1)),
      {"MergedRanks", {{4}, {3, 4}}, [](const Tensors& xs) { return Tensors{Multiply()(xs)}; }},
  };
}

std::vector<Case> regularization_cases() {
  Shape line{6, 4}, image{3, 4, 2}, volume{2, 3, 2, 2};
  return {
      one("Dropout", line, Dropout(0.25, {.noise_shape = {kAny, 1, 4}, .seed = 7})),
      one("AlphaDropout", line, AlphaDropout(0.5, {.noise_shape = {kAny, 6, 1}, .seed = 7})),
      one("SpatialDropout1D", line, SpatialDropout1D(0.5, {.seed = 7})),
      one("SpatialDropout2D", image, SpatialDropout2D(0.5, {.data_format = "channels_first"})),
      one("SpatialDropout3D", volume, SpatialDropout3D(0.5)),
      one("GaussianDropout", line, GaussianDropout(0.5, {.seed = 3})),
      one("GaussianNoise", line, GaussianNoise(0.5)),
      one("ActivityRegularization", line, ActivityRegularization({.l1 = 0.25, .l2 = 0.5})),
  };
}

std::vector<Case> preprocessing_cases() {
  Shape image{5, 6, 3};
  return {
      one("Rescaling", {4}, Rescaling(0.25, 1.5)),
      one("RescalingByChannel", {4}, Rescaling(tensor({1, 2, 3, 4}), tensor({0, 1, 0.5, -1}))),
      one("Normalization", {4}, Normalization({.mean = tensor({1, 2, 3, 4}), .variance = tensor({1, 4, 9, 0.25})})),
      one("NormalizationOfAll", {3, 4},
          Normalization({.axis = {}, .mean = tensor(0.5), .variance = tensor(4.0), .invert = true})),
      {"AdaptedNormalization",
       {{3, 4}},
       [](const Tensors& xs) {
         Normalization layer({.axis = {1, -1}});
         layer.adapt(randn({8, 3, 4}));
         return Tensors{layer(xs[0])};
       }},
      one("Discretization", {4}, Discretization({.bin_boundaries = {-0.5, 0, 0.75}})),
      one("DiscretizationOneHot", {1},
          Discretization({.bin_boundaries = {-0.5, 0, 0.75}, .output_mode = "one_hot", .dtype = kFloat16})),
      {"AdaptedDiscretization",
       {{4}},
       [](const Tensors& xs) {
         Discretization layer({.num_bins = 4, .epsilon = 0.1, .output_mode = "count"});
         layer.adapt(randn({50, 4}));
         return Tensors{layer(xs[0])};
       }},
      one("CategoryEncoding", {3}, CategoryEncoding(5, {.output_mode = "count"}), 5),
      one("IntegerLookup", {4},
          IntegerLookup({.vocabulary = {3, 1, 4}, .num_oov_indices = 2, .output_mode = "multi_hot"}), 6),
      one("IntegerLookupMasked", {4},
          IntegerLookup({.vocabulary = {3, 1, 4}, .max_tokens = 9, .mask_token = 0, .oov_token = -2}), 6),
      one("InvertedIntegerLookup", {4}, IntegerLookup({.vocabulary = {3, 1, 4}, .invert = true}), 4),
      one("TfIdfIntegerLookup", {4},
          IntegerLookup({.vocabulary = {3, 1, 4},
                         .output_mode = "tf_idf",
                         .max_tokens = 8,
                         .idf_weights = {0.5, 0.25, 2},
                         .pad_to_max_tokens = true}),
          6),
      one("Resizing", image, Resizing(4, 7, {.interpolation = "bicubic"})),
      one("ResizingByPadding", image, Resizing(4, 7, {.pad_to_aspect_ratio = true, .fill_value = 0.5})),
      one("ResizingByCropping", image, Resizing(4, 7, {.interpolation = "nearest", .crop_to_aspect_ratio = true})),
      one("CenterCrop", image, CenterCrop(3, 4)),
  };
}

std::vector<Case> normalization_cases() {
  Shape image{3, 4, 6};
  return {
      one("BatchNormalization", image,
          BatchNormalization({.axis = 1,
                              .momentum = 0.5,
                              .epsilon = 0.01,
                              .scale = false,
                              .beta_initializer = "ones",
                              .moving_variance_initializer = initializers::Constant(2)})),
      one("BatchRenormalization", image,
          BatchNormalization({.renorm = true, .renorm_clipping = {.rmin = 0.5, .rmax = 2}, .renorm_momentum = 0.5})),
      one("LayerNormalization", image,
          LayerNormalization(
              {.axis = {1, -1}, .epsilon = 0.01, .gamma_regularizer = "l2", .beta_constraint = "non_neg"})),
      one("LayerNormalizationOfOneAxis", image, LayerNormalization({.axis = 2, .center = false})),
      one("GroupNormalization", image, GroupNormalization(3, {.epsilon = 0.01, .scale = false})),
      one("InstanceNormalization", image, GroupNormalization(-1, {.axis = 1})),
      one("RMSNormalization", image, RMSNormalization({.axis = {2, 3}, .epsilon = 0.01})),
      one("UnitNormalization", image, UnitNormalization({.axis = {1, 2}})),
      one("SpectralNormalization", image,
          SpectralNormalization(Conv2D(2, 2, {.padding = "same"}), {.power_iterations = 3})),
      one("SpectralNormalizationOfDense", {4}, SpectralNormalization(Dense(3))),
  };
}

}  // namespace mica::keras_opens
