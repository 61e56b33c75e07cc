// The picture of a model: what Model::plot draws.
#pragma once
#include "frontend/mica/model.h"
#include "frontend/views/plot.h"

namespace mica::views {

PlotGraph picture_of(const Model& model, const PlotOptions& options);

}  // namespace mica::views
