#include "digits/dataset.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <random>
#include <vector>

namespace examples {
namespace {

using namespace mica;
namespace fs = std::filesystem;

std::string idx_file(const std::string& folder, const std::string& name) {
  fs::path plain = fs::path(folder) / name, gzipped = fs::path(folder) / (name + ".gz");
  return fs::exists(plain) ? plain.string() : gzipped.string();
}

Tensor images(const std::string& path) {
  Tensor pixels = load_idx(path);
  return pixels.to(kFloat32).reshape({pixels.size(0), 28, 28, 1}) / 255.0;
}

struct Point {
  double x, y;
};
using Stroke = std::vector<Point>;

// Each digit as strokes in a box from 0 to 1; arcs are polygons.
const std::array<std::vector<Stroke>, 10>& strokes_of_digits() {
  static const auto* strokes = new std::array<std::vector<Stroke>, 10>{{
      {{{.5, 0}, {.85, .2}, {.9, .5}, {.85, .8}, {.5, 1}, {.15, .8}, {.1, .5}, {.15, .2}, {.5, 0}}},
      {{{.3, .2}, {.55, 0}, {.55, 1}}},
      {{{.15, .2}, {.4, 0}, {.75, .05}, {.85, .3}, {.6, .6}, {.1, 1}, {.9, 1}}},
      {{{.15, .1}, {.5, 0}, {.85, .2}, {.5, .48}, {.9, .75}, {.5, 1}, {.12, .9}}},
      {{{.65, 1}, {.65, 0}, {.1, .65}, {.9, .65}}},
      {{{.85, 0}, {.25, 0}, {.2, .45}, {.6, .4}, {.88, .65}, {.6, .98}, {.15, .92}}},
      {{{.75, 0}, {.35, .25}, {.15, .65}, {.4, 1}, {.75, .95}, {.85, .65}, {.55, .5}, {.2, .65}}},
      {{{.1, 0}, {.9, 0}, {.4, 1}}},
      {{{.5, .48}, {.2, .25}, {.5, 0}, {.8, .25}, {.5, .48}, {.15, .75}, {.5, 1}, {.85, .75}, {.5, .48}}},
      {{{.8, .35}, {.5, .5}, {.2, .3}, {.45, 0}, {.8, .1}, {.8, .35}, {.65, 1}}},
  }};
  return *strokes;
}

double distance_to(const Point& p, const Point& a, const Point& b) {
  double dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
  double t = length == 0 ? 0 : std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0.0, 1.0);
  return std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

class Pen {
 public:
  explicit Pen(std::uint32_t seed) : random_(seed) {}

  void draw(int digit, float* pixels) {
    double angle = uniform(-.25, .25), scale = uniform(14, 20), width = uniform(.9, 1.8), slant = uniform(-.2, .2);
    Point centre{14 + uniform(-2.5, 2.5), 14 + uniform(-2.5, 2.5)};
    std::vector<Stroke> strokes = strokes_of_digits()[static_cast<std::size_t>(digit)];
    for (Stroke& stroke : strokes) {
      for (Point& p : stroke) {
        double x = (p.x - .5 + uniform(-.04, .04)) * scale * .75, y = (p.y - .5 + uniform(-.04, .04)) * scale;
        x += slant * y;
        p = {centre.x + x * std::cos(angle) - y * std::sin(angle),
             centre.y + x * std::sin(angle) + y * std::cos(angle)};
      }
    }
    for (int row = 0; row < 28; ++row) {
      for (int column = 0; column < 28; ++column) {
        double nearest = 1e9;
        for (const Stroke& stroke : strokes) {
          for (std::size_t i = 0; i + 1 < stroke.size(); ++i) {
            nearest = std::min(nearest, distance_to({column + .5, row + .5}, stroke[i], stroke[i + 1]));
          }
        }
        double ink = std::clamp(1.5 - nearest / width, 0.0, 1.0) + uniform(-.05, .05);
        pixels[row * 28 + column] = static_cast<float>(std::clamp(ink, 0.0, 1.0));
      }
    }
  }

 private:
  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  std::mt19937 random_;
};

std::pair<Tensor, Tensor> drawn(std::int64_t count, std::uint32_t seed) {
  std::vector<float> pixels(static_cast<std::size_t>(count) * 28 * 28);
  std::vector<std::int64_t> labels(static_cast<std::size_t>(count));
  Pen pen(seed);
  for (std::int64_t i = 0; i < count; ++i) {
    labels[static_cast<std::size_t>(i)] = i % 10;
    pen.draw(static_cast<int>(i % 10), pixels.data() + i * 28 * 28);
  }
  return {tensor(pixels, {count, 28, 28, 1}), tensor(labels, {count})};
}

}  // namespace

Digits load_mnist(const std::string& folder) {
  Digits digits;
  digits.train_images = images(idx_file(folder, "train-images-idx3-ubyte"));
  digits.train_labels = load_idx(idx_file(folder, "train-labels-idx1-ubyte")).to(kInt64);
  digits.test_images = images(idx_file(folder, "t10k-images-idx3-ubyte"));
  digits.test_labels = load_idx(idx_file(folder, "t10k-labels-idx1-ubyte")).to(kInt64);
  digits.source = "MNIST, " + std::to_string(digits.train_images.size(0)) + " pictures to train on, " +
                  std::to_string(digits.test_images.size(0)) + " to test";
  return digits;
}

Digits draw_digits(std::int64_t train, std::int64_t test) {
  Digits digits;
  std::tie(digits.train_images, digits.train_labels) = drawn(train, 1);
  std::tie(digits.test_images, digits.test_labels) = drawn(test, 2);
  digits.source = "NOT MNIST but " + std::to_string(train + test) +
                  " digits drawn by a procedure: the accuracy says nothing about handwriting";
  return digits;
}

}  // namespace examples
