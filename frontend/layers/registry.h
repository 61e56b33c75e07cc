// The layer classes by the names that they have in files. Each family lists its own beside its implementation.
#pragma once
#include <memory>
#include <string_view>
#include <vector>

#include "frontend/layers/builtin.h"

namespace mica::internal {

struct LayerClass {
  std::string_view name;
  // A layer with options of any legal value; the reader sets them.
  std::shared_ptr<BuiltinLayer> (*make)();
};

template <class T>
std::shared_ptr<BuiltinLayer> make_default() {
  return std::make_shared<T>();
}

std::vector<LayerClass> activation_layers();
std::vector<LayerClass> adaptive_pooling_layers();
std::vector<LayerClass> attention_layers();
std::vector<LayerClass> batch_normalization_layers();
std::vector<LayerClass> category_encoding_layers();
std::vector<LayerClass> convolution_layers();
std::vector<LayerClass> core_layers();
std::vector<LayerClass> dense_layers();
std::vector<LayerClass> discretization_layers();
std::vector<LayerClass> einsum_dense_layers();
std::vector<LayerClass> embedding_layers();
std::vector<LayerClass> head_attention_layers();
std::vector<LayerClass> integer_lookup_layers();
std::vector<LayerClass> merging_layers();
std::vector<LayerClass> normalization_layers();
std::vector<LayerClass> padding_layers();
std::vector<LayerClass> pooling_layers();
std::vector<LayerClass> preprocessing_layers();
std::vector<LayerClass> recurrent_layers();
std::vector<LayerClass> regularization_layers();
std::vector<LayerClass> reshaping_layers();
std::vector<LayerClass> spectral_normalization_layers();
std::vector<LayerClass> transposed_convolution_layers();
std::vector<LayerClass> upsampling_layers();

// Null for a name that is no built-in layer.
const LayerClass* find_layer_class(std::string_view name);
// A built-in layer with the options of its config. Errors name the layer.
Layer make_builtin(const LayerClass& layer_class, const Config& config);

}  // namespace mica::internal
