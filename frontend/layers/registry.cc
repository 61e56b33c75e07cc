#include "frontend/layers/registry.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/graph/naming.h"
#include "frontend/layers/class_names.h"
#include "frontend/layers/image.h"

namespace mica::internal {
namespace {

using Classes = std::map<std::string_view, LayerClass>;

const Classes& layer_classes() {
  static const auto* all = [] {
    auto* classes = new Classes();
    for (auto family : {activation_layers,
                        adaptive_pooling_layers,
                        attention_layers,
                        batch_normalization_layers,
                        category_encoding_layers,
                        convolution_layers,
                        core_layers,
                        dense_layers,
                        discretization_layers,
                        einsum_dense_layers,
                        embedding_layers,
                        head_attention_layers,
                        image_layers,
                        integer_lookup_layers,
                        merging_layers,
                        normalization_layers,
                        padding_layers,
                        pooling_layers,
                        preprocessing_layers,
                        recurrent_layers,
                        regularization_layers,
                        reshaping_layers,
                        spectral_normalization_layers,
                        transposed_convolution_layers,
                        upsampling_layers}) {
      for (const LayerClass& entry : family()) {
        MICA_CHECK(classes->emplace(entry.name, entry).second) << entry.name << " is listed twice";
      }
    }
    return classes;
  }();
  return *all;
}

}  // namespace

std::vector<std::string_view> layer_class_names() {
  std::vector<std::string_view> names;
  for (const auto& [name, entry] : layer_classes()) names.push_back(name);
  return names;
}

const LayerClass* find_layer_class(std::string_view name) {
  auto it = layer_classes().find(name);
  return it == layer_classes().end() ? nullptr : &it->second;
}

Layer make_builtin(const LayerClass& layer_class, const Config& config) {
  std::shared_ptr<BuiltinLayer> layer;
  {
    NamingPause pause;  // the name comes from the config
    layer = layer_class.make();
  }
  layer->configure(config);
  return Layer::of(std::move(layer));
}

}  // namespace mica::internal
