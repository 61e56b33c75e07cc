// Keras' initializers by name and as objects.
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/random.h"
#include "frontend/graph/value.h"
#include "frontend/mica/layer.h"

namespace mica {
namespace {

using internal::RandomStream;

RandomStream stream_of(std::optional<std::int64_t> seed) {
  return seed ? RandomStream(static_cast<std::uint64_t>(*seed)) : RandomStream();
}

template <class F>
Tensor drawn(const Shape& shape, DType dtype, F draw) {
  rt::Array array = rt::Array::uninitialized(dtype, shape.dims());
  for (std::int64_t i = 0; i < array.numel(); ++i) array.set(i, draw());
  return Tensor::of(internal::make_computed(std::move(array)));
}

// Normal numbers; those beyond two standard deviations are drawn again.
double truncated(RandomStream& stream, double mean, double stddev) {
  double z = stream.normal();
  while (std::abs(z) > 2) z = stream.normal();
  return mean + stddev * z;
}

// Keras' fans: of a matrix its rows and columns; of a convolution kernel times the window.
struct Fans {
  double in, out;
};
Fans fans_of(const Shape& shape) {
  if (shape.rank() < 1) return {1, 1};
  auto at = [&](int axis) { return static_cast<double>(shape[axis]); };
  if (shape.rank() == 1) return {at(0), at(0)};
  double window = 1;
  for (int i = 0; i + 2 < shape.rank(); ++i) window *= at(i);
  return {window * at(-2), window * at(-1)};
}

Tensor scaled(const initializers::VarianceScalingOptions& options, const Shape& shape, DType dtype) {
  Fans fans = fans_of(shape);
  double fan = options.mode == "fan_in" ? fans.in : options.mode == "fan_out" ? fans.out : (fans.in + fans.out) / 2;
  double scale = options.scale / std::max(1.0, fan);
  RandomStream stream = stream_of(options.seed);
  if (options.distribution == "uniform") {
    double limit = std::sqrt(3 * scale);
    return drawn(shape, dtype, [&] { return (2 * stream.uniform() - 1) * limit; });
  }
  if (options.distribution == "untruncated_normal") {
    return drawn(shape, dtype, [&] { return std::sqrt(scale) * stream.normal(); });
  }
  // The cut at two standard deviations narrows the distribution; this restores its variance.
  double stddev = std::sqrt(scale) / 0.87962566103423978;
  return drawn(shape, dtype, [&] { return truncated(stream, 0, stddev); });
}

// Rows made orthonormal by the modified Gram-Schmidt process, twice for accuracy; a wide matrix is a tall one's
// transpose.
Tensor orthogonal(const Shape& shape, DType dtype, double gain, std::optional<std::int64_t> seed) {
  auto columns = static_cast<std::size_t>(shape.rank() > 0 ? shape.back() : 1);
  std::size_t rows = columns == 0 ? 0 : static_cast<std::size_t>(shape.numel()) / columns;
  std::size_t count = std::min(rows, columns), length = std::max(rows, columns);
  RandomStream stream = stream_of(seed);
  std::vector<std::vector<double>> basis(count, std::vector<double>(length));
  for (std::size_t i = 0; i < count; ++i) {
    for (double& value : basis[i]) value = stream.normal();
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t j = 0; j < i; ++j) {
        double along = std::inner_product(basis[i].begin(), basis[i].end(), basis[j].begin(), 0.0);
        for (std::size_t k = 0; k < length; ++k) basis[i][k] -= along * basis[j][k];
      }
    }
    double norm = std::sqrt(std::inner_product(basis[i].begin(), basis[i].end(), basis[i].begin(), 0.0));
    for (double& value : basis[i]) value *= gain / norm;
  }
  rt::Array array = rt::Array::uninitialized(dtype, shape.dims());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      array.set(static_cast<std::int64_t>(r * columns + c), rows >= columns ? basis[c][r] : basis[r][c]);
    }
  }
  return Tensor::of(internal::make_computed(std::move(array)));
}

Config::Value seed_value(std::optional<std::int64_t> seed) { return seed ? Config::Value(*seed) : Config::Value(); }

void check_finite(const char* class_name, const char* option, double value) {
  if (std::isfinite(value)) return;
  throw Error({.where = class_name,
               .expected = absl::StrCat("a finite ", option),
               .received = absl::StrCat(value),
               .hint = {}});
}

Initializer by_name(std::string_view name) {
  using namespace initializers;
  if (name == "zeros" || name == "zero") return Zeros();
  if (name == "ones" || name == "one") return Ones();
  if (name == "constant") return Constant();
  if (name == "identity") return initializers::Identity();
  if (name == "random_normal" || name == "normal") return RandomNormal();
  if (name == "random_uniform" || name == "uniform") return RandomUniform();
  if (name == "truncated_normal") return TruncatedNormal();
  if (name == "variance_scaling") return VarianceScaling();
  if (name == "glorot_normal") return GlorotNormal();
  if (name == "glorot_uniform") return GlorotUniform();
  if (name == "he_normal") return HeNormal();
  if (name == "he_uniform") return HeUniform();
  if (name == "lecun_normal") return LecunNormal();
  if (name == "lecun_uniform") return LecunUniform();
  if (name == "orthogonal") return initializers::Orthogonal();
  throw Error({.where = "initializer",
               .expected = "constant, glorot_normal, glorot_uniform, he_normal, he_uniform, identity, lecun_normal, "
                           "lecun_uniform, ones, orthogonal, random_normal, random_uniform, truncated_normal, "
                           "variance_scaling or zeros",
               .received = absl::StrCat("\"", std::string(name), "\""),
               .hint = {}});
}

}  // namespace

Initializer::Initializer(const char* name) : Initializer(by_name(name)) {}
Initializer::Initializer(const std::string& name) : Initializer(by_name(name)) {}
Initializer::Initializer(const Tensor& value)
    : fn_([value](const Shape& shape, DType) {
        if (value.shape() == shape) return value;
        throw Error({.where = "initializer",
                     .expected = absl::StrCat("a value of shape ", shape.to_string()),
                     .received = internal::describe(value),
                     .hint = {}});
      }) {}
Tensor Initializer::operator()(const Shape& shape, DType dtype) const { return fn_(shape, dtype); }

namespace initializers {
namespace {
VarianceScalingOptions scaling(double scale, const char* mode, const char* distribution, Seed seed) {
  return {scale, mode, distribution, seed.seed};
}
Initializer::Fn scaling_fn(VarianceScalingOptions options) {
  return [options](const Shape& shape, DType dtype) { return scaled(options, shape, dtype); };
}
}  // namespace

Zeros::Zeros() : Initializer({"Zeros", {}}, [](const Shape& s, DType d) { return zeros(s, {.dtype = d}); }) {}
Ones::Ones() : Initializer({"Ones", {}}, [](const Shape& s, DType d) { return ones(s, {.dtype = d}); }) {}
Constant::Constant(double value)
    : Initializer({"Constant", {{"value", value}}},
                  [value](const Shape& s, DType d) { return full(s, value, {.dtype = d}); }) {
  check_finite("Constant", "value", value);
}
Identity::Identity(double gain)
    : Initializer({"Identity", {{"gain", gain}}}, [gain](const Shape& s, DType d) {
        if (s.rank() != 2 || s[0] != s[1]) {
          throw Error(
              {.where = "Identity", .expected = "a square matrix to fill", .received = s.to_string(), .hint = {}});
        }
        std::int64_t i = 0, n = s[0];
        return drawn(s, d, [&] { return i++ % (n + 1) == 0 ? gain : 0.0; });
      }) {}
RandomNormal::RandomNormal(double mean, double stddev, Seed seed)
    : Initializer({"RandomNormal", {{"mean", mean}, {"stddev", stddev}, {"seed", seed_value(seed.seed)}}},
                  [=](const Shape& s, DType d) {
                    RandomStream stream = stream_of(seed.seed);
                    return drawn(s, d, [&] { return mean + stddev * stream.normal(); });
                  }) {
  check_finite("RandomNormal", "mean and stddev", mean + stddev);
}
RandomUniform::RandomUniform(double minval, double maxval, Seed seed)
    : Initializer({"RandomUniform", {{"minval", minval}, {"maxval", maxval}, {"seed", seed_value(seed.seed)}}},
                  [=](const Shape& s, DType d) {
                    RandomStream stream = stream_of(seed.seed);
                    return drawn(s, d, [&] { return minval + (maxval - minval) * stream.uniform(); });
                  }) {
  check_finite("RandomUniform", "minval and maxval", minval + maxval);
}
TruncatedNormal::TruncatedNormal(double mean, double stddev, Seed seed)
    : Initializer({"TruncatedNormal", {{"mean", mean}, {"stddev", stddev}, {"seed", seed_value(seed.seed)}}},
                  [=](const Shape& s, DType d) {
                    RandomStream stream = stream_of(seed.seed);
                    return drawn(s, d, [&] { return truncated(stream, mean, stddev); });
                  }) {
  check_finite("TruncatedNormal", "mean and stddev", mean + stddev);
}
VarianceScaling::VarianceScaling(VarianceScalingOptions options)
    : Initializer({"VarianceScaling",
                   {{"scale", options.scale},
                    {"mode", options.mode},
                    {"distribution", options.distribution},
                    {"seed", seed_value(options.seed)}}},
                  scaling_fn(options)) {
  check_finite("VarianceScaling", "scale", options.scale);
}
GlorotNormal::GlorotNormal(Seed seed)
    : Initializer({"GlorotNormal", {{"seed", seed_value(seed.seed)}}},
                  scaling_fn(scaling(1, "fan_avg", "truncated_normal", seed))) {}
GlorotUniform::GlorotUniform(Seed seed)
    : Initializer({"GlorotUniform", {{"seed", seed_value(seed.seed)}}},
                  scaling_fn(scaling(1, "fan_avg", "uniform", seed))) {}
HeNormal::HeNormal(Seed seed)
    : Initializer({"HeNormal", {{"seed", seed_value(seed.seed)}}},
                  scaling_fn(scaling(2, "fan_in", "truncated_normal", seed))) {}
HeUniform::HeUniform(Seed seed)
    : Initializer({"HeUniform", {{"seed", seed_value(seed.seed)}}}, scaling_fn(scaling(2, "fan_in", "uniform", seed))) {
}
LecunNormal::LecunNormal(Seed seed)
    : Initializer({"LecunNormal", {{"seed", seed_value(seed.seed)}}},
                  scaling_fn(scaling(1, "fan_in", "truncated_normal", seed))) {}
LecunUniform::LecunUniform(Seed seed)
    : Initializer({"LecunUniform", {{"seed", seed_value(seed.seed)}}},
                  scaling_fn(scaling(1, "fan_in", "uniform", seed))) {}
Orthogonal::Orthogonal(double gain, Seed seed)
    : Initializer({"Orthogonal", {{"gain", gain}, {"seed", seed_value(seed.seed)}}},
                  [=](const Shape& s, DType d) { return orthogonal(s, d, gain, seed.seed); }) {
  check_finite("Orthogonal", "gain", gain);
}
}  // namespace initializers

}  // namespace mica
