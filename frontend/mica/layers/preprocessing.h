// Preprocessing of numbers.
#pragma once
#include "mica/layers/core.h"

namespace mica {
inline namespace layers {

class Rescaling : public Layer {
 public:
  explicit Rescaling(double scale, double offset = 0, NameOptions options = {});
};

}  // namespace layers
}  // namespace mica
