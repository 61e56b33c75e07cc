// Fine-tuning: a network learns one task; its frozen features serve another one; at the end all of it is trained a
// little further.
#include <mica/mica.h>

#include <cstdio>

using namespace mica;

namespace {

constexpr std::int64_t kPoints = 256, kFeatures = 8;

// A hidden layer that both tasks can use: products of coordinates.
Tensor products(const Tensor& x) { return x * cat({x.narrow(1, 1, kFeatures - 1), x.narrow(1, 0, 1)}, 1); }

Model base_model() {
  Tensor x = Input({kFeatures}, {.name = "x"});
  Tensor h = Dense(32, {.activation = "relu", .name = "hidden1"})(x);
  h = Dense(32, {.activation = "relu", .name = "hidden2"})(h);
  return Model(x, Dense(kFeatures, {.name = "products"})(h), {.name = "base"});
}

}  // namespace

int main() {
  set_random_seed(1);
  Tensor x = randn({kPoints, kFeatures});
  Model base = base_model();
  base.compile({.optimizer = Adam(1e-2), .loss = "mse"});
  base.fit(x, products(x), {.batch_size = 64, .epochs = 20, .verbose = 0});

  // The same layers with the same weights, up to the features, and a new head.
  Model features(base.input(), base.get_layer("hidden2").output(), {.name = "features"});
  features.set_trainable(false);
  Tensor input = Input({kFeatures}, {.name = "x"});
  Model model(input, Dense(1, {.name = "sum"})(features(input)), {.name = "fine_tuned"});
  Tensor y = products(x).sum(1, {.keepdim = true});

  model.compile({.optimizer = Adam(1e-2), .loss = "mse"});
  const std::vector<float> frozen = features.get_weights()[0].to_vector();
  History head = model.fit(x, y, {.batch_size = 64, .epochs = 20, .verbose = 0});
  const bool stayed = features.get_weights()[0].to_vector() == frozen;

  // What is trainable counts from the next compile() on; a small rate keeps what the features know.
  features.set_trainable(true);
  model.compile({.optimizer = Adam(1e-3), .loss = "mse"});
  History all = model.fit(x, y, {.batch_size = 64, .epochs = 20, .verbose = 0});
  const bool moved = features.get_weights()[0].to_vector() != frozen;

  std::printf("the new head alone: %.3f -> %.3f; everything: %.3f\n", head["loss"].front(), head["loss"].back(),
              all["loss"].back());
  return stayed && moved && head["loss"].back() < head["loss"].front() && all["loss"].back() < head["loss"].back() ? 0
                                                                                                                   : 1;
}
