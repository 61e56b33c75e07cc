// Keras' initializers by name and as objects.
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "frontend/graph/collections.h"
#include "frontend/graph/random.h"
#include "frontend/graph/value.h"
#include "frontend/layers/objects.h"
#include "frontend/mica/layer.h"

namespace mica {
namespace {

using internal::RandomStream;

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
  RandomStream stream(options.seed);
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
  RandomStream stream(seed);
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

// The options of a file's object; what it lacks, or says with null, has Keras' default.
double number_of(const Config& config, const char* key, double fallback) {
  return config.contains(key) && !config.at(key).is_null() ? config.get<double>(key) : fallback;
}
initializers::Seed seed_of(const Config& config) {
  if (!config.contains("seed") || config.at("seed").is_null()) return {};
  // A generator stands for the seed it was made of.
  bool generator = config.at("seed").kind() == Config::Value::Kind::kObject;
  return generator ? seed_of(config.at("seed").object().get<Config>("config"))
                   : initializers::Seed{config.get<std::int64_t>("seed")};
}

struct InitializerClass {
  const char *name, *class_name;
  Initializer (*make)(const Config&);
};

template <class T>
Initializer seeded(const Config& config) {
  return T(seed_of(config));
}

const InitializerClass kInitializers[] = {
    {"zeros", "Zeros", [](const Config&) -> Initializer { return initializers::Zeros(); }},
    {"ones", "Ones", [](const Config&) -> Initializer { return initializers::Ones(); }},
    {"constant", "Constant",
     [](const Config& c) -> Initializer { return initializers::Constant(number_of(c, "value", 0)); }},
    {"identity", "Identity",
     [](const Config& c) -> Initializer { return initializers::Identity(number_of(c, "gain", 1)); }},
    {"random_normal", "RandomNormal",
     [](const Config& c) -> Initializer {
       return initializers::RandomNormal(number_of(c, "mean", 0), number_of(c, "stddev", 0.05), seed_of(c));
     }},
    {"random_uniform", "RandomUniform",
     [](const Config& c) -> Initializer {
       return initializers::RandomUniform(number_of(c, "minval", -0.05), number_of(c, "maxval", 0.05), seed_of(c));
     }},
    {"truncated_normal", "TruncatedNormal",
     [](const Config& c) -> Initializer {
       return initializers::TruncatedNormal(number_of(c, "mean", 0), number_of(c, "stddev", 0.05), seed_of(c));
     }},
    {"variance_scaling", "VarianceScaling",
     [](const Config& c) -> Initializer {
       return initializers::VarianceScaling({.scale = number_of(c, "scale", 1),
                                             .mode = c.get<std::string>("mode", "fan_in"),
                                             .distribution = c.get<std::string>("distribution", "truncated_normal"),
                                             .seed = seed_of(c).seed});
     }},
    {"glorot_normal", "GlorotNormal", seeded<initializers::GlorotNormal>},
    {"glorot_uniform", "GlorotUniform", seeded<initializers::GlorotUniform>},
    {"he_normal", "HeNormal", seeded<initializers::HeNormal>},
    {"he_uniform", "HeUniform", seeded<initializers::HeUniform>},
    {"lecun_normal", "LecunNormal", seeded<initializers::LecunNormal>},
    {"lecun_uniform", "LecunUniform", seeded<initializers::LecunUniform>},
    {"orthogonal", "Orthogonal",
     [](const Config& c) -> Initializer { return initializers::Orthogonal(number_of(c, "gain", 1), seed_of(c)); }},
};

// Keras' other spellings.
std::string_view canonical(std::string_view name) {
  if (name == "zero") return "zeros";
  if (name == "one") return "ones";
  if (name == "normal") return "random_normal";
  if (name == "uniform") return "random_uniform";
  if (name == "IdentityInitializer") return "Identity";
  if (name == "OrthogonalInitializer") return "Orthogonal";
  return name;
}

Initializer by_name(std::string_view name) { return internal::make_initializer({std::string(name), {}}); }

}  // namespace

Initializer internal::make_initializer(const Described& described) {
  std::vector<std::string> names;
  for (const InitializerClass& known : kInitializers) {
    std::string_view name = canonical(described.class_name);
    if (name == known.name || name == known.class_name) return known.make(described.config);
    names.push_back(known.name);
  }
  throw Error({.where = "initializer",
               .expected = absl::StrCat("one of ", internal::join(names)),
               .received = absl::StrCat("\"", described.class_name, "\""),
               .hint = {}});
}

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
// input_axes and output_axes of Keras 3.15: the fans follow from the shape alone.
Config fan_config(Seed seed) { return {{"seed", seed_value(seed.seed)}, {"input_axes", {}}, {"output_axes", {}}}; }
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
    : Initializer({"Identity", gain == 1 ? Config() : Config{{"gain", gain}}}, [gain](const Shape& s, DType d) {
        if (s.rank() != 2 || s[0] != s[1]) {
          throw Error(
              {.where = "Identity", .expected = "a square matrix to fill", .received = s.to_string(), .hint = {}});
        }
        std::int64_t i = 0, n = s[0];
        return drawn(s, d, [&] { return i++ % (n + 1) == 0 ? gain : 0.0; });
      }) {}
RandomNormal::RandomNormal(double mean, double stddev, Seed seed)
    : Initializer({"RandomNormal", {{"seed", seed_value(seed.seed)}, {"mean", mean}, {"stddev", stddev}}},
                  [=](const Shape& s, DType d) {
                    RandomStream stream(seed.seed);
                    return drawn(s, d, [&] { return mean + stddev * stream.normal(); });
                  }) {
  check_finite("RandomNormal", "mean and stddev", mean + stddev);
}
RandomUniform::RandomUniform(double minval, double maxval, Seed seed)
    : Initializer({"RandomUniform", {{"seed", seed_value(seed.seed)}, {"minval", minval}, {"maxval", maxval}}},
                  [=](const Shape& s, DType d) {
                    RandomStream stream(seed.seed);
                    return drawn(s, d, [&] { return minval + (maxval - minval) * stream.uniform(); });
                  }) {
  check_finite("RandomUniform", "minval and maxval", minval + maxval);
}
TruncatedNormal::TruncatedNormal(double mean, double stddev, Seed seed)
    : Initializer({"TruncatedNormal", {{"seed", seed_value(seed.seed)}, {"mean", mean}, {"stddev", stddev}}},
                  [=](const Shape& s, DType d) {
                    RandomStream stream(seed.seed);
                    return drawn(s, d, [&] { return truncated(stream, mean, stddev); });
                  }) {
  check_finite("TruncatedNormal", "mean and stddev", mean + stddev);
}
VarianceScaling::VarianceScaling(VarianceScalingOptions options)
    : Initializer({"VarianceScaling",
                   {{"seed", seed_value(options.seed)},
                    {"scale", options.scale},
                    {"mode", options.mode},
                    {"distribution", options.distribution},
                    {"input_axes", {}},
                    {"output_axes", {}}}},
                  scaling_fn(options)) {
  check_finite("VarianceScaling", "scale", options.scale);
}
GlorotNormal::GlorotNormal(Seed seed)
    : Initializer({"GlorotNormal", fan_config(seed)}, scaling_fn(scaling(1, "fan_avg", "truncated_normal", seed))) {}
GlorotUniform::GlorotUniform(Seed seed)
    : Initializer({"GlorotUniform", fan_config(seed)}, scaling_fn(scaling(1, "fan_avg", "uniform", seed))) {}
HeNormal::HeNormal(Seed seed)
    : Initializer({"HeNormal", fan_config(seed)}, scaling_fn(scaling(2, "fan_in", "truncated_normal", seed))) {}
HeUniform::HeUniform(Seed seed)
    : Initializer({"HeUniform", fan_config(seed)}, scaling_fn(scaling(2, "fan_in", "uniform", seed))) {}
LecunNormal::LecunNormal(Seed seed)
    : Initializer({"LecunNormal", fan_config(seed)}, scaling_fn(scaling(1, "fan_in", "truncated_normal", seed))) {}
LecunUniform::LecunUniform(Seed seed)
    : Initializer({"LecunUniform", fan_config(seed)}, scaling_fn(scaling(1, "fan_in", "uniform", seed))) {}
Orthogonal::Orthogonal(double gain, Seed seed)
    : Initializer({"Orthogonal", {{"seed", seed_value(seed.seed)}, {"gain", gain}}},
                  [=](const Shape& s, DType d) { return orthogonal(s, d, gain, seed.seed); }) {
  check_finite("Orthogonal", "gain", gain);
}
}  // namespace initializers

}  // namespace mica
