// Do two texts say the same? One Embedding and one LSTM read both: a layer that is called twice shares its weights.
#pragma once
#include <mica/mica.h>

namespace examples {

inline mica::Model shared_embedding(std::int64_t vocabulary = 60) {
  using namespace mica;
  Embedding words(vocabulary, 8, {.name = "words"});
  LSTM reader(12, {.name = "reader"});
  Tensor text_a = Input({kAny}, {.dtype = kInt32, .name = "text_a"}),
         text_b = Input({kAny}, {.dtype = kInt32, .name = "text_b"});
  Tensor a = reader(words(text_a)), b = reader(words(text_b));
  Tensor x = Concatenate({.name = "both"})({a, b, Subtract({.name = "difference"})({a, b})});
  return Model({text_a, text_b}, Dense(1, {.name = "same"})(x), {.name = "shared_embedding"});
}

}  // namespace examples
