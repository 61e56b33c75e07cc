// Random numbers: Philox4x32-10 keyed by the process's seed; each draw takes the next counter, so values depend on no
// schedule, thread count or device.
#pragma once
#include <cstdint>
#include <vector>

#include "frontend/mica/tensor.h"
#include "runtime/array.h"

namespace mica::internal {

class RandomStream {
 public:
  // The next stream of the process's generator; or the stream of a seed, which is always the same.
  RandomStream();
  explicit RandomStream(std::uint64_t seed);
  std::uint32_t next_u32();
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

// A rank-0 u64 array, another number at every call: the operand of random operations inside a Program.
rt::Array next_random_counter();
std::uint64_t process_seed();

}  // namespace mica::internal
