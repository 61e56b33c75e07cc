// Models that Mica writes and real Keras opens: at least one for every class of the registry of layers.
#pragma once
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "frontend/mica/mica.h"

namespace mica::keras_opens {

struct Case {
  std::string name;           // of the files
  std::vector<Shape> inputs;  // without the batch
  std::function<Tensors(const Tensors&)> make;
  std::int64_t ids = 0;    // inputs are integers below this; 0: numbers around 0
  bool has_batch = false;  // whether the model knows its number of rows
};

template <class L>
Case one(const char* name, Shape shape, L layer, std::int64_t ids = 0) {
  return {name, {std::move(shape)}, [layer](const Tensors& xs) { return layer.apply(xs[0]); }, ids};
}
// A layer on a list of inputs of one shape.
template <class L>
Case several(const char* name, L layer, int count = 2, Shape shape = {3, 4}) {
  std::vector<Shape> shapes(static_cast<std::size_t>(count), shape);
  return {name, std::move(shapes), [layer](const Tensors& xs) { return layer.apply(xs); }};
}

std::vector<Case> activation_cases();
std::vector<Case> attention_cases();
std::vector<Case> convolution_cases();
std::vector<Case> core_cases();
std::vector<Case> function_cases();
std::vector<Case> merging_cases();
std::vector<Case> normalization_cases();
std::vector<Case> pooling_cases();
std::vector<Case> preprocessing_cases();
std::vector<Case> recurrent_cases();
std::vector<Case> regularization_cases();
std::vector<Case> shape_cases();

}  // namespace mica::keras_opens
