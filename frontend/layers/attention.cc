// Attention layers.
#include "frontend/layers/registry.h"

namespace mica::internal {

std::vector<LayerClass> attention_layers() { return {}; }

}  // namespace mica::internal
