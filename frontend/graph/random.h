// Random numbers: Philox4x32-10 keyed by the process's seed; each draw takes the next counter, so values depend on no
// schedule, thread count or device.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "frontend/mica/layer.h"
#include "runtime/array.h"

namespace mica::internal {

class RandomStream {
 public:
  // The stream of a seed, which is always the same; without one the next stream of the process's generator.
  explicit RandomStream(std::optional<std::uint64_t> seed = {});
  std::uint32_t next_u32();
  std::uint64_t next_u64();
  double uniform();  // [0, 1), 24 bits
  double normal();   // Box-Muller

 private:
  void refill();
  std::uint64_t key_, counter_ = 0, stream_;
  std::uint32_t block_[4] = {};
  int used_ = 4;
  bool has_spare_ = false;
  double spare_ = 0;
};

// Where the process's generator stands: the same draws follow from the same position.
struct RandomPosition {
  std::uint64_t seed = 0, draws = 0;
  Config to_config() const;
  static RandomPosition from_config(const Config& config);
};
RandomPosition random_position();
void set_random_position(const RandomPosition& position);

// The operand of random operations: i64[2], the seed (the process's unless given) and the number of the draw, which is
// another one at every call.
rt::Array next_random_state(std::optional<std::int64_t> seed = {});
// The same as a tensor: inside a trace an operand that is drawn again at every run.
Tensor random_state(std::optional<std::int64_t> seed = {});

}  // namespace mica::internal
