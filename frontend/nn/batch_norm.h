// What torch.optim.swa_utils and folding know of batch normalisations.
#pragma once
#include <optional>

#include "frontend/graph/layer_state.h"

namespace mica::internal {

class BatchNormalizing {
 public:
  virtual ~BatchNormalizing() = default;
  virtual double eps() const = 0;
  virtual std::optional<double> momentum() const = 0;
  virtual void set_momentum(std::optional<double> momentum) = 0;
  virtual void reset_running_stats() = 0;
};

// Running means of 0, variances of 1 and a count of 0, where the layer has such buffers.
void reset_statistics(const LayerState& layer);

}  // namespace mica::internal
