// The layers of images for the registry.
#pragma once
#include <vector>

#include "frontend/layers/registry.h"

namespace mica::internal {

std::vector<LayerClass> image_layers();

}  // namespace mica::internal
