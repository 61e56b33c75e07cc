// A training step of one's own: the gradient is taken at inputs that are moved against the model (adversarial
// training). The step is traced once and is one compiled program, the optimizer's update included.
#include <mica/mica.h>

#include <cstdio>

using namespace mica;

namespace {

class Robust : public CustomModel {
 public:
  explicit Robust(double reach) : reach_(reach) {}

  using CustomModel::call;
  Tensor call(const Tensor& x) override { return out_(hidden_(x)); }

  Logs train_step(const Tensors& x, const Tensors& y) override {
    const Model model = self();
    Tensor plain = loss_(y[0], model(x[0]));
    Tensor moved = x[0] + grad(plain, x[0]).sign() * reach_;
    Tensor loss = 0.5 * (plain + loss_(y[0], model(moved)));
    const Parameters weights = model.trainable_weights();
    model.optimizer().apply(grad(loss, weights), weights);
    Logs logs;
    logs.set("loss", loss);
    logs.set("plain_loss", plain);
    return logs;
  }

 private:
  double reach_;
  Loss loss_ = SparseCategoricalCrossentropy({.from_logits = true});
  Dense hidden_ = add_layer("hidden", Dense(16, {.activation = "tanh"}));
  Dense out_ = add_layer("out", Dense(2));
};

}  // namespace

int main() {
  set_random_seed(1);
  Tensor x = randn({256, 4});
  Tensor y = (x.sum(1) > 0.0).to(kInt64);
  auto model = make<Robust>(0.1);
  model.compile({.optimizer = Adam(1e-2), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  History history = model.fit(x, y, {.batch_size = 32, .epochs = 10, .verbose = 0});
  std::printf("loss %.3f -> %.3f (without moving the inputs %.3f), %d program\n", history["loss"].front(),
              history["loss"].back(), history["plain_loss"].back(), model.compilations());
  return history["loss"].back() < 0.5 * history["loss"].front() && model.compilations() == 1 ? 0 : 1;
}
