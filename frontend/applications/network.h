// What the networks share: the checks of their options, the normalisation after a convolution, the classifier or
// pooling at the end, and the weights.
#pragma once
#include <string_view>

#include "frontend/mica/applications.h"
#include "frontend/mica/layers.h"

namespace mica::applications::internal {

using Options = ApplicationOptions;

// The image that goes in. Error, naming the network, for options that Keras refuses too.
Tensor image_input(std::string_view network, const Options& options);

// Height and width of the zeros that make a strided `valid` convolution of this kernel cover what `same` covers,
// counted from the bottom right as the networks were trained.
Sides<2> strided_padding(const Tensor& image, std::int64_t kernel);

// Global pooling as `options.pooling` asks for it, else x itself. `named` as "avg_pool" or "max_pool".
Tensor pooled(const Tensor& x, const Options& options, bool named);

// The model, with the weights of `options.weights` if there are any.
Model network(std::string_view name, const Tensor& image, const Tensor& output, const Options& options);

}  // namespace mica::applications::internal
