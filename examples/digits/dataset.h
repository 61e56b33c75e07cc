// Handwritten digits: MNIST's files, or pictures drawn by a procedure.
#pragma once
#include <mica/mica.h>

#include <string>

namespace examples {

struct Digits {
  mica::Tensor train_images, train_labels, test_images, test_labels;  // f32[n,28,28,1] from 0 to 1, i64[n]
  std::string source;                                                 // what a reader is told
};

// The four IDX files of `folder`, gzipped or not. Throws mica::Error when one is absent or malformed.
Digits load_mnist(const std::string& folder);
// Ten shapes of strokes, shifted, tilted, scaled and blurred at random: a stand-in that is easier than MNIST.
Digits draw_digits(std::int64_t train, std::int64_t test);

}  // namespace examples
