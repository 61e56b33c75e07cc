#include "frontend/applications/network.h"

#include "absl/strings/str_cat.h"

namespace mica::applications::internal {
namespace {

constexpr std::int64_t kMinSize = 32;  // after five halvings one pixel is left

[[noreturn]] void refuse(std::string_view network, std::string expected, std::string received, std::string hint = {}) {
  throw Error({.where = std::string(network),
               .expected = std::move(expected),
               .received = std::move(received),
               .hint = std::move(hint)});
}

void check_shape(std::string_view network, const Shape& shape) {
  if (shape.rank() != 3) refuse(network, "input_shape of height, width and channels", shape.to_string());
  for (int axis : {0, 1}) {
    if (shape[axis] != kAny && shape[axis] < kMinSize)
      refuse(network, absl::StrCat("height and width of at least ", kMinSize), shape.to_string());
  }
  if (shape[2] == kAny) refuse(network, "the number of channels in input_shape", shape.to_string());
}

}  // namespace

Tensor image_input(std::string_view network, const Options& options) {
  check_shape(network, options.input_shape);
  if (options.classes < 1) refuse(network, "classes of at least 1", absl::StrCat(options.classes));
  if (options.pooling != "" && options.pooling != "avg" && options.pooling != "max")
    refuse(network, R"(pooling to be one of "", "avg", "max")", absl::StrCat("\"", options.pooling, "\""));
  if (options.weights == "imagenet") {
    refuse(network, "weights to be the path of a file", R"("imagenet")",
           "Nothing is downloaded: save the weights with Keras' save_weights() and give the path.");
  }
  return Input(options.input_shape);
}

Sides<2> strided_padding(const Tensor& image, std::int64_t kernel) {
  auto side = [&](int axis) {
    std::int64_t size = image.size(axis);
    bool even = size == kAny || size % 2 == 0;
    return Ints<2>{kernel / 2 - (even ? 1 : 0), kernel / 2};
  };
  return {side(1), side(2)};
}

Tensor pooled(const Tensor& x, const Options& options, bool named) {
  if (options.pooling == "avg") return GlobalAveragePooling2D({.name = named ? "avg_pool" : ""})(x);
  if (options.pooling == "max") return GlobalMaxPooling2D({.name = named ? "max_pool" : ""})(x);
  return x;
}

Model network(std::string_view name, const Tensor& image, const Tensor& output, const Options& options) {
  Model model({image}, {output}, {.name = std::string(name)});
  if (!options.weights.empty()) model.load_weights(options.weights);
  return model;
}

}  // namespace mica::applications::internal
