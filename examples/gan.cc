// A generative adversarial network with a shared graph: the discriminator is a model of its own and the second half of
// the one that trains the generator. Each is compiled with what was trainable then.
#include <mica/mica.h>

#include <cmath>
#include <cstdio>

using namespace mica;

namespace {

constexpr std::int64_t kNoise = 4, kBatch = 64;

// Points around (2, 1).
Tensor real_points() { return randn({kBatch, 2}) * 0.3 + tensor({2.0, 1.0}); }

Model make_generator() {
  Tensor noise = Input({kNoise}, {.name = "noise"});
  Tensor h = Dense(16, {.activation = "relu"})(noise);
  return Model(noise, Dense(2)(h), {.name = "generator"});
}

Model make_discriminator() {
  Tensor point = Input({2}, {.name = "point"});
  Tensor h = Dense(16, {.activation = LeakyReLU(0.2)})(point);
  return Model(point, Dense(1, {.name = "is_real"})(h), {.name = "discriminator"});
}

}  // namespace

int main() {
  set_random_seed(1);
  const Loss loss = BinaryCrossentropy({.from_logits = true});
  Model generator = make_generator(), discriminator = make_discriminator();
  discriminator.compile({.optimizer = Adam(5e-3, {.beta_1 = 0.5}), .loss = loss});

  discriminator.set_trainable(false);
  Tensor noise = Input({kNoise}, {.name = "noise"});
  Model gan(noise, discriminator(generator(noise)), {.name = "gan"});
  gan.compile({.optimizer = Adam(5e-3, {.beta_1 = 0.5}), .loss = loss});

  const Tensor real = ones({kBatch, 1}), fake = zeros({kBatch, 1});
  for (int step = 0; step < 600; ++step) {
    Tensor drawn = generator.predict(randn({kBatch, kNoise}));
    discriminator.train_on_batch(real_points(), real);
    discriminator.train_on_batch(drawn, fake);
    gan.train_on_batch(randn({kBatch, kNoise}), real);
  }

  Tensor centre = generator.predict(randn({1024, kNoise})).mean(0);
  const double x = centre[0].item(), y = centre[1].item();
  std::printf("drawn points lie around (%.2f, %.2f); %d programs\n", x, y,
              discriminator.compilations() + gan.compilations());
  return std::hypot(x - 2, y - 1) < 0.7 ? 0 : 1;
}
