// Training the PyTorch way: modules, a DataLoader, a loop that says every step itself. Values are lazy:
// optimizer.step() runs forward, backward and update as one compiled program, found again by the structure of the
// graph. A hook takes features out of the middle of the trained net, and another net continues from its weights.
#include <mica/mica.h>

#include <cmath>
#include <cstdio>
#include <numbers>

using namespace mica;

namespace {

constexpr int kArms = 3;

// Points on the arms of a spiral, and which arm each lies on.
TensorDataset<2> spirals(std::int64_t count) {
  const Tensor arm = randint(0, kArms, {count}), way = rand({count});
  const Tensor angle = arm.to(kFloat32) * (2 * std::numbers::pi / kArms) + way * 4.0 + randn({count}) * 0.1;
  return TensorDataset(stack({way * sin(angle), way * cos(angle)}, 1), arm);
}

class Net : public nn::Module {
 public:
  explicit Net(std::int64_t width)
      : hidden(register_module("hidden", nn::Sequential({nn::Linear(2, width), nn::ReLU(), nn::Linear(width, width),
                                                         nn::ReLU(), nn::Dropout(0.1)}))),
        out(register_module("out", nn::Linear(width, kArms))) {}
  using nn::Module::forward;
  Tensor forward(const Tensor& x) override { return out(hidden(x)); }

  nn::Sequential hidden;
  nn::Linear out;
};

double accuracy(const Layer& net, const DataLoader<2>& loader) {
  std::int64_t correct = 0, seen = 0;
  net.eval();
  no_grad([&] {
    for (auto [points, arms] : loader) {
      correct += (net(points).argmax(1) == arms).sum().item<std::int64_t>();
      seen += points.shape()[0];
    }
  });
  net.train();
  return static_cast<double>(correct) / static_cast<double>(seen);
}

}  // namespace

int main() {
  manual_seed(0);
  const auto parts = random_split(spirals(2400), {2000, 400}, /*seed=*/0);
  const DataLoader train(parts[0], {.batch_size = 100, .shuffle = true, .seed = 0});
  const DataLoader test(parts[1], {.batch_size = 400});

  auto net = make<Net>(64);
  std::printf("%s\n", net.to_string().c_str());
  optim::AdamW optimizer(net.parameters(), {.lr = 1e-2});
  optim::lr_scheduler::CosineAnnealingLR scheduler(optimizer, 20);
  for (int epoch = 0; epoch < 20; ++epoch) {
    Tensor total = zeros({});
    for (auto [points, arms] : train) {
      optimizer.zero_grad();
      Tensor loss = F::cross_entropy(net(points), arms);  // raw logits
      loss.backward();
      clip_grad_value_(net.parameters(), 1.0);
      optimizer.step();        // here everything above runs
      total += loss.detach();  // lazy as well: reading the loss of each step is not needed
    }
    scheduler.step();
    if (epoch % 5 == 4) {
      std::printf("epoch %2d  loss %.3f  test accuracy %.3f\n", epoch + 1,
                  total.item() / static_cast<double>(train.size()), accuracy(net, test));
    }
  }

  // What the last hidden layer makes of some points.
  Tensor features;
  HookHandle hook =
      net->hidden.register_forward_hook([&](const Layer&, const Tensor& activation) { features = activation; });
  const double learned = accuracy(net, test);
  hook.remove();
  std::printf("features %s, mean %.3f\n", features.shape().to_string().c_str(), features.mean().item());

  save_safetensors("spirals.safetensors", net.state_dict());
  auto copy = make<Net>(64);
  copy.load_state_dict(load_safetensors("spirals.safetensors"));
  return learned > 0.95 && accuracy(copy, test) == learned ? 0 : 1;
}
