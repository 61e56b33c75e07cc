// The ticket model of the Keras guide: a title, a body and tags come in, a priority and a department go out.
#pragma once
#include <mica/mica.h>

namespace examples {

struct TicketSizes {
  std::int64_t vocabulary = 60, words = 16, title_units = 32, body_units = 16, tags = 12, departments = 4;
};

inline mica::Model ticket(TicketSizes sizes = {}) {
  using namespace mica;
  Tensor title = Input({kAny}, {.dtype = kInt32, .name = "title"});
  Tensor body = Input({kAny}, {.dtype = kInt32, .name = "body"});
  Tensor tags = Input({sizes.tags}, {.name = "tags"});

  Tensor title_features = LSTM(sizes.title_units, {.name = "title_lstm"})(
      Embedding(sizes.vocabulary, sizes.words, {.name = "title_words"})(title));
  Tensor body_features = LSTM(
      sizes.body_units, {.name = "body_lstm"})(Embedding(sizes.vocabulary, sizes.words, {.name = "body_words"})(body));
  Tensor x = Concatenate({.name = "all"})({title_features, body_features, tags});

  Tensor priority = Dense(1, {.name = "priority"})(x);
  Tensor department = Dense(sizes.departments, {.name = "department"})(x);
  return Model({title, body, tags}, {{"priority", priority}, {"department", department}}, {.name = "ticket"});
}

}  // namespace examples
