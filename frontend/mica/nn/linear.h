// Linear maps and reshapes.
#pragma once
#include "mica/layer.h"

namespace mica::nn {

struct BiasOptions {
  bool bias = true;
};
class Linear : public Layer {
 public:
  Linear(std::int64_t in_features, std::int64_t out_features, BiasOptions options = {});
};
class Bilinear : public Layer {  // of two tensors: bilinear({x1, x2})
 public:
  Bilinear(std::int64_t in1_features, std::int64_t in2_features, std::int64_t out_features, BiasOptions options = {});
};
class Identity : public Layer {
 public:
  Identity();
};
class Flatten : public Layer {
 public:
  explicit Flatten(int start_dim = 1, int end_dim = -1);
};
class Unflatten : public Layer {
 public:
  Unflatten(int dim, const Shape& unflattened_size);
};

}  // namespace mica::nn
